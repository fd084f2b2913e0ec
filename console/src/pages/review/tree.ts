// The tree of a scheme's codes, laid out in the law's order, and searched.

import type { Code } from "../../data/codebook.ts";

export interface Branch {
  readonly code: string;
  readonly name: string;
  readonly heading: boolean;
  readonly depth: number;
  /** The names above it, the highest first. */
  readonly above: readonly string[];
}

/** Each code after its parent, in the law's order. One whose parent is nowhere stands at the top. Pure. */
export function layTree(codes: readonly Code[]): readonly Branch[] {
  const known = new Set(codes.map(({ code }) => code));
  const children = Map.groupBy(codes, ({ parent }) => (parent !== undefined && known.has(parent) ? parent : ""));
  const laid: Branch[] = [];
  const seen = new Set<string>();
  const walk = (of: readonly Code[], above: readonly string[]): void => {
    for (const { code, name, heading } of of) {
      if (seen.has(code)) continue;
      seen.add(code);
      laid.push({ code, name, heading: heading === true, depth: above.length, above });
      walk(children.get(code) ?? [], [...above, name === "" ? code : name]);
    }
  };
  walk(children.get("") ?? [], []);
  // Codes that are each other's parents are in no tree; they can be answered all the same.
  for (const { code, name, heading } of codes)
    if (!seen.has(code)) laid.push({ code, name, heading: heading === true, depth: 0, above: [] });
  return laid;
}

const fold = (text: string): string => text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();

/** Those that have every word, in their own words or in those above; a code that begins so comes first. Without words all. Pure. */
export function searchCodes(tree: readonly Branch[], text: string): readonly Branch[] {
  const words = fold(text).split(/\s+/).filter(Boolean);
  if (words.length === 0) return tree;
  const found = tree.filter((branch) => {
    if (branch.heading) return false;
    const all = fold([branch.code, branch.name, ...branch.above].join(" "));
    return words.every((word) => all.includes(word));
  });
  const rank = ({ code, name }: Branch): number => {
    const [first = ""] = words;
    if (fold(code) === first) return 0;
    if (fold(code).startsWith(first)) return 1;
    return fold(name).includes(first) ? 2 : 3;
  };
  return found.toSorted((a, b) => rank(a) - rank(b));
}
