// A wait: one thing that waits for a person; and the list of all, worst first. Pure.

import { grouped } from "../../../src/platform/figures.ts";
export interface Wait {
  readonly id: string;
  /** Worst first: 3 has stopped something, 2 needs a decision, 1 is work to be done. */
  readonly weight: 1 | 2 | 3;
  readonly kind: "dead letter" | "question" | "alarm" | "held promotion" | "ERP import" | "review";
  readonly title: string;
  readonly why: string;
  readonly at?: string | undefined;
  readonly href: string;
  /** How many single things it stands for. */
  readonly count: number;
  /** There are more of them than were counted. */
  readonly isLeast?: boolean;
  /** The run that it is about. */
  readonly run?: string | undefined;
}

/** Worst first, the newest of equal ones first. A run whose dead letter waits is one thing to mend: nothing else of it is told besides. */
export function worstFirst(found: readonly Wait[]): readonly Wait[] {
  const dead = new Set(found.flatMap(({ kind, run }) => (kind === "dead letter" && run !== undefined ? [run] : [])));
  return found
    .filter(({ kind, run }) => kind === "dead letter" || run === undefined || !dead.has(run))
    .toSorted((a, b) => b.weight - a.weight || (b.at ?? "").localeCompare(a.at ?? ""));
}

/** "12", or "12+" where not all were counted. */
export function totalText(waits: readonly Wait[], most = Number.POSITIVE_INFINITY): string {
  const total = waits.reduce((sum, { count }) => sum + count, 0);
  return total > most ? `${grouped(most)}+` : `${grouped(total)}${waits.some(({ isLeast }) => isLeast === true) ? "+" : ""}`;
}

/** The first rows each by itself; those after them as one that counts them. `isAll`: there are no others. */
export function folded(
  waits: readonly Wait[],
  most: number,
  isAll: boolean,
  rest: Pick<Wait, "id" | "href"> & { readonly noun: string },
): readonly Wait[] {
  const [first] = waits;
  const more = waits.slice(most);
  if (first === undefined || (more.length === 0 && isAll)) return waits;
  const { noun, ...place } = rest;
  const title = more.length === 0 ? `Further ${noun}` : `${more.length}${isAll ? "" : " or more"} further ${noun}`;
  return [
    ...waits.slice(0, most),
    { ...first, ...place, title, why: "", at: undefined, run: undefined, count: more.length, isLeast: !isAll },
  ];
}
