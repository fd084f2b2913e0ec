// Profiles of exports: what the files of well-known systems look like, as plain values. One file each, listed in index.ts.

import type { Condition } from "../conditions.ts";

/**
 * What a column of an export is.
 *
 * Of sales: `item`, `instant`, `quantity`, `place`. Of catalogues: `id`, `group` (variants of one product), `title`, `description`, `brand`, `category`.
 */
export type ExportPart = "item" | "instant" | "quantity" | "place" | "id" | "group" | "title" | "description" | "brand" | "category";

/** What the files of one system are known by, and what stands where in them. */
export interface ExportProfile {
  /** For `--export`. */
  readonly name: string;
  /** What a person would say: "a Shopify orders export". */
  readonly title: string;
  /** Sets of columns; a file that has all of one set is such an export. */
  readonly recognisedBy: readonly (readonly string[])[];
  /** The columns of each part, under all their names, the best first. */
  readonly columns: Readonly<Partial<Record<ExportPart, readonly string[]>>>;
  /** What its rows leave blank. */
  readonly inherits?: ExportInheritance;
  /** Rows that count. A condition on a column that the file lacks, or that a person said something of, does not. */
  readonly keeps?: readonly Condition[];
  /** What a person should know of it, in a sentence. */
  readonly note?: string;
}

/** An `Inheritance` (inherit.ts) with all the names that its columns have. */
export type ExportInheritance =
  | { readonly kind: "above"; readonly by: readonly string[]; readonly columns: readonly string[] }
  | {
      readonly kind: "parent";
      readonly by: readonly string[];
      readonly keys: readonly [code: readonly string[], id: readonly string[]];
      readonly columns: readonly string[];
    };
