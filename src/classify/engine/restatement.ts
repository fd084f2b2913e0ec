// Restatement: what was reported first, and what is known now, side by side.
//
// Owns: adding figures up, the difference of two statements, the history of a figure, the check that totals agree. Does not own: where statements are kept
// (store), when one is made and why (flow), how margins come about (intervals).
//   N1. A statement is never changed. What is known later is another statement with the next revision, and the figures that differ are its changes.
//   N2. For every figure, the first statement plus all changes is the latest, exactly: sums are kept in whole millionths, so no order of adding shows.
//   N3. A figure that is absent from a statement is zero there.
//   N4. Figures come in one order (scheme, version, code), so that the same facts give the same bytes.

/** What one code of one scheme version amounts to in a country's period. */
export interface Figure {
  readonly scheme: string;
  readonly schemeVersion: string;
  readonly code: string;
  readonly items: number;
  readonly units: number;
  readonly kg: number;
  /** How far the true figures may lie from these, either way. */
  readonly itemsMargin: number;
  readonly unitsMargin: number;
  readonly kgMargin: number;
}

/** All figures of a country's period as they were told once. */
export interface Statement {
  /** 0 is the first. */
  readonly revision: number;
  readonly reason: string;
  readonly figures: readonly Figure[];
}

/** The measures of a figure. */
export interface Amounts {
  readonly items: number;
  readonly units: number;
  readonly kg: number;
}

/** One figure that differs between two statements. */
export interface Change {
  readonly scheme: string;
  readonly schemeVersion: string;
  readonly code: string;
  readonly before: Amounts;
  readonly now: Amounts;
  /** `now` less `before`. */
  readonly difference: Amounts;
}

/** What the figures of today mean beside what was told last. */
export type Restatement =
  | { readonly kind: "first"; readonly statement: Statement }
  | { readonly kind: "unchanged"; readonly statement: Statement }
  | { readonly kind: "restated"; readonly statement: Statement; readonly changes: readonly Change[] };

const measures = ["items", "units", "kg"] as const;
const numbers = ["items", "units", "kg", "itemsMargin", "unitsMargin", "kgMargin"] as const;
const MILLIONTHS = 1e6;

/** Whole millionths: sums of them are exact up to 9 billion. */
const whole = (value: number): number => Math.round(value * MILLIONTHS);
// Adding 0 turns -0 into 0.
const back = (millionths: number): number => Math.round(millionths) / MILLIONTHS + 0;

function keyOf(figure: { readonly scheme: string; readonly schemeVersion: string; readonly code: string }): string {
  return JSON.stringify([figure.scheme, figure.schemeVersion, figure.code]);
}

function inOrder(a: Omit<Change, "before" | "now" | "difference">, b: typeof a): number {
  return compare(a.scheme, b.scheme) || compare(a.schemeVersion, b.schemeVersion) || compare(a.code, b.code);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Adds up figures of the same scheme, version and code, in the order of a statement.
 *
 * Margins are added too: errors of parts may all point the same way. Figures that add up to nothing, margins included, are left out.
 */
export function addFigures(figures: Iterable<Figure>): readonly Figure[] {
  const sums = new Map<string, { figure: Figure; sums: number[] }>();
  for (const figure of figures) {
    const key = keyOf(figure);
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, { figure, sums: numbers.map((name) => whole(figure[name])) });
    else numbers.forEach((name, i) => (sum.sums[i] += whole(figure[name])));
  }
  return [...sums.values()]
    .filter((sum) => sum.sums.some((value) => value !== 0))
    .map(({ figure: { scheme, schemeVersion, code }, sums: [items, units, kg, itemsMargin, unitsMargin, kgMargin] }) => ({
      scheme,
      schemeVersion,
      code,
      items: back(items),
      units: back(units),
      kg: back(kg),
      itemsMargin: back(itemsMargin),
      unitsMargin: back(unitsMargin),
      kgMargin: back(kgMargin),
    }))
    .sort(inOrder);
}

/** Finds the figures whose items, units or kg differ between two statements. */
export function findChanges(before: readonly Figure[], now: readonly Figure[]): readonly Change[] {
  const [old, fresh] = [before, now].map((figures) => new Map(addFigures(figures).map((figure) => [keyOf(figure), figure])));
  const all = new Map([...old, ...fresh]);
  return [...all]
    .map(([key, { scheme, schemeVersion, code }]) => {
      const [then, today] = [amountsOf(old.get(key)), amountsOf(fresh.get(key))];
      return { scheme, schemeVersion, code, before: then, now: today, difference: subtract(today, then) };
    })
    .filter((change) => measures.some((name) => change.difference[name] !== 0))
    .sort(inOrder);
}

/**
 * Sets today's figures beside the statements made so far.
 *
 * `unchanged` gives back the latest statement; a margin that alone has moved is a restatement without changes of figures.
 */
export function restate(history: readonly Statement[], figures: Iterable<Figure>, reason: string): Restatement {
  const now = addFigures(figures);
  const last = latest(history);
  if (last === undefined) return { kind: "first", statement: { revision: 0, reason, figures: now } };
  const before = addFigures(last.figures);
  const same =
    before.length === now.length &&
    before.every((figure, i) => keyOf(figure) === keyOf(now[i]) && numbers.every((name) => figure[name] === now[i][name]));
  if (same) return { kind: "unchanged", statement: last };
  return { kind: "restated", statement: { revision: last.revision + 1, reason, figures: now }, changes: findChanges(before, now) };
}

/** The statement of the highest revision. */
export function latest(history: readonly Statement[]): Statement | undefined {
  return history.reduce<Statement | undefined>((last, one) => (last === undefined || one.revision > last.revision ? one : last), undefined);
}

/** A figure through all statements: the first, each restatement beside it, and what stands now. */
export interface FigureHistory {
  readonly scheme: string;
  readonly schemeVersion: string;
  readonly code: string;
  readonly first: Amounts;
  readonly restatements: readonly { readonly revision: number; readonly reason: string; readonly difference: Amounts }[];
  /** `first` plus all differences. */
  readonly now: Amounts;
}

/** Lists every figure ever told, with its restatements in the order of their revisions. */
export function tellHistory(history: readonly Statement[]): readonly FigureHistory[] {
  const statements = history.toSorted((a, b) => a.revision - b.revision);
  const [first, ...later] = statements;
  if (first === undefined) return [];
  const figures = new Map<
    string,
    { figure: Change | Figure; first: Amounts; restatements: FigureHistory["restatements"][number][]; now: Amounts }
  >();
  for (const figure of addFigures(first.figures)) {
    figures.set(keyOf(figure), { figure, first: amountsOf(figure), restatements: [], now: amountsOf(figure) });
  }
  later.forEach((statement, i) => {
    for (const change of findChanges(statements[i].figures, statement.figures)) {
      const known = figures.get(keyOf(change)) ?? {
        figure: change,
        first: amountsOf(undefined),
        restatements: [],
        now: amountsOf(undefined),
      };
      known.restatements.push({ revision: statement.revision, reason: statement.reason, difference: change.difference });
      known.now = add(known.now, change.difference);
      figures.set(keyOf(change), known);
    }
  });
  return [...figures.values()]
    .map(({ figure: { scheme, schemeVersion, code }, first, restatements, now }) => ({
      scheme,
      schemeVersion,
      code,
      first,
      restatements,
      now,
    }))
    .sort(inOrder);
}

/** Totals of a scheme over all its versions and codes. */
export interface SchemeTotal extends Amounts {
  readonly scheme: string;
}

/** Adds a statement's figures up by scheme: each scheme codes every item once. */
export function totalByScheme(figures: Iterable<Figure>): readonly SchemeTotal[] {
  const totals = new Map<string, Amounts>();
  for (const figure of figures) totals.set(figure.scheme, add(totals.get(figure.scheme) ?? amountsOf(undefined), amountsOf(figure)));
  return [...totals].map(([scheme, amounts]) => ({ scheme, ...amounts })).sort((a, b) => compare(a.scheme, b.scheme));
}

/** A scheme whose reported figures do not add up to what was sold. */
export interface Discrepancy {
  readonly scheme: string;
  readonly reported: Amounts;
  readonly expected: Amounts;
  /** Reported less expected. */
  readonly difference: Amounts;
}

/** Compares reported totals with those of the items sold; empty when they agree to the millionth. */
export function findDiscrepancies(figures: Iterable<Figure>, sold: readonly SchemeTotal[]): readonly Discrepancy[] {
  const reported = new Map(totalByScheme(figures).map((total) => [total.scheme, total]));
  const expected = new Map(sold.map((total) => [total.scheme, total]));
  return [...new Set([...reported.keys(), ...expected.keys()])].sort().flatMap((scheme) => {
    const [told, due] = [amountsOf(reported.get(scheme)), amountsOf(expected.get(scheme))];
    const difference = subtract(told, due);
    return measures.some((name) => difference[name] !== 0) ? [{ scheme, reported: told, expected: due, difference }] : [];
  });
}

function amountsOf(figure: Amounts | undefined): Amounts {
  return { items: back(whole(figure?.items ?? 0)), units: back(whole(figure?.units ?? 0)), kg: back(whole(figure?.kg ?? 0)) };
}

function add(a: Amounts, b: Amounts): Amounts {
  return {
    items: back(whole(a.items) + whole(b.items)),
    units: back(whole(a.units) + whole(b.units)),
    kg: back(whole(a.kg) + whole(b.kg)),
  };
}

function subtract(a: Amounts, b: Amounts): Amounts {
  return {
    items: back(whole(a.items) - whole(b.items)),
    units: back(whole(a.units) - whole(b.units)),
    kg: back(whole(a.kg) - whole(b.kg)),
  };
}
