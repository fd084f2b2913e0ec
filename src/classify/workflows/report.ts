// Report: the figures of a country's period by scheme, version and code, with margins; later ones stand beside the first.
//
//   R1. Revision 0 is written once; when inferences or answers have changed the figures since, the next revision says why.
//   R2. The figures, the sealed report object, the audit record and the notice belong to one revision and appear together.
//   R4. A revision is written only of a whole period: while a line has not coded a current sales object, the last revision stands.
//   R3. The same inferences and answers give the same figures, byte for byte.

import { appendEvent } from "../../platform/database/outbox.ts";
import { faultPoint } from "../../platform/faults.ts";
import { writeThrough } from "../../platform/objects/handles.ts";
import type { Tx } from "../../platform/database/contract.ts";
import { withoutFormula } from "../../platform/formats/index.ts";
import type { WorkflowDefinition } from "../../platform/workflow/contract.ts";
import { percent } from "../../platform/figures.ts";
import { confidence, estimateCodeMargins, type AuditedMove } from "../engine/margins.ts";
import { parseLine } from "../engine/lines.ts";
import { prefixes, readKey } from "../store/keys.ts";
import { moveKinds, noMoves, type Amounts, type CodeFigures, type CodeMoves, type Triple } from "../engine/figures.ts";
import { insertAudit } from "../store/audit.ts";
import { currentInferences, listLapsedSales, lockPeriod, readCompletion, type InferenceRow } from "../store/inferences.ts";
import { listLines } from "../store/lines.ts";
import { listReviews, type ReviewRow } from "../store/reviews.ts";
import { insertRevision, listReported, listRevisions, readFigures, type ReportFigure, type ReportRevision } from "../store/reports.ts";
import { insertAnchor } from "./audit.ts";
import { completePeriod, listSales } from "./completion.ts";
import { actAs, timeOf, type ClassifyDeps } from "./deps.ts";

export type ReportInput = { readonly period: string; readonly country: string; readonly fingerprint: string };

export type ReportResult = {
  /** -1: there is none yet. */
  readonly revision: number;
  readonly isNew: boolean;
  readonly figures: number;
  /** What must be coded before the next revision can be written: `KEY by LINE`. */
  readonly waits: readonly string[];
};

export function makeReport(deps: ClassifyDeps): WorkflowDefinition<ReportInput, ReportResult> {
  return {
    name: "classify.report",
    queue: "classify.light",
    title: (input) => `report ${input.period} of ${input.country}`,
    run: async (context, input) =>
      await context.step("report", async () => await writeReport(deps, context.runId, input.period, input.country)),
  };
}

/** Every night: the periods whose answers or codings have changed the figures get their next revision. */
export function makeRestate(deps: ClassifyDeps): WorkflowDefinition<Record<string, never>, { readonly written: number }> {
  return {
    name: "classify.restate",
    queue: "classify.light",
    title: () => "restate reports whose figures have changed",
    run: async (context) => {
      const reported = await context.step("reported", async () => await listReported(deps.database));
      let written = 0;
      for (const one of reported) {
        const result = await context.step(
          `restate ${one.period}/${one.country}`,
          async () => await writeReport(deps, context.runId, one.period, one.country),
        );
        if (result.isNew) written += 1;
      }
      return { written };
    },
  };
}

/** What a country's period amounts to now, and of what it was made. */
export interface FigureInputs {
  readonly figures: readonly ReportFigure[];
  readonly source: {
    readonly inferences: readonly string[];
    readonly answers: readonly string[];
    readonly audit: Readonly<Record<string, { readonly answered: number; readonly wrong: number }>>;
    /** How often the truth is to lie within a margin, and what share of each scheme's items the models decided by themselves. */
    readonly margins: { readonly confidence: number; readonly automatic: Readonly<Record<string, number>> };
  };
}

interface Sums {
  items: number;
  units: number;
  kg: number;
  autoItems: number;
  readonly returned: Amounts;
  readonly moves: ReturnType<typeof noMoves>;
}

const nothing = (): Sums => ({
  items: 0,
  units: 0,
  kg: 0,
  autoItems: 0,
  returned: [0, 0, 0],
  moves: noMoves(),
});

/** Adds up inferences, moves answered items to their answers, and gives every figure its margin. Pure. */
export function computeFigures(inferences: readonly InferenceRow[], answers: readonly ReviewRow[]): FigureInputs {
  const sums = new Map<string, Sums>();
  const at = (scheme: string, version: string, code: string): Sums => {
    const key = JSON.stringify([scheme, version, code]);
    let sum = sums.get(key);
    if (sum === undefined) sums.set(key, (sum = nothing()));
    return sum;
  };
  for (const inference of inferences) {
    const { scheme } = parseLine(inference.line);
    for (const [version, codes] of Object.entries(inference.figures)) {
      for (const [code, figures] of Object.entries(codes)) add(at(scheme, version, code), figures);
    }
  }
  const split = new Map([...sums].map(([key, sum]) => [key, sum.moves.splitOut[0]]));
  const audit: Record<string, { answered: number; wrong: number }> = {};
  const audited = new Map<string, AuditedMove[]>();
  const known = new Set(inferences.map((inference) => inference.id));
  // Those of a recoding are of other versions than the figures.
  const used = answers.filter((answer) => known.has(answer.inference) && answer.answer !== undefined && answer.kind !== "recode");
  for (const answer of used) {
    const { scheme } = parseLine(answer.line);
    const from = at(scheme, answer.schemeVersion, answer.predicted);
    if (answer.kind === "audit") {
      const line = (audit[answer.line] ??= { answered: 0, wrong: 0 });
      line.answered += 1;
      if (answer.answer !== answer.predicted) line.wrong += 1;
    }
    if (answer.kind === "audit")
      push(audited, versionKey(scheme, answer.schemeVersion), { from: answer.predicted, to: answer.answer ?? "" });
    removeDoubt(from, answer);
    from.items -= 1;
    from.units -= answer.units;
    from.kg -= answer.kg;
    const to = at(scheme, answer.schemeVersion, answer.answer ?? answer.predicted);
    to.items += 1;
    to.units += answer.units;
    to.kg += answer.kg;
    if (answer.units < 0) moveReturn(from, to, answer);
  }
  const margins = marginsOf(sums, split, audited);
  const figures = [...sums]
    .map(([key, sum]): ReportFigure => {
      const [scheme, schemeVersion, code] = JSON.parse(key) as [string, string, string];
      const [itemsMargin, unitsMargin, kgMargin] = margins.get(key) ?? [0, 0, 0];
      return {
        scheme,
        schemeVersion,
        code,
        items: round(sum.items),
        units: round(sum.units),
        kg: round(sum.kg),
        itemsMargin: margin(itemsMargin),
        unitsMargin: margin(unitsMargin),
        kgMargin: margin(kgMargin),
        returnedUnits: round(sum.returned[1]),
        returnedKg: round(sum.returned[2]),
      };
    })
    // A code that was given to nothing is told where something may well belong to it.
    .filter((figure) => figure.items !== 0 || figure.units !== 0 || figure.kg !== 0 || (figure.code !== "" && figure.itemsMargin >= 1))
    .toSorted((a, b) => compare(a.scheme, b.scheme) || compare(a.schemeVersion, b.schemeVersion) || compare(a.code, b.code));
  return {
    figures,
    source: {
      inferences: [...known].toSorted(),
      answers: used.map((answer) => answer.answerId ?? answer.id).toSorted(),
      audit,
      margins: { confidence, automatic: automaticShares(inferences) },
    },
  };
}

/** Of all items coded; schemes without items are left out. */
function automaticShares(inferences: readonly InferenceRow[]): Readonly<Record<string, number>> {
  const shares = [...Map.groupBy(inferences, (inference) => parseLine(inference.line).scheme)].flatMap(([scheme, rows]) => {
    const items = rows.reduce((sum, row) => sum + row.items, 0);
    return items === 0 ? [] : [[scheme, round(rows.reduce((sum, row) => sum + row.autoItems, 0) / items)] as const];
  });
  return Object.fromEntries(shares.toSorted(([a], [b]) => compare(a, b)));
}

function add(sum: Sums, figures: CodeFigures): void {
  sum.items += figures.items;
  sum.units += figures.units;
  sum.kg += figures.kg;
  sum.autoItems += figures.autoItems;
  const moves = figures.moves ?? guessedMoves(figures);
  for (const kind of moveKinds) addAmounts(sum.moves[kind], moves[kind]);
  if (figures.returned !== undefined) addAmounts(sum.returned, figures.returned);
}

function addAmounts(sum: Amounts, amounts: Triple): void {
  for (let k = 0; k < 3; k++) sum[k] = (sum[k] ?? 0) + (amounts[k] ?? 0);
}

/** Share of automatic items to count as wrong where the coding did not keep what its probabilities said. */
const usualDoubt = 0.02;

/** For codings of earlier versions of this program, which kept the doubt of items for review alone. */
function guessedMoves(figures: CodeFigures): CodeMoves {
  const auto: Triple = [usualDoubt * figures.autoItems, usualDoubt * figures.autoUnits, usualDoubt * figures.autoKg];
  const review: Triple = [figures.doubtItems, figures.doubtUnits, figures.doubtKg];
  // All of it goes nobody knows where, as lumpy as the mean item is heavy.
  const lumps = (moving: Triple): Triple => {
    const each = (amount: number): number => (figures.items > 0 ? (Math.abs(amount) / figures.items) * 2 : 0);
    return [moving[0], moving[1] * each(figures.units), moving[2] * each(figures.kg)];
  };
  return {
    ...noMoves(),
    autoOut: auto,
    autoRest: auto,
    autoSpread: lumps(auto),
    reviewOut: review,
    reviewRest: review,
    reviewSpread: lumps(review),
  };
}

/** An answered item moves no more: what its probability said is taken back from the code it was given. */
function removeDoubt(from: Sums, answer: ReviewRow): void {
  const automatic = answer.kind === "audit" || answer.kind === "former";
  if (automatic) from.autoItems -= 1;
  const doubt = 1 - answer.probability;
  const amounts = [1, Math.abs(answer.units), Math.abs(answer.kg)];
  for (let k = 0; k < 3; k++) {
    const amount = amounts[k] ?? 0;
    const { moves } = from;
    const take = (kind: keyof CodeMoves, part: number): void => void (moves[kind][k] = Math.max(0, (moves[kind][k] ?? 0) - part));
    take(automatic ? "autoOut" : "reviewOut", amount * doubt);
    take(automatic ? "autoSpread" : "reviewSpread", amount ** 2 * doubt * answer.probability);
    if (!automatic) take("splitOut", amount);
  }
}

/** What came back is told with the code of the item: it goes where the answer puts it. */
function moveReturn(from: Sums, to: Sums, { units, kg }: ReviewRow): void {
  for (const [k, amount] of [1, Math.abs(units), Math.abs(kg)].entries()) {
    from.returned[k] = Math.max(0, (from.returned[k] ?? 0) - amount);
    to.returned[k] = (to.returned[k] ?? 0) + amount;
  }
}

const versionKey = (scheme: string, version: string): string => JSON.stringify([scheme, version]);

function push<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

/** Margins of every figure, worked out for each version of a scheme by itself: items move between its codes. */
function marginsOf(
  sums: ReadonlyMap<string, Sums>,
  splitBefore: ReadonlyMap<string, number>,
  audited: ReadonlyMap<string, readonly AuditedMove[]>,
): ReadonlyMap<string, Triple> {
  const versions = Map.groupBy([...sums], ([key]) => {
    const [scheme = "", version = ""] = JSON.parse(key) as string[];
    return versionKey(scheme, version);
  });
  const margins = new Map<string, Triple>();
  for (const [version, codes] of versions) {
    const before = codes.reduce((sum, [key]) => sum + (splitBefore.get(key) ?? 0), 0);
    const now = codes.reduce((sum, [, one]) => sum + one.moves.splitOut[0], 0);
    const left = before > 0 ? now / before : 0;
    const inputs = codes.map(([key, { items, autoItems, moves }]) => ({
      code: (JSON.parse(key) as string[])[2] ?? "",
      items: Math.max(0, items),
      autoItems: Math.max(0, autoItems),
      moves: { ...moves, splitIn: [moves.splitIn[0] * left, moves.splitIn[1] * left, moves.splitIn[2] * left] as const },
    }));
    const found = estimateCodeMargins(inputs, audited.get(version) ?? []);
    for (const [index, [key]] of codes.entries()) margins.set(key, found.get(inputs[index]?.code ?? "") ?? [0, 0, 0]);
  }
  return margins;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
/** Sums of floats are kept to a thousandth, so that the order of adding does not show. */
const round = (value: number): number => Math.round(value * 1000) / 1000 + 0;
const margin = (value: number): number => round(Math.max(0, value));

/** Answers that belong to a country's period. */
export async function answersOf(tx: Tx, period: string, country: string): Promise<readonly ReviewRow[]> {
  const rows = await listReviews(tx, { period, state: "answered", limit: 10_000_000 });
  return rows.filter((row) => parseLine(row.line).country === country);
}

/** Writes the next revision of a report if the figures differ from the last one's. */
export async function writeReport(deps: ClassifyDeps, purpose: string, period: string, country: string): Promise<ReportResult> {
  const actor = actAs("report", purpose);
  const revisions = await listRevisions(deps.database, period, country);
  const last = revisions.at(-1);
  const waits = await listUncoded(deps, period, country);
  if (waits.length > 0) return { revision: last?.revision ?? -1, isNew: false, figures: 0, waits };
  const inferences = await currentInferences(deps.database, period, country);
  const figureInputs = computeFigures(inferences, await answersOf(deps.database, period, country));
  const revision = last === undefined ? 0 : last.revision + 1;
  const former = last === undefined ? [] : await readFigures(deps.database, period, country, last.revision);
  if (last !== undefined && JSON.stringify(former) === JSON.stringify(figureInputs.figures)) {
    // A crash may have come between the report and its anchor.
    await insertAnchor(deps, purpose, anchorName(period, country, last.revision));
    return { revision: last.revision, isNew: false, figures: former.length, waits };
  }
  const reason = last === undefined ? "first figures" : await reasonFor(deps.database, last, former, figureInputs);
  const handle = await deps.objects.writeHandle(actor, `${prefixes.reports}${period}/${country}/revision-${revision}.csv`);
  const staged = await writeThrough(handle, reportCsv(period, country, revision, reason, figureInputs.figures));
  faultPoint("classify.report.staged");
  const at = timeOf(deps);
  await deps.objects.commit(actor, [staged], {
    contentType: "text/csv",
    announce: false,
    alongside: async (tx, entries) => {
      await lockPeriod(tx, period, country);
      const now = await listRevisions(tx, period, country);
      if (now.some((row) => row.revision === revision)) return;
      const [entry] = entries;
      const row: ReportRevision = {
        period,
        country,
        revision,
        reason,
        source: { ...figureInputs.source },
        object: { key: entry?.key ?? handle.key, version: entry?.version ?? "" },
        at,
      };
      await insertRevision(tx, row, figureInputs.figures);
      await insertAudit(tx, deps.vault, {
        at,
        kind: "report",
        record: {
          period,
          country,
          revision,
          reason,
        },
        objects: [{ ...row.object, sha256: staged.sha256 }],
        written: [
          { table: "classify_report_revision", where: { period, country, revision } },
          { table: "classify_report", where: { period, country, revision } },
        ],
      });
      await appendEvent(tx, {
        kind: "classify.report.written",
        subject: `${period}/${country}`,
        data: { period, country, revision },
        dedupe: `report/${period}/${country}/${revision}`,
      });
      await deps.postNotice(tx, {
        topic: `stakeholders.${country}`,
        id: `classify.report/${period}/${country}/${revision}`,
        severity: revision === 0 ? "info" : "warning",
        title:
          revision === 0 ? `${period} ${country}: the report is ready` : `${period} ${country}: figures restated (revision ${revision})`,
        body: `${reason}.\n\n${summaryOf(figureInputs)} See \`stockroom classify reports show --period ${period} --country ${country}\`.`,
        facts: { period, country, revision, figures: figureInputs.figures.length },
      });
    },
  });
  await insertAnchor(deps, purpose, anchorName(period, country, revision));
  return { revision, isNew: true, figures: figureInputs.figures.length, waits };
}

const anchorName = (period: string, country: string, revision: number): string => `${period}/${country}/revision-${revision}`;

function summaryOf(figureInputs: FigureInputs): string {
  const schemes = new Map<string, number>();
  for (const figure of figureInputs.figures) schemes.set(figure.scheme, (schemes.get(figure.scheme) ?? 0) + figure.items);
  if (schemes.size === 0) return "Nothing was sold.";
  const { margins, audit } = figureInputs.source;
  const audited = Object.values(audit).reduce((sum, line) => sum + line.answered, 0);
  const totals = [...schemes].map(([scheme, items]) => {
    const share = margins.automatic[scheme];
    return `${scheme}: ${round(items)} items${share === undefined ? "" : `, ${percent(share, { digits: 0 })} decided automatically`}.`;
  });
  return `${totals.join(" ")} Margins hold the truth in ${Math.round(confidence * 100)} of 100 cases; ${audited} items of the audit sample were answered.`;
}

async function reasonFor(tx: Tx, last: ReportRevision, former: readonly ReportFigure[], figureInputs: FigureInputs): Promise<string> {
  const before = (last.source["inferences"] ?? []) as readonly string[];
  const answered = new Set((last.source["answers"] ?? []) as readonly string[]);
  const lapsed = await listLapsedSales(
    tx,
    before.filter((id) => !figureInputs.source.inferences.includes(id)),
  );
  const recoded = figureInputs.source.inferences.filter((id) => !before.includes(id)).length;
  const answers = figureInputs.source.answers.filter((id) => !answered.has(id)).length;
  const schemes = new Set(former.map((figure) => figure.scheme));
  const added = [...new Set(figureInputs.figures.map((figure) => figure.scheme))].filter((scheme) => !schemes.has(scheme));
  const causes = [
    ...(added.length > 0 ? [`first figures of ${added.join(", ")}`] : []),
    ...lapsed.map(({ key, replaced }) => (replaced ? `${key} was replaced by a newer version` : `${key} was deleted`)),
    ...(recoded > 0 ? [`${recoded} codings since revision ${last.revision}`] : []),
    ...(answers > 0 ? [`${answers} answers of reviewers since revision ${last.revision}`] : []),
  ];
  if (causes.length > 0) return causes.join("; ");
  const now = new Set([...figureInputs.source.inferences, ...figureInputs.source.answers]);
  return [...before, ...answered].every((id) => now.has(id))
    ? `the same codings and answers as of revision ${last.revision}, added up by a later release`
    : `codings or answers taken back since revision ${last.revision}`;
}

/** Current sales of a country's period that a line with a champion has not coded yet, as `KEY by LINE`. */
export async function listUncoded(
  deps: Pick<ClassifyDeps, "database" | "objects">,
  period: string,
  country: string,
): Promise<readonly string[]> {
  const sales = (await listSales(deps, period)).filter((object) => object.country === country);
  const lines = (await listLines(deps.database, { country })).filter((line) => line.champion !== undefined).map((line) => line.line);
  const { missing } = await readCompletion(deps.database, period, country, sales, lines);
  return missing.map((one) => `${one.sales} by ${one.line}`);
}

export type RetractInput = { readonly key: string };

/**
 * A sales file was deleted: what is left may be whole now, and figures told before are restated without it.
 *
 * The set of codings left may be one that was told as whole before, so the report does not wait for that news.
 */
export function makeRetract(
  deps: ClassifyDeps,
): WorkflowDefinition<RetractInput, { readonly written: boolean; readonly waits: readonly string[] }> {
  return {
    name: "classify.retract",
    queue: "classify.light",
    title: (input) => `take back ${input.key}`,
    run: async (context, input) => {
      const place = readKey(input.key);
      if (place.kind !== "sales") return { written: false, waits: [] };
      const { period, country } = place;
      await context.step("complete", async () => {
        await completePeriod(deps, period, country);
        return null;
      });
      return await context.step("restate", async () => {
        const revisions = await listRevisions(deps.database, period, country);
        if (revisions.length === 0) return { written: false, waits: [] };
        const result = await writeReport(deps, context.runId, period, country);
        return { written: result.isNew, waits: result.waits };
      });
    },
  };
}

async function* reportCsv(
  period: string,
  country: string,
  revision: number,
  reason: string,
  figures: readonly ReportFigure[],
): AsyncIterable<Uint8Array> {
  const quote = (plain: string): string => {
    const text = withoutFormula(plain);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const head =
    "period,country,revision,scheme,scheme_version,code,items,items_margin,units,units_margin,kg,kg_margin,margin_confidence,returned_units,returned_kg,reason\n";
  const rows = figures.map((figure) =>
    [
      period,
      country,
      revision,
      quote(figure.scheme),
      quote(figure.schemeVersion),
      quote(figure.code),
      figure.items,
      figure.itemsMargin,
      figure.units,
      figure.unitsMargin,
      figure.kg,
      figure.kgMargin,
      confidence,
      figure.returnedUnits,
      figure.returnedKg,
      quote(reason),
    ].join(","),
  );
  yield Buffer.from(head + rows.map((row) => `${row}\n`).join(""));
}
