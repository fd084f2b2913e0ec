// Categories: the cells of a catalogue that say where an item belongs, as paths of levels, lists or plain codes, and the code they make.
//
// Owns: how cells are written, the code at a level. Does not own: which column they stand in.
//   K1. A rule is plain JSON; the same cells and rule give the same code. Nothing given is "".
//   K2. A code of a path is the whole path down to its level, because "Accessories" of two branches are two codes.
//   K3. Of several categories in a cell the deepest is the item's, of equally deep ones the first.

/** Down to where a path makes the code: all of it, its first part, or so many parts. */
export type LabelLevel = "leaf" | "top" | number;

/** How the parts of a path are told apart: `list` is a JSON or Python list. */
export type PathSeparator = ">" | "|" | "/" | "\\" | "::" | ";" | "," | "list";

/** How a row's cells become its code. */
export interface LabelRule {
  /** One column, or one a level, the broadest first. */
  readonly columns: readonly string[];
  /** Null: a cell is one name. */
  readonly path: PathSeparator | null;
  /** What separates several categories in one cell; null: there is one. */
  readonly several: PathSeparator | null;
  /** Null: cells are codes as they stand. */
  readonly level: LabelLevel | null;
}

const patterns: Readonly<Record<Exclude<PathSeparator, "list">, RegExp>> = {
  ">": /\s*(?:>+|»|›|→)\s*/u,
  "|": /\s*\|+\s*/u,
  "/": /\s*\/\s*/u,
  "\\": /\s*\\\s*/u,
  "::": /\s*::\s*/u,
  ";": /\s*;\s*/u,
  ",": /\s*,\s*/u,
};

const partsOf = (text: string, separator: Exclude<PathSeparator, "list">): readonly string[] =>
  text
    .split(patterns[separator])
    .map((part) => part.trim())
    .filter((part) => part !== "");

/** The texts of a JSON or Python list, whatever it is nested in; a nested list is a list of its own. */
function listsOf(text: string): readonly (readonly string[])[] {
  const lists: string[][] = [];
  let open: string[] | undefined;
  for (const found of text.matchAll(/[[\]]|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s,[\]"'][^,[\]]*)/gu)) {
    const [sign, double, single, bare] = found;
    if (sign === "[") {
      open = [];
      lists.push(open);
    } else if (sign === "]") open = undefined;
    else {
      const part = (double ?? single ?? bare ?? "").replaceAll(/\\(.)/gu, "$1").trim();
      if (part !== "" && part !== "None" && part !== "null") (open ?? lists.at(-1))?.push(part);
    }
  }
  return lists.filter((list) => list.length > 0);
}

/** The paths that a cell names, each from the broadest to the finest. */
export function pathsOf(text: string, { path, several }: Pick<LabelRule, "path" | "several">): readonly (readonly string[])[] {
  const trimmed = text.trim();
  if (trimmed === "") return [];
  if (path === "list" || several === "list") {
    const lists = listsOf(trimmed);
    // ["A >> B >> C"]: a list of one path that is written in another way.
    const only = lists[0]?.[0] ?? "";
    if (lists.length === 1 && lists[0]?.length === 1) return [patterns[">"].test(only) ? partsOf(only, ">") : [only]];
    return path === "list" ? lists : lists.flat().map((one) => [one]);
  }
  const cells = several === null ? [trimmed] : partsOf(trimmed, several);
  return cells.map((cell) => (path === null ? [cell] : partsOf(cell, path))).filter((parts) => parts.length > 0);
}

/** The path that counts (K3). */
export const deepest = (paths: readonly (readonly string[])[]): readonly string[] =>
  paths.reduce<readonly string[]>((best, path) => (path.length > best.length ? path : best), []);

/** The code of a path at a level (K2). */
export function codeAt(path: readonly string[], level: LabelLevel | null): string {
  const depth = level === "leaf" || level === null ? path.length : level === "top" ? 1 : level;
  return path.slice(0, depth).join(" > ");
}

/** The path that a row's cells give, in the order of the rule's columns; empty where nothing is given. */
export function pathOfRow(cells: readonly string[], rule: LabelRule): readonly string[] {
  if (rule.columns.length > 1) {
    const parts = cells.map((cell) => cell.trim());
    const end = parts.indexOf("");
    return end < 0 ? parts : parts.slice(0, end);
  }
  return deepest(pathsOf(cells[0] ?? "", rule));
}

/** The code of a row, "" where none is given. */
export const labelOfRow = (cells: readonly string[], rule: LabelRule): string =>
  rule.level === null && rule.path === null && rule.several === null && rule.columns.length === 1
    ? (cells[0] ?? "").trim()
    : codeAt(pathOfRow(cells, rule), rule.level);

// --- how cells are written ---------------------------------------------------------------------------------------------------------------------

/** Shares of the cells that must be written so, from the surest way to the least. */
const ways: readonly (readonly [separator: PathSeparator, least: number])[] = [
  ["list", 0.9],
  [">", 0.2],
  ["::", 0.2],
  ["|", 0.4],
  ["/", 0.6],
  ["\\", 0.6],
  [";", 0.6],
  [",", 0.6],
];

/** Finds how a column's cells are written, from different cells of it that are not blank. */
export function findLabelShape(cells: readonly string[]): Pick<LabelRule, "path" | "several"> {
  for (const [separator, least] of ways) {
    const shape = { path: separator, several: null };
    const isSo =
      separator === "list" ? (cell: string) => /^\s*\[.*\]\s*$/su.test(cell) : (cell: string) => partsOf(cell, separator).length > 1;
    const written = cells.filter(isSo);
    if (cells.length === 0 || written.length < Math.max(2, least * cells.length)) continue;
    const several = separator === ">" || separator === "/" ? severalOf(cells, separator) : null;
    const paths = cells.flatMap((cell) => pathsOf(cell, { path: separator, several }));
    // "Kettles, red" is a name; lists of tags have no blank behind the comma.
    const inWords = separator === "," && written.filter((cell) => /,\s/u.test(cell)).length > 0.1 * written.length;
    if (separator === ">" || (!inWords && isTree(paths))) return { path: separator, several };
    if (isSet(paths)) return { path: null, several: separator };
    if (separator === "list") return shape;
  }
  return { path: null, several: null };
}

/** What separates several paths in a cell: `A > B, A > C`, but not the comma of `Food, Drinks > Tea`. */
function severalOf(cells: readonly string[], path: ">" | "/"): PathSeparator | null {
  for (const separator of ["|", ";", ","] as const) {
    const written = cells.filter((cell) => partsOf(cell, separator).length > 1);
    if (written.length < Math.max(1, 0.02 * cells.length)) continue;
    const parts = written.flatMap((cell) => partsOf(cell, separator));
    const paths = [...cells.filter((cell) => !written.includes(cell)), ...parts.filter((part) => patterns[path].test(part))];
    const tops = new Set(paths.flatMap((cell) => partsOf(cell, path)[0] ?? []));
    const whole = parts.filter((part) => patterns[path].test(part) || tops.has(part));
    if (whole.length >= 0.9 * parts.length) return separator;
  }
  return null;
}

/** Whether parts further down hardly ever stand at the top: levels, and no set of equal names. */
function isTree(paths: readonly (readonly string[])[]): boolean {
  const tops = new Set(paths.map(([top]) => top ?? ""));
  const below = paths.flatMap((path) => path.slice(1));
  const different = new Set(paths.map((path) => path.join("\u0000"))).size;
  const known = below.filter((part) => tops.has(part)).length;
  return below.length > 0 && known <= 0.1 * below.length && tops.size <= 0.7 * different;
}

/** Whether cells are made of few short names that come again and again. */
function isSet(paths: readonly (readonly string[])[]): boolean {
  const parts = paths.flat();
  const different = new Set(parts).size;
  return parts.length > 1.3 * paths.length && different <= 0.3 * parts.length && parts.every((part) => part.split(/\s+/u).length <= 6);
}

/** How many of the items lie in codes of so many items or more, and how many codes there are. */
export interface LevelFigures {
  readonly level: LabelLevel;
  readonly codes: number;
  /** Codes of one item. */
  readonly single: number;
  /** Share of the items in codes that have enough items. */
  readonly covered: number;
}

/** Figures of every level of some paths; `enough`: items that make a code learnable. The last is `leaf`. */
export function levelsOf(paths: readonly (readonly string[])[], enough: number): readonly LevelFigures[] {
  const most = paths.reduce((depth, path) => Math.max(depth, path.length), 0);
  return Array.from({ length: most }, (_, i) => {
    const level: LabelLevel = i + 1 === most ? "leaf" : i === 0 ? "top" : i + 1;
    const counts = new Map<string, number>();
    for (const path of paths) {
      const code = codeAt(path, level);
      counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    let [single, covered] = [0, 0];
    for (const count of counts.values()) {
      if (count === 1) single += 1;
      if (count >= enough) covered += count;
    }
    return { level, codes: counts.size, single, covered: paths.length === 0 ? 0 : covered / paths.length };
  });
}
