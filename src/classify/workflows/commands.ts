// Commands: what the command line and HTTP share. A word typed at a shell and one sent over HTTP are read here, and mean the same.
//
// Owns: reading parameters, the inputs and ids of runs that people start, the report as people see it.
// Does not own: how either is asked and answers (cli/commands.ts, http/routes.ts).
//   C1. Both refuse the same words with the same error.
//   C2. Nothing is started here: new runs are plain values, for the caller to start.
//   C3. A report shows every code that ever had a figure: what became nothing stands as 0 beside its first figure.

import { StockroomError } from "../../platform/errors.ts";
import { isCountry, parseLine, parsePeriod } from "../engine/lines.ts";
import { prefixes, readKey } from "../store/keys.ts";
import { currentInferences, listModelsOf, type InferenceRow } from "../store/inferences.ts";
import { getLine, getModel, listLines, listModels } from "../store/lines.ts";
import { listRevisions, readFigures, type ReportFigure, type ReportRevision } from "../store/reports.ts";
import type { ReviewQuery } from "../store/reviews.ts";
import type { AuditAnchor } from "../engine/audit.ts";
import type { AuditProof } from "./audit.ts";
import { getExtract } from "./extract.ts";
import { trainRunId } from "./intake.ts";
import { timeOf, type ClassifyDeps } from "./deps.ts";
import { listLabelled } from "./train.ts";
import { answersOf, listUncoded, computeFigures, writeReport } from "./report.ts";

/** Parameters as they were typed; absent ones are undefined. */
export type Typed<Name extends string> = { readonly [name in Name]?: string | undefined };

/** Reads `2026-10-01` (its end of day) or a full ISO moment. Throws `input` `DATE`. */
export function parseMoment(text: string): string {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const moment = Date.parse(isDay ? `${text}T23:59:59.999Z` : text);
  const iso = Number.isNaN(moment) ? "" : new Date(moment).toISOString();
  // The 31st of June is the 1st of July to Date; years beyond four digits are none to the database.
  if (!/^(?!0000)\d{4}-/.test(iso) || (isDay && !iso.startsWith(text)))
    throw new StockroomError("input", "DATE", `Expected a day such as 2026-10-01 or an ISO moment but received "${text}".`);
  return iso;
}

/** Reads `GBR`; throws `input` `COUNTRY_NAME`. */
export function parseCountry(text: string): string {
  if (isCountry(text)) return text;
  throw new StockroomError("input", "COUNTRY_NAME", `Expected a country such as GBR (capital letters) but received "${text}".`);
}

/** Reads `SEQ:HASH` as `audit head` prints it; throws `input` `AUDIT_ANCHOR`. */
export function parseAnchor(text: string): AuditAnchor {
  const [, seq = "", hash = ""] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  if (hash !== "") return { seq: Number(seq), hash };
  throw new StockroomError(
    "input",
    "AUDIT_ANCHOR",
    `Expected an anchor such as 12:HASH, as \`stockroom classify audit head\` prints it, but received "${text}".`,
  );
}

/** Reads a whole number from 1 to `most`; throws `input` `LIMIT`. */
export function parseLimit(text: string, most: number): number {
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= most) return limit;
  throw new StockroomError("input", "LIMIT", `Expected a limit as a whole number from 1 to ${most} but received "${text}".`);
}

/** Reads what part of the queue is wanted, by default what waits. Throws `input` `LINE_NAME`, `PERIOD_NAME`, `REVIEW_KIND`, `REVIEW_STATE`, `LIMIT`. */
export function parseReviewQuery(
  typed: Typed<"line" | "period" | "kind" | "state" | "limit">,
  limits: { readonly usual: number; readonly most: number },
): ReviewQuery & { readonly limit: number } {
  const { line, period, kind, state = "waiting", limit } = typed;
  if (kind !== undefined && kind !== "low" && kind !== "audit" && kind !== "former" && kind !== "recode") {
    throw new StockroomError("input", "REVIEW_KIND", `Expected the kind low, audit, former or recode but received "${kind}".`);
  }
  if (state !== "waiting" && state !== "answered") {
    throw new StockroomError("input", "REVIEW_STATE", `Expected the state waiting or answered but received "${state}".`);
  }
  return {
    state,
    limit: limit === undefined ? limits.usual : parseLimit(limit, limits.most),
    ...(line === undefined ? {} : { line: parseLine(line).line }),
    ...(period === undefined ? {} : { period: parsePeriod(period) }),
    ...(kind === undefined ? {} : { kind }),
  };
}

/** A run that a person wants: hand it to `workflows.start`. */
export interface NewRun {
  readonly workflow: string;
  /** JSON. */
  readonly input: unknown;
  readonly id: string;
}

/** One extraction by name, or all. Throws `missing` `EXTRACT_MISSING`, `input` `EXTRACT_NONE`, `PERIOD_NAME`. */
export function newExtractRuns(deps: Pick<ClassifyDeps, "settings" | "clock">, typed: Typed<"name" | "period">): readonly NewRun[] {
  const names = typed.name === undefined ? deps.settings.extracts.map((extract) => extract.name) : [getExtract(deps, typed.name).name];
  if (names.length === 0) {
    throw new StockroomError(
      "input",
      "EXTRACT_NONE",
      "Expected at least one extract in the settings (classify.extracts) but there is none. See docs/reference/classify-data.md.",
    );
  }
  const period = typed.period === undefined ? null : parsePeriod(typed.period);
  return names.map((name) => ({
    workflow: "classify.extract",
    input: { name, period },
    id: `extract/${name}/${period ?? "last"}/${timeOf(deps)}`,
  }));
}

/** Trains a line, or all, again on all current labelled files of its country; the newest names the run. Throws `input` `LINE_NAME`, `missing` `LINE_MISSING`, `LABELLED_MISSING`. */
export async function newTrainRuns(deps: ClassifyDeps, typed: Typed<"line">): Promise<readonly NewRun[]> {
  const lines = typed.line === undefined ? await listLines(deps.database) : [await getLine(deps.database, typed.line)];
  const runs: NewRun[] = [];
  for (const line of lines) {
    const newest = (await listLabelled(deps.objects, line.country)).at(-1);
    if (newest === undefined) {
      throw new StockroomError(
        "missing",
        "LABELLED_MISSING",
        `Expected labelled items under ${prefixes.labelled}${line.country}/ but there are none. Put a file there.`,
      );
    }
    const input = { line: line.line, key: newest.key, version: newest.version };
    runs.push({ workflow: "classify.train", input, id: `${trainRunId(line.line, input)}/again/${timeOf(deps)}` });
  }
  return runs;
}

/** Compares one model, or the newest of a line or of all. Throws `input` `LINE_NAME`, `missing` `LINE_MISSING`, `MODEL_MISSING`. */
export async function newCompareRuns(deps: Pick<ClassifyDeps, "database">, typed: Typed<"line" | "model">): Promise<readonly NewRun[]> {
  const line = typed.line === undefined ? undefined : (await getLine(deps.database, typed.line)).line;
  const models = typed.model === undefined ? await listModels(deps.database, line) : [await getModel(deps.database, typed.model)];
  if (line !== undefined && models.length === 0) {
    throw new StockroomError(
      "missing",
      "MODEL_MISSING",
      `Expected a model of ${line} to compare but it has none yet. Train it: stockroom classify train --line ${line}`,
    );
  }
  const newest = new Map<string, string>();
  for (const model of models) if (!newest.has(model.line)) newest.set(model.line, model.id);
  return [...newest.values()].map((model) => ({ workflow: "classify.compare", input: { model }, id: `compare/${model}` }));
}

/** Codes a period's sales again with today's champions. Throws `input` `PERIOD_NAME`, `LINE_NAME`, `missing` `LINE_MISSING`, `CHAMPION_MISSING`, `SALES_MISSING`. */
export async function newInferRuns(deps: ClassifyDeps, typed: { readonly period: string } & Typed<"line">): Promise<readonly NewRun[]> {
  const period = parsePeriod(typed.period);
  const line = typed.line === undefined ? undefined : await getLine(deps.database, typed.line);
  if (line !== undefined && line.champion === undefined) {
    throw new StockroomError(
      "missing",
      "CHAMPION_MISSING",
      `Expected ${line.line} to have a champion to code with but it has none yet. Its sales are coded by themselves as soon as it has one; see \`stockroom classify verdicts list ${line.line}\`.`,
    );
  }
  const sales = (await deps.objects.list(`${prefixes.sales}${period}/`, { limit: 100_000 })).filter((entry) => {
    const place = readKey(entry.key);
    return place.kind === "sales" && (line === undefined || place.country === line.country);
  });
  if (sales.length === 0) {
    const periods = await periodsWithSales(deps, line?.country);
    const known = periods.length === 0 ? "" : ` There are sales of ${periods.slice(-24).join(", ")}.`;
    throw new StockroomError(
      "missing",
      "SALES_MISSING",
      `Expected sales under ${prefixes.sales}${period}/${line?.country ?? ""} but there are none.${known} Put a file such as ${prefixes.sales}${period}/${line?.country ?? "GBR"}.csv.`,
    );
  }
  return sales.map((entry) => ({
    workflow: "classify.infer",
    input: { kind: "period", key: entry.key, version: entry.version, lines: line === undefined ? null : [line.line] },
    id: `infer/${entry.key}@${entry.version}/again/${timeOf(deps)}`,
  }));
}

async function periodsWithSales(deps: Pick<ClassifyDeps, "objects">, country: string | undefined): Promise<readonly string[]> {
  const places = (await deps.objects.list(prefixes.sales, { limit: 100_000 })).map((entry) => readKey(entry.key));
  const periods = places.flatMap((place) =>
    place.kind === "sales" && (country === undefined || place.country === country) ? [place.period] : [],
  );
  return [...new Set(periods)].toSorted();
}

/** A figure with the one that was told first; null for a code that had none then. */
export interface ShownFigure extends ReportFigure {
  readonly first: ReportFigure | null;
}

export interface ShownReport {
  readonly country: string;
  readonly revision: number;
  readonly reason: string;
  readonly at: string;
  readonly figures: readonly ShownFigure[];
  /** Which champion coded what this revision adds up, line by line; several where files were coded at different times. */
  readonly models: readonly { readonly line: string; readonly model: string }[];
  /** All there are, the first one first. */
  readonly revisions: readonly Pick<ReportRevision, "revision" | "reason" | "at">[];
  /** Answers or codings since the last revision change the figures: the next restatement writes them. */
  readonly outdated: boolean;
  /** Current sales that a line has not coded yet, as `KEY by LINE`: no revision is written before they are. */
  readonly waits: readonly string[];
  /** Items that two current files have and that are in the figures twice, a sentence a pair of files. */
  readonly twice: readonly string[];
}

export interface PeriodReport {
  readonly period: string;
  readonly reports: readonly ShownReport[];
  /** Countries of which something is coded but not yet every line. */
  readonly unreported: readonly string[];
}

/**
 * Reads a period's reports, of one country or of all.
 *
 * Throws `input` `PERIOD_NAME`, `COUNTRY_NAME`, `REPORT_REVISION`, `missing` `REPORT_REVISION_MISSING` naming those there are.
 */
export async function readReport(
  deps: Pick<ClassifyDeps, "database" | "settings" | "objects">,
  typed: { readonly period: string } & Typed<"country" | "revision">,
): Promise<PeriodReport> {
  const { database } = deps;
  const period = parsePeriod(typed.period);
  const wanted = typed.country === undefined ? undefined : parseCountry(typed.country);
  const number = parseRevision(typed.revision, wanted);
  const revisions = Map.groupBy(await listRevisions(database, period, wanted), (row) => row.country);
  const inferences = Map.groupBy(await currentInferences(database, period, wanted), (row) => row.country);
  const reports: ShownReport[] = [];
  for (const country of [...revisions.keys()].toSorted()) {
    const own = revisions.get(country) ?? [];
    const last = own.at(-1);
    const shown = number === undefined ? last : own.find((row) => row.revision === number);
    if (last === undefined || shown === undefined) throw noRevision(period, country, number, own);
    const first = await readFigures(database, period, country, 0);
    const latest = await readFigures(database, period, country, last.revision);
    const figures = shown === last ? latest : await readFigures(database, period, country, shown.revision);
    const now = computeFigures(inferences.get(country) ?? [], await answersOf(database, period, country)).figures;
    reports.push({
      country,
      revision: shown.revision,
      reason: shown.reason,
      at: shown.at,
      figures: besideFirst(figures, first),
      models: await listModelsOf(database, (shown.source["inferences"] ?? []) as readonly string[]),
      revisions: own.map(({ revision, reason, at }) => ({ revision, reason, at })),
      outdated: JSON.stringify(now) !== JSON.stringify(latest),
      waits: await listUncoded(deps, period, country),
      twice: describeDuplicates(inferences.get(country) ?? []),
    });
  }
  const unreported = [...inferences.keys()].filter((country) => !revisions.has(country)).toSorted();
  if (number !== undefined && reports.length === 0) throw noRevision(period, wanted ?? "", number, []);
  return { period, reports, unreported };
}

/** Pure. Items that are in two current files, each pair of files once. */
export function describeDuplicates(inferences: readonly InferenceRow[]): readonly string[] {
  const current = new Set(inferences.map(({ sales }) => `${sales.key}@${sales.version}`));
  const sentences = inferences.flatMap(({ sales, shared }) =>
    Object.entries(shared).flatMap(([other, count]) =>
      current.has(other)
        ? [
            `${count} items of ${sales.key} are also in ${other.slice(0, other.lastIndexOf("@"))} and count in both; delete one of the files`,
          ]
        : [],
    ),
  );
  return [...new Set(sentences)];
}

function parseRevision(text: string | undefined, country: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,6}$/.test(text) && country !== undefined) return Number(text);
  throw new StockroomError(
    "input",
    "REPORT_REVISION",
    `Expected a revision as a whole number from 0, with a country, but received "${text}"${country === undefined ? " without a country" : ""}.`,
  );
}

function noRevision(period: string, country: string, revision: number | undefined, known: readonly ReportRevision[]): StockroomError {
  return new StockroomError(
    "missing",
    "REPORT_REVISION_MISSING",
    `Expected revision ${revision ?? 0} of ${period} ${country} but ${known.length === 0 ? "there is no report" : `there are ${known.map((row) => row.revision).join(", ")}`}.`,
    { facts: { period, country } },
  );
}

const idOf = (figure: ReportFigure): string => JSON.stringify([figure.scheme, figure.schemeVersion, figure.code]);

/** Pure. Both lists come in the store's order, and so does the result. */
export function besideFirst(figures: readonly ReportFigure[], first: readonly ReportFigure[]): readonly ShownFigure[] {
  const before = new Map(first.map((figure) => [idOf(figure), figure]));
  const shown: ShownFigure[] = figures.map((figure) => {
    const former = before.get(idOf(figure)) ?? null;
    before.delete(idOf(figure));
    return { ...figure, first: former };
  });
  const none = { items: 0, units: 0, kg: 0, itemsMargin: 0, unitsMargin: 0, kgMargin: 0, returnedUnits: 0, returnedKg: 0 };
  for (const former of before.values()) shown.push({ ...former, ...none, first: former });
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return shown.toSorted((a, b) => order(a.scheme, b.scheme) || order(a.schemeVersion, b.schemeVersion) || order(a.code, b.code));
}

/** Writes the next revision of a period's country, or of all its countries, where the figures have changed. */
export async function restate(
  deps: ClassifyDeps,
  purpose: string,
  asked: { readonly period: string; readonly country?: string | undefined },
): Promise<void> {
  const period = parsePeriod(asked.period);
  const wanted = asked.country === undefined ? undefined : parseCountry(asked.country);
  const countries = new Set([
    ...(await currentInferences(deps.database, period, wanted)).map((row) => row.country),
    ...(await listRevisions(deps.database, period, wanted)).map((row) => row.country),
  ]);
  for (const country of [...countries].toSorted()) await writeReport(deps, purpose, period, country);
}

/** Throws `conflict` `AUDIT_TAMPERED` with every problem of a proof that found some. */
export function checkProof(proof: Pick<AuditProof, "ok" | "problems">): void {
  if (proof.ok) return;
  throw new StockroomError(
    "conflict",
    "AUDIT_TAMPERED",
    `Expected the audit log and its objects to be as they were written but they are not: ${proof.problems.join("; ")}. Restore from a backup and find out who could write there.`,
  );
}
