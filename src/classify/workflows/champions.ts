// Champions by a person's word: setting one (also back), approving or rejecting a held promotion, and whether a line decides by itself.
//
//   M1. Each word is a row, an audit record, an event or notice in one transaction under the line's lock; it carries a reason and a name.
//   M2. A line whose audit sample shows, by its interval, that automatic decisions are right less often than promised stops deciding by itself. A person
//       brings it back; what was answered before that counts no more.
//   M3. Codings made before a change stay as they are, with the model that made them; `classify infer` codes a period again.

import { StockroomError } from "../../platform/errors.ts";
import type { Tx } from "../../platform/database/contract.ts";
import { appendEvent } from "../../platform/database/outbox.ts";
import { percent } from "../../platform/figures.ts";
import { everExceeded } from "../engine/intervals.ts";
import { parseLine } from "../engine/lines.ts";
import { insertAudit } from "../store/audit.ts";
import {
  listChampions,
  findRuling,
  isAutomatic,
  insertAutomatic,
  insertChampion,
  insertRuling,
  listAutomatic,
  listHeld,
  lockLine,
  type AutomaticRow,
  type ChampionRow,
  type Ruling,
} from "../store/champions.ts";
import { listInferencesBy } from "../store/inferences.ts";
import { findChampion, getModel, listLines } from "../store/lines.ts";
import { listReviews } from "../store/reviews.ts";
import { insertTest } from "./compare.ts";
import { timeOf, type ClassifyDeps } from "./deps.ts";

/** Whose word it is and why. */
export interface Word {
  readonly reason: string;
  /** Default "operator". */
  readonly by?: string | undefined;
}

const longest = 2_000;

/** Throws `input` `REASON_MISSING` without a reason, `WORD_LONG` for an endless one. */
function readWord({ reason, by = "operator" }: Word): Required<{ reason: string; by: string }> {
  const word = { reason: reason.trim(), by: by.trim() === "" ? "operator" : by.trim() };
  if (word.reason === "")
    throw new StockroomError(
      "input",
      "REASON_MISSING",
      'Expected a reason but it is empty. Say why (--reason "..."): it stands in the log.',
    );
  if (word.reason.length > longest || word.by.length > 200)
    throw new StockroomError(
      "input",
      "WORD_LONG",
      `Expected a reason of at most ${longest} characters and a name of at most 200. Say it shorter.`,
    );
  return word;
}

/** Throws `input` `LINE_NAME`, `missing` `LINE_MISSING` naming some there are. */
async function findLine(tx: Tx, text: string): Promise<string> {
  const { line } = parseLine(text);
  const lines = (await listLines(tx)).map((row) => row.line);
  if (lines.includes(line)) return line;
  throw new StockroomError(
    "missing",
    "LINE_MISSING",
    `Expected a line but there is no ${line}. There ${lines.length === 0 ? "is none yet" : `are ${lines.slice(0, 10).join(", ")}${lines.length > 10 ? ", ..." : ""}`}.`,
  );
}

/**
 * Makes a model the line's champion by a person's word: an earlier one (a rollback) or any other of the line.
 *
 * Throws `LINE_NAME`, `LINE_MISSING`, `MODEL_MISSING`, `input` `MODEL_LINE` for another line's model, `conflict` `CHAMPION_ALREADY`.
 */
export async function setChampion(deps: ClassifyDeps, lineName: string, modelId: string, word: Word): Promise<ChampionRow> {
  const { reason, by } = readWord(word);
  const line = await findLine(deps.database, lineName);
  return await deps.database.transaction(async (tx) => {
    await lockLine(tx, line);
    const model = await getModel(tx, modelId);
    if (model.line !== line)
      throw new StockroomError(
        "input",
        "MODEL_LINE",
        `Expected a model of ${line} but ${modelId} is of ${model.line}. See \`stockroom classify models list ${line}\`.`,
      );
    const held = (await listHeld(tx, line)).find((one) => one.challenger === modelId);
    if (held !== undefined) await rule(tx, deps, { verdict: held.verdict, line, ruling: "approved", reason, by, at: timeOf(deps) });
    return await crown(tx, deps, {
      line,
      model: modelId,
      kind: held === undefined ? "set" : "approved",
      verdict: held?.verdict ?? null,
      reason,
      by,
    });
  });
}

/**
 * Approves or rejects the held promotion of a line, or of a verdict's id.
 *
 * Throws `missing` `HELD_MISSING` when nothing waits, `conflict` `HELD_RULED` when somebody was earlier, `input` `HELD_SEVERAL` when a line has several.
 */
export async function ruleOnHeld(deps: ClassifyDeps, target: string, ruling: Ruling["ruling"], word: Word): Promise<Ruling> {
  const { reason, by } = readWord(word);
  return await deps.database.transaction(async (tx) => {
    const found = await findHeld(tx, target);
    await lockLine(tx, found.line);
    const former = await findRuling(tx, found.verdict);
    if (former !== undefined) throw alreadyRuled(former);
    const row: Ruling = { verdict: found.verdict, line: found.line, ruling, reason, by, at: timeOf(deps) };
    await rule(tx, deps, row);
    if (ruling === "approved")
      await crown(tx, deps, { line: found.line, model: found.challenger, kind: "approved", verdict: found.verdict, reason, by });
    return row;
  });
}

async function findHeld(tx: Tx, target: string) {
  const all = await listHeld(tx);
  const found = all.filter((held) => held.verdict === target || held.line === target);
  const [first] = found;
  if (found.length > 1)
    throw new StockroomError(
      "input",
      "HELD_SEVERAL",
      `Expected one held promotion of ${target} but ${found.length} wait. Name one: ${found.map((held) => held.verdict).join(", ")}.`,
    );
  if (first !== undefined) return first;
  const former = await findRuling(tx, target);
  if (former !== undefined) throw alreadyRuled(former);
  throw new StockroomError(
    "missing",
    "HELD_MISSING",
    `Expected a held promotion of "${target}" but ${all.length === 0 ? "none waits" : `those that wait are of ${all.map((held) => held.line).join(", ")}`}. See \`stockroom classify champions held\`.`,
  );
}

const alreadyRuled = (former: Ruling): StockroomError =>
  new StockroomError(
    "conflict",
    "HELD_RULED",
    `Expected ${former.verdict} to wait but ${former.by} ${former.ruling} it at ${former.at}: ${former.reason}`,
  );

async function rule(tx: Tx, deps: ClassifyDeps, row: Ruling): Promise<void> {
  await insertRuling(tx, row);
  const written = [{ table: "classify_ruling", where: { verdict: row.verdict } }] as const;
  await insertAudit(tx, deps.vault, { at: row.at, kind: "ruling", record: { ...row }, written });
}

async function crown(tx: Tx, deps: ClassifyDeps, wanted: Omit<ChampionRow, "since">): Promise<ChampionRow> {
  const { line, model } = wanted;
  const former = await findChampion(tx, line);
  if (former?.id === model)
    throw new StockroomError("conflict", "CHAMPION_ALREADY", `Expected another model for ${line} but ${model} is its champion already.`);
  const at = timeOf(deps);
  // Two changes within a millisecond: the later one still comes later.
  const [last] = await listChampions(tx, line);
  const after = last === undefined ? 0 : Date.parse(last.since) + 1;
  const row: ChampionRow = { ...wanted, since: new Date(Math.max(Date.parse(at), after)).toISOString() };
  await insertChampion(tx, row);
  const written = [{ table: "classify_champion", where: { line, since: row.since } }] as const;
  await insertAudit(tx, deps.vault, { at, kind: "champion", record: { ...row, former: former?.id ?? null }, written });
  // The labels the model learned from are right by a person's word: from now on its line is tested on them.
  if (wanted.kind === "approved") await insertTest(tx, deps, await getModel(tx, model), "latest", at);
  await appendEvent(tx, {
    kind: "classify.champion.changed",
    subject: line,
    data: { line, model, former: former?.id ?? null, first: former === undefined },
    dedupe: `champion/${line}/${row.since}`,
  });
  await deps.postNotice(tx, {
    topic: "mlops",
    id: `classify.champion/${line}/${row.since}`,
    severity: "info",
    title: `${line}: champion ${wanted.kind === "set" ? "set" : "approved"} by ${row.by}`,
    body: `${model} instead of ${former?.id ?? "none"}: ${row.reason}\n\nCodings made before stay as they are; \`stockroom classify infer --period P --line ${line}\` codes a period again.`,
    facts: { line, model, former: former?.id ?? null, by: row.by },
  });
  return row;
}

/** Lets a line decide by itself, or sends all its items to people. Throws `conflict` `AUTOMATIC_ALREADY`. */
export async function setAutomatic(deps: ClassifyDeps, lineName: string, automatic: boolean, word: Word): Promise<AutomaticRow> {
  const { reason, by } = readWord(word);
  const line = await findLine(deps.database, lineName);
  return await deps.database.transaction(async (tx) => {
    await lockLine(tx, line);
    if ((await isAutomatic(tx, line)) === automatic)
      throw new StockroomError(
        "conflict",
        "AUTOMATIC_ALREADY",
        automatic
          ? `Expected ${line} to be on review but it decides by itself already.`
          : `Expected ${line} to decide by itself but it is on review already.`,
      );
    return await switchAutomatic(tx, deps, { line, automatic, reason, by });
  });
}

async function switchAutomatic(tx: Tx, deps: ClassifyDeps, wanted: Omit<AutomaticRow, "model" | "at">): Promise<AutomaticRow> {
  const { line, automatic, reason, by } = wanted;
  const at = timeOf(deps);
  const champion = await findChampion(tx, line);
  const row: AutomaticRow = { ...wanted, model: champion?.id ?? null, at };
  await insertAutomatic(tx, row);
  const written = [{ table: "classify_automatic", where: { line, at } }] as const;
  await insertAudit(tx, deps.vault, { at, kind: "automatic", record: { ...row }, written });
  await deps.postNotice(tx, {
    topic: "mlops",
    id: `classify.automatic/${line}/${at}`,
    severity: automatic ? "info" : "alarm",
    title: automatic ? `${line} decides by itself again` : `${line} no longer decides by itself`,
    body: `${reason} (${by})\n\n${
      automatic
        ? "Sales to come are decided automatically where the model is sure; answers to audit samples count from now on."
        : `Every item of sales to come goes to a person. To bring it back: \`stockroom classify champions automatic ${line} on --reason "..."\`, or on the page /classify/champions.`
    }`,
    facts: { line, automatic, by },
  });
  return row;
}

/** What the audit sample says of a line's champion since it last began to decide by itself. */
export interface PromiseCheck {
  readonly answered: number;
  readonly wrong: number;
  /** The error rate that the answers show to be exceeded, with 95 % confidence however often they are looked at. */
  readonly low: number;
  readonly broken: boolean;
}

export async function checkPromise(tx: Tx, line: string, promise: number): Promise<PromiseCheck> {
  const since = (await listAutomatic(tx, line)).reduce((last, word) => (word.automatic ? Date.parse(word.at) : last), 0);
  const champion = await findChampion(tx, line);
  const own = new Set(await listInferencesBy(tx, line, champion?.id ?? ""));
  const answers = (await listReviews(tx, { line, kind: "audit", state: "answered", limit: 1_000_000 })).filter(
    (review) => own.has(review.inference) && Date.parse(review.answeredAt ?? "") >= since,
  );
  const wrong = answers.filter((review) => review.answer !== review.predicted).length;
  const low = everExceeded(wrong, answers.length);
  return { answered: answers.length, wrong, low, broken: low > 1 - promise };
}

/** After an answer: a line whose audit sample breaks the promise stops deciding by itself, once. The caller holds the line's lock. */
export async function watchPromise(tx: Tx, deps: ClassifyDeps, line: string): Promise<void> {
  if (!(await isAutomatic(tx, line))) return;
  const promise = deps.settings.train.promisedPrecision;
  const check = await checkPromise(tx, line, promise);
  if (!check.broken) return;
  await switchAutomatic(tx, deps, {
    line,
    automatic: false,
    reason: `${check.wrong} of ${check.answered} items of the audit sample were wrong: with 95 % confidence at least ${percent(check.low)} of the automatic decisions are, and ${percent(1 - promise)} were promised.`,
    by: "the audit sample",
  });
}
