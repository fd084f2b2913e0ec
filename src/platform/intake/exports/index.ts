// Exports of well-known systems: which one a file is, and the columns of its parts.

import { StockroomError } from "../../errors.ts";
import type { Condition } from "../conditions.ts";
import type { Inheritance } from "../inherit.ts";
import { wordsOfName } from "../names.ts";
import { amazonOrders } from "./amazon.ts";
import type { ExportPart, ExportProfile } from "./contract.ts";
import { googleMerchant, openFoodFacts } from "./feeds.ts";
import { sapMovements } from "./sap.ts";
import { shopifyOrders, shopifyProducts } from "./shopify.ts";
import { squareItems, squareLibrary } from "./square.ts";
import { woocommerceOrders, woocommerceProducts } from "./woocommerce.ts";

export type { ExportPart, ExportProfile } from "./contract.ts";

export const exportProfiles: readonly ExportProfile[] = [
  shopifyOrders,
  shopifyProducts,
  woocommerceOrders,
  woocommerceProducts,
  squareItems,
  squareLibrary,
  amazonOrders,
  sapMovements,
  googleMerchant,
  openFoodFacts,
];

/** What says that a file is no export of a known system, or is to be read as if it were none. */
export const noExport = "none";

/** Names of columns are compared as words: case, blanks, hyphens and underscores aside. */
const same = (name: string): string => wordsOfName(name).replaceAll(" ", "");

/**
 * The export that a file with these columns is; of several the one whose set of columns is the largest.
 *
 * `named`: the profile that a person named; throws `input` `USAGE` where there is none of this name.
 */
export function findExport(columns: readonly string[], named?: string): ExportProfile | undefined {
  if (named === noExport) return undefined;
  if (named !== undefined) {
    const found = exportProfiles.find(({ name }) => name === named);
    if (found !== undefined) return found;
    throw new StockroomError(
      "input",
      "USAGE",
      `Expected --export to be ${exportProfiles.map(({ name }) => name).join(", ")} or ${noExport} but received "${named}". Correct it.`,
    );
  }
  const there = new Set(columns.map(same));
  const sizes = exportProfiles.map((profile) => ({
    profile,
    size: Math.max(0, ...profile.recognisedBy.map((set) => (set.every((name) => there.has(same(name))) ? set.length : 0))),
  }));
  const best = sizes.reduce((a, b) => (b.size > a.size ? b : a));
  return best.size === 0 ? undefined : best.profile;
}

/** The file's columns of a part, in the profile's order. */
export function columnsOfPart(profile: ExportProfile, part: ExportPart, columns: readonly string[]): readonly string[] {
  return (profile.columns[part] ?? []).flatMap((name) => findIn(columns, name) ?? []);
}

/** What the rows of this file inherit; undefined when nothing. */
export function inheritanceOf({ inherits }: ExportProfile, columns: readonly string[]): Inheritance | undefined {
  if (inherits === undefined) return undefined;
  const first = (names: readonly string[]): string | undefined => names.flatMap((name) => findIn(columns, name) ?? [])[0];
  const by = first(inherits.by);
  if (by === undefined) return undefined;
  const filled = inherits.columns.flatMap((name) => findIn(columns, name) ?? []);
  if (inherits.kind === "above") return { kind: "above", by, columns: filled };
  const [code, id] = inherits.keys;
  return { kind: "parent", by, keys: [first(code) ?? "", first(id) ?? ""], columns: filled };
}

/** The rows of this file that count: conditions on columns that it has, and of which a person said nothing. */
export const conditionsOf = ({ keeps = [] }: ExportProfile, columns: readonly string[], said: readonly Condition[]): readonly Condition[] =>
  keeps.flatMap((condition) => {
    const column = findIn(columns, condition.column);
    return column === undefined || said.some((one) => one.column === column) ? [] : [{ ...condition, column }];
  });

/** A profile's name of a column as this file writes it; undefined where it has none. */
const findIn = (columns: readonly string[], name: string): string | undefined =>
  columns.find((column) => column === name) ?? columns.find((column) => same(column) === same(name));
