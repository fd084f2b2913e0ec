// Audit: proves that the log and the predictions it speaks of are what was written, and tells the story of one item.
//
//   A1. Verification reads every row of the chain, every byte of the objects the rows name, and every row of the tables that pages, commands and API
//       show: what was changed, taken out or put in is found and named.
//   A2. Where the log ends stands under a keyed digest, and an anchor (the log's head) is sealed beside every report, so that a tail cut off or a log
//       written anew is found too.

import { createHash } from "node:crypto";
import { describeError, StockroomError } from "../../platform/errors.ts";
import { readTable } from "../../platform/formats/index.ts";
import { openVerifier, type AuditAnchor, type AuditRow } from "../engine/audit.ts";
import { prefixes, type ObjectRef } from "../store/keys.ts";
import { listWords, type AnswerRow } from "../store/answers.ts";
import { auditDigest, checkHead, exportAudit, findHead, insertAudit, lockAudit } from "../store/audit.ts";
import { currentInferences } from "../store/inferences.ts";
import { openRowVerifier, type RowProblem } from "../store/ledger.ts";
import { actAs, timeOf, type ClassifyDeps } from "./deps.ts";

const anchorPrefix = `${prefixes.reports}anchors/`;

export interface AuditProof {
  readonly ok: boolean;
  /** Of the log. */
  readonly rows: number;
  /** Rows of the module's tables that were compared with the log. */
  readonly tableRows: number;
  readonly objects: number;
  readonly anchors: number;
  /** Where the log ends: kept elsewhere and given back later (`--anchor`), it proves that no more than this was ever taken away. */
  readonly head: AuditAnchor | undefined;
  readonly problems: readonly string[];
  /** Rows somebody vouched for by hand, since the log did not (`audit adopt`). */
  readonly adopted: readonly string[];
  /** For people. */
  readonly lines: readonly string[];
}

/** Seals the log's head beside a report, once. */
export async function insertAnchor(deps: ClassifyDeps, purpose: string, name: string): Promise<void> {
  if ((await deps.objects.head(`${anchorPrefix}${name}.json`)) !== undefined) return;
  const head = await findHead(deps.database);
  if (head === undefined) return;
  await deps.objects.put(actAs("report", purpose), `${anchorPrefix}${name}.json`, Buffer.from(JSON.stringify(head)), {
    contentType: "application/json",
    announce: false,
  });
}

/** Problems told one by one; of the others, how many. */
const mostProblems = 100;

/**
 * Compares everything that was logged with what is there: the chain and where it ends, anchors, the rows of every table, and the objects.
 *
 * `anchors`: further ones, kept outside of the app. docs/explanation/classify-audit.md says what cannot be found.
 */
export async function verifyAuditLog(
  deps: ClassifyDeps,
  purpose: string,
  signal: AbortSignal,
  anchors: readonly AuditAnchor[] = [],
): Promise<AuditProof> {
  const found = { problems: [] as string[], more: 0 };
  const report = (problem: string): void => {
    if (found.problems.length < mostProblems) found.problems.push(problem);
    else found.more += 1;
  };
  const kept = await readAnchors(deps, purpose, report);
  const all = [...anchors, ...kept];
  const verifier = openVerifier({ digest: auditDigest(deps.vault), anchors: all });
  const tables = openRowVerifier();
  const adopted: string[] = [];
  const objects: (LoggedObject & { readonly seq: number })[] = [];
  let rows = 0;
  let unknown = 0;
  await deps.database.transaction(async (tx) => {
    // One moment of the log and of all tables, whatever is written meanwhile.
    await tx.query("set transaction isolation level repeatable read, read only");
    for await (const row of exportAudit(tx)) {
      signal.throwIfAborted();
      verifier.add(row);
      tables.add(row);
      rows += 1;
      if (typeof row.record["endWas"] === "string") report(`row ${row.seq}: when it was written, this was found: ${row.record["endWas"]}`);
      if (row.kind === "adopted") adopted.push(describeAdopted(row));
      objects.push(...objectsOf(row).map((object) => ({ ...object, seq: row.seq })));
    }
    const end = await checkHead(tx, deps.vault);
    if (end !== undefined) report(end);
    for await (const problem of tables.compare(tx, signal)) {
      report(describeRow(problem));
      if (problem.problem === "unknown") unknown += 1;
    }
  });
  const check = verifier.finish();
  if (check.kind === "broken") found.problems.unshift(`row ${check.seq}: ${check.explanation}`);
  for (const object of objects) {
    signal.throwIfAborted();
    const problem = await checkObject(deps, purpose, object, signal);
    if (problem !== undefined) report(`row ${object.seq}: ${object.key}@${object.version} ${problem}`);
  }
  const problems = [
    ...found.problems,
    ...(found.more === 0 ? [] : [`and ${found.more} more`]),
    ...(unknown === 0 ? [] : [describeUnknown(unknown)]),
  ];
  const whole = `The log is whole: ${rows} rows; ${tables.count()} rows of the tables as it says; ${objects.length} objects read and equal; ${all.length} anchors kept.`;
  return {
    ok: problems.length === 0,
    rows,
    tableRows: tables.count(),
    objects: objects.length,
    anchors: all.length,
    head: check.kind === "intact" && check.rows > 0 ? check.head : undefined,
    problems,
    adopted,
    lines: [...(problems.length === 0 ? [whole] : problems), ...adopted],
  };
}

async function readAnchors(deps: ClassifyDeps, purpose: string, report: (problem: string) => void): Promise<readonly AuditAnchor[]> {
  const anchors: AuditAnchor[] = [];
  for (const entry of await deps.objects.list(anchorPrefix, { limit: 1_000_000 })) {
    try {
      const text = new TextDecoder().decode(await deps.objects.read(actAs("report", purpose), entry.key));
      anchors.push(JSON.parse(text) as AuditAnchor);
    } catch (error) {
      report(`the anchor ${entry.key} does not open: ${describeError(error).message}`);
    }
  }
  return anchors;
}

/** Reads an object to its end; gives what is wrong with it. */
async function checkObject(deps: ClassifyDeps, purpose: string, object: LoggedObject, signal: AbortSignal): Promise<string | undefined> {
  // Reports are for a role that may not read models.
  const role = object.key.startsWith(prefixes.models) ? "compare" : "report";
  try {
    const { body } = await deps.objects.get(actAs(role, purpose), object.key, { version: object.version, signal });
    const hash = createHash("sha256");
    for await (const chunk of body) hash.update(chunk);
    return hash.digest("hex") === object.sha256 ? undefined : "is not what was written";
  } catch (error) {
    signal.throwIfAborted();
    return `does not open: ${describeError(error).message}`;
  }
}

function describeRow({ table, key, problem, seq }: RowProblem): string {
  const row = `${table} ${key}`;
  if (problem === "unknown") return `${row} was written by nobody: no row of the log vouches for it`;
  return problem === "gone"
    ? `${row} is gone: row ${seq} of the log vouches for it`
    : `${row} is not what row ${seq} of the log says it was: it was changed`;
}

const describeUnknown = (rows: number): string =>
  `${rows} of these rows were written by nobody: right after an upgrade they may be of a version that did not log their table yet; once looked at, \`stockroom classify audit adopt\` vouches for them`;

function describeAdopted({ seq, at, record }: AuditRow): string {
  const { by, reason, rows } = record;
  const count = Object.values((rows ?? {}) as object).reduce<number>((sum, own) => sum + Object.keys(own as object).length, 0);
  return `Row ${seq}: ${count} rows of the tables were vouched for by hand by ${JSON.stringify(by)} at ${at}: ${JSON.stringify(reason)}`;
}

/**
 * Logs every row the log does not vouch for as it stands, with who says so and why: after an upgrade from a version that did not log rows whole,
 * or after the database was repaired by hand. The verification tells of it ever after.
 */
export async function adoptRows(deps: ClassifyDeps, by: string, reason: string, signal: AbortSignal): Promise<number> {
  if (by.trim() === "" || reason.trim() === "") {
    throw new StockroomError(
      "input",
      "AUDIT_ADOPT",
      "Expected who vouches for the rows and why but one of them is empty. Give --by and --reason.",
    );
  }
  return await deps.database.transaction(async (tx) => {
    await lockAudit(tx);
    const tables = openRowVerifier();
    for await (const row of exportAudit(tx)) tables.add(row);
    const rows: Record<string, Record<string, string | null>> = {};
    let count = 0;
    for await (const { table, key, hash } of tables.compare(tx, signal)) {
      (rows[table] ??= {})[key] = hash ?? null;
      count += 1;
    }
    if (count > 0)
      await insertAudit(tx, deps.vault, { at: timeOf(deps), kind: "adopted", record: { by: by.trim(), reason: reason.trim(), rows } });
    return count;
  });
}

interface LoggedObject extends ObjectRef {
  readonly sha256: string;
}

/** The objects a record names. */
function objectsOf({ kind, record }: AuditRow): readonly LoggedObject[] {
  const { objects, predictions, predictionsSha256 } = record;
  // As records named them at first.
  if (kind === "inference" && typeof predictionsSha256 === "string" && isRef(predictions))
    return [{ ...predictions, sha256: predictionsSha256 }];
  return Array.isArray(objects)
    ? objects.filter((one): one is LoggedObject => isRef(one) && "sha256" in one && typeof one.sha256 === "string")
    : [];
}

function isRef(value: unknown): value is { readonly key: string; readonly version: string } {
  return (
    typeof value === "object" &&
    value !== null &&
    "key" in value &&
    "version" in value &&
    typeof value.key === "string" &&
    typeof value.version === "string"
  );
}

/** What was decided about an item in one line. */
export interface ItemStory {
  readonly line: string;
  readonly code: string;
  readonly scheme_version: string;
  readonly probability: string;
  readonly decision: string;
  readonly evidence: string;
  readonly model: string;
  readonly coded_at: string;
  /** What a person said in this version; it is what counts. */
  readonly reviewed_code: string | undefined;
  readonly reviewer: string | undefined;
  readonly reviewed_at: string | undefined;
  /** Every word ever given on the item, the first one first: `K (version 1, given by ann at 2026-11-02T09:00:00.000Z)`. */
  readonly answers: readonly string[];
}

/** Looks an item up in every prediction of a period. Reads the period's prediction objects. */
export async function findAudit(
  deps: ClassifyDeps,
  purpose: string,
  id: string,
  period: string,
  signal: AbortSignal,
): Promise<readonly ItemStory[]> {
  const actor = actAs("report", purpose);
  const words = await listWords(deps.database, id, period);
  const stories: ItemStory[] = [];
  for (const inference of await currentInferences(deps.database, period)) {
    const { body } = await deps.objects.get(actor, inference.predictions.key, { version: inference.predictions.version, signal });
    const table = await readTable(body, {
      name: inference.predictions.key,
      format: "csv",
      spreadsheet: true,
      onBadRow: () => undefined,
      signal,
    });
    const at = (name: string): number => table.columns.indexOf(name);
    const [idAt, date, code, version, probability, decision, evidence] = [
      "id",
      "date",
      "code",
      "scheme_version",
      "probability",
      "decision",
      "evidence",
    ].map(at);
    for await (const batch of table.batches) {
      for (const row of batch.rows) {
        if (row[idAt ?? -1] !== id) continue;
        const day = row[date ?? -1] ?? "";
        const own = words.filter((word) => word.line === inference.line && word.day === (day === "" ? `${period}-01` : day));
        const last = own.findLast((word) => word.schemeVersion === (row[version ?? -1] ?? ""));
        const stands = last?.answer === undefined ? undefined : last;
        stories.push({
          line: inference.line,
          code: row[code ?? -1] ?? "",
          scheme_version: row[version ?? -1] ?? "",
          probability: row[probability ?? -1] ?? "",
          decision: row[decision ?? -1] ?? "",
          evidence: row[evidence ?? -1] ?? "",
          model: inference.model,
          coded_at: inference.at,
          reviewed_code: stands?.answer,
          reviewer: stands?.reviewer,
          reviewed_at: stands?.at,
          answers: own.map(describeAnswer),
        });
      }
    }
  }
  return stories;
}

const describeAnswer = ({ answer, schemeVersion, kind, reviewer, at, reason }: AnswerRow): string =>
  `${answer ?? "none"} (version ${schemeVersion}, ${kind} by ${reviewer} at ${at}${reason === "" ? "" : `: ${reason}`})`;
