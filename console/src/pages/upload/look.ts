// What a look at a file answered, in the form that the page shows: `POST /api/look` hands on each module's own JSON, which is read here once.
//
//   L1. What has not the expected form is left out, never guessed.

import type { AnswerOf } from "../../data/client.ts";

export type Look = AnswerOf<"POST /api/look">;

export interface LookedColumn {
  readonly name: string;
  readonly kind: string;
  readonly examples: readonly string[];
  readonly dateStyle: string | undefined;
  /** Of numbers with a fraction. */
  readonly decimal: string | undefined;
}

export interface LookedFile {
  readonly format: string;
  readonly encoding: string | undefined;
  readonly separator: string | undefined;
  readonly rows: number;
  readonly columns: readonly LookedColumn[];
}

export interface ColumnUse {
  readonly column: string;
  readonly use: string;
  readonly why: string;
}

/** What a module would make of the file. */
export interface ModuleProposal {
  readonly uses: readonly ColumnUse[];
  readonly questions: readonly { readonly text: string; readonly answers: readonly string[] }[];
  readonly notes: readonly string[];
}

export interface ForecastProposal extends ModuleProposal {
  /** Only in a long table can the columns be chosen anew. */
  readonly isLong: boolean;
  /** The settings that say it again. */
  readonly intake: Readonly<Record<string, unknown>>;
  readonly horizon: number | undefined;
}

export interface CatalogueProposal extends ModuleProposal {
  readonly hasLabel: boolean;
  /** Of codes that are paths: the parts that make the code. */
  readonly level: number | "leaf" | "top" | undefined;
  /** Flags of `classify fit` that say it again, quoted for a shell. */
  readonly flags: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;
export const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const numberOf = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
const textsOf = (value: unknown): readonly string[] => listOf(value).flatMap((one) => textOf(one) ?? []);

export function fileOf({ profile }: Pick<Look, "profile">): LookedFile {
  return {
    format: textOf(profile["format"]) ?? "",
    encoding: textOf(fieldsOf(profile["encoding"])["name"]),
    separator: textOf(fieldsOf(profile["layout"])["delimiter"]),
    rows: numberOf(profile["rows"]) ?? 0,
    columns: listOf(profile["columns"]).map((one) => {
      const { name, kind, examples, date, number } = fieldsOf(one);
      return {
        name: textOf(name) ?? "",
        kind: textOf(kind) ?? "",
        examples: textsOf(examples),
        dateStyle: textOf(fieldsOf(date)["style"]),
        decimal: fieldsOf(number)["whole"] === false ? textOf(fieldsOf(number)["decimal"]) : undefined,
      };
    }),
  };
}

function proposalOf(fields: Fields): ModuleProposal {
  return {
    uses: listOf(fields["uses"]).flatMap((one) => {
      const { column, use, why } = fieldsOf(one);
      const [name, part] = [textOf(column), textOf(use)];
      return name === undefined || part === undefined ? [] : [{ column: name, use: part, why: textOf(why) ?? "" }];
    }),
    questions: listOf(fields["questions"]).map((one) => {
      const { text, answers } = fieldsOf(one);
      return { text: textOf(text) ?? "", answers: textsOf(answers) };
    }),
    notes: textsOf(fields["notes"]),
  };
}

export function forecastIn({ proposals }: Pick<Look, "proposals">): ForecastProposal | undefined {
  if (proposals["forecast"] === undefined) return undefined;
  const fields = fieldsOf(proposals["forecast"]);
  return {
    ...proposalOf(fields),
    isLong: fieldsOf(fields["plan"])["shape"] === "long",
    intake: fieldsOf(fields["intake"]),
    horizon: numberOf(fields["horizon"]),
  };
}

export function catalogueIn({ proposals }: Pick<Look, "proposals">): CatalogueProposal | undefined {
  if (proposals["classify"] === undefined) return undefined;
  const fields = fieldsOf(proposals["classify"]);
  const label = fieldsOf(fieldsOf(fields["plan"])["label"]);
  const level = label["level"];
  return {
    ...proposalOf(fields),
    hasLabel: listOf(label["columns"]).length > 0,
    level: level === "leaf" || level === "top" || typeof level === "number" ? level : undefined,
    flags: textsOf(fields["flags"]),
  };
}
