// The intake of forecasting, as values: what a person said of a file, how it is read, what is asked and told.

import type { DecimalSign } from "../../../platform/formats/index.ts";

/** What a person said of the file. */
export interface GivenIntake {
  /** From a file's own name of a column to `item_id`, `timestamp`, `demand` or a dimension's name. */
  readonly map?: Readonly<Record<string, string>>;
  readonly dimensions?: readonly string[];
  readonly known?: readonly string[];
  /** The column that says whether there was stock. */
  readonly stock?: string;
  readonly without?: readonly string[];
  /** Every row is one piece. */
  readonly count?: boolean;
  readonly dateStyle?: string;
  readonly decimal?: DecimalSign;
  /** Why a column is what `map` or `dimensions` say, where no person said it. */
  readonly because?: Readonly<Record<string, string>>;
  /** Nothing is found beside what is said: a mapping that was accepted before. */
  readonly exact?: boolean;
}

/** How a file becomes rows of item, timestamp, demand: plain JSON, kept with what was made of it. */
export interface IntakePlan {
  readonly shape: "long" | "wide-dates" | "wide-items";
  /** The column of instants; of `wide-dates` null: they stand in the header. */
  readonly timestamp: string | null;
  /** Columns that make a date of a column of years: the month and the day, the week or the quarter. */
  readonly dateParts: readonly string[];
  readonly dateStyle: string;
  /** Instants within a day are put on the day: they lie on no grid of their own. */
  readonly byDay: boolean;
  /** Demand is written below zero, as what leaves a store: its sign is turned. */
  readonly negate: boolean;
  /** Null: one series, named `all`; of `wide-items` the header names the items. */
  readonly item: string | null;
  /** Null: each row counts one; of wide shapes the values in `values`. */
  readonly demand: string | null;
  readonly dimensions: readonly string[];
  /** Numbers that are known ahead. */
  readonly known: readonly string[];
  /** The column that says whether there was stock: demand is unknown where there was none. */
  readonly stock?: string | undefined;
  /** Dimensions and known numbers that are called otherwise in what comes out, by the file's name. */
  readonly names?: Readonly<Record<string, string>>;
  /** Columns whose blanks are those of the row above: merged cells. */
  readonly fillDown?: readonly string[];
  /** The word behind every number of the demand: `Stk`. */
  readonly unit?: string;
  /** Of wide shapes: columns that hold demand. */
  readonly values: readonly string[];
  readonly decimal: DecimalSign;
  /** Columns of texts that name the product: they go where metadata goes. */
  readonly metadata: readonly string[];
}

export interface Question {
  readonly about: "timestamp" | "demand" | "item" | "day" | "decimal";
  /** What is asked, with what speaks for each answer. */
  readonly text: string;
  /** Flags that answer it. */
  readonly answers: readonly string[];
}

export interface ColumnUse {
  readonly column: string;
  readonly use: "timestamp" | "item" | "demand" | "dimension" | "known" | "stock" | "metadata" | "left out";
  readonly why: string;
}

export interface Proposal {
  readonly plan: IntakePlan;
  readonly uses: readonly ColumnUse[];
  readonly questions: readonly Question[];
  /** What was assumed, in sentences. */
  readonly notes: readonly string[];
}

/** What a column of the plan is called in what comes out. */
export const nameIn = ({ names }: Pick<IntakePlan, "names">, column: string): string => names?.[column] ?? column;
