// Audit: proves that the log and the predictions it speaks of are what was written, and tells the story of one item.
//
//   A1. Verification reads every row of the chain and every byte of the objects the rows name: a flipped bit in either is found.
//   A2. An anchor (the log's head) is sealed beside every report, so that a tail cut off or a log written anew is found too.

import { createHash } from "node:crypto";
import { describeError } from "../../base/errors.ts";
import { readTable } from "../../base/tables/index.ts";
import { openVerifier, type AuditAnchor } from "../engine/audit.ts";
import { prefixes } from "../engine/words.ts";
import { listWords, type AnswerRow } from "../store/answers.ts";
import { auditDigest, exportAudit, findHead } from "../store/audit.ts";
import { currentInferences } from "../store/inferences.ts";
import { actAs, type ClassifyParts } from "./parts.ts";

const anchorPrefix = `${prefixes.reports}anchors/`;

export interface AuditProof {
  readonly ok: boolean;
  readonly rows: number;
  readonly objects: number;
  readonly anchors: number;
  readonly problems: readonly string[];
  /** For people. */
  readonly lines: readonly string[];
}

/** Seals the log's head beside a report, once. */
export async function keepAnchor(parts: ClassifyParts, purpose: string, name: string): Promise<void> {
  if ((await parts.objects.head(`${anchorPrefix}${name}.json`)) !== undefined) return;
  const head = await findHead(parts.records);
  if (head === undefined) return;
  await parts.objects.put(actAs("report", purpose), `${anchorPrefix}${name}.json`, Buffer.from(JSON.stringify(head)), {
    contentType: "application/json",
    announce: false,
  });
}

export async function verifyAuditLog(parts: ClassifyParts, purpose: string, signal: AbortSignal): Promise<AuditProof> {
  const actor = actAs("report", purpose);
  const problems: string[] = [];
  const anchors: AuditAnchor[] = [];
  for (const entry of await parts.objects.list(anchorPrefix, { limit: 1_000_000 })) {
    try {
      const text = new TextDecoder().decode(await parts.objects.read(actor, entry.key));
      anchors.push(JSON.parse(text) as AuditAnchor);
    } catch (error) {
      problems.push(`the anchor ${entry.key} does not open: ${describeError(error).message}`);
    }
  }
  const verifier = openVerifier({ digest: auditDigest(parts.vault), anchors });
  let rows = 0;
  let objects = 0;
  for await (const row of exportAudit(parts.records)) {
    signal.throwIfAborted();
    if (verifier.add(row) !== undefined) break;
    rows += 1;
    const { predictions, predictionsSha256 } = row.record;
    if (row.kind !== "inference" || typeof predictionsSha256 !== "string" || !isRef(predictions)) continue;
    objects += 1;
    try {
      const { body } = await parts.objects.get(actor, predictions.key, { version: predictions.version, signal });
      const hash = createHash("sha256");
      for await (const chunk of body) hash.update(chunk);
      if (hash.digest("hex") !== predictionsSha256)
        problems.push(`row ${row.seq}: ${predictions.key}@${predictions.version} is not what was written`);
    } catch (error) {
      problems.push(`row ${row.seq}: ${predictions.key}@${predictions.version} does not open: ${describeError(error).message}`);
    }
  }
  const check = verifier.finish();
  if (check.kind === "broken") problems.unshift(`row ${check.seq}: ${check.explanation}`);
  return {
    ok: problems.length === 0,
    rows,
    objects,
    anchors: anchors.length,
    problems,
    lines:
      problems.length === 0
        ? [`The log is whole: ${rows} rows, ${objects} prediction objects read and equal, ${anchors.length} anchors kept.`]
        : problems,
  };
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
  parts: ClassifyParts,
  purpose: string,
  id: string,
  period: string,
  signal: AbortSignal,
): Promise<readonly ItemStory[]> {
  const actor = actAs("report", purpose);
  const words = await listWords(parts.records, id, period);
  const stories: ItemStory[] = [];
  for (const inference of await currentInferences(parts.records, period)) {
    const { body } = await parts.objects.get(actor, inference.predictions.key, { version: inference.predictions.version, signal });
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
          answers: own.map(tellWord),
        });
      }
    }
  }
  return stories;
}

const tellWord = ({ answer, schemeVersion, kind, reviewer, at, reason }: AnswerRow): string =>
  `${answer ?? "none"} (version ${schemeVersion}, ${kind} by ${reviewer} at ${at}${reason === "" ? "" : `: ${reason}`})`;
