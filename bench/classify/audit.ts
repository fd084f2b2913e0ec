// `classify audit verify` at size: a log of 200,000 records and as many rows of the tables, proved from the first to the last.
//
//     node bench/classify/audit.ts [--rows 200000]
//
// The log is made here, one record a row, each with the hash of the row it vouches for, as the module writes them. Beside it stands what the reading of
// the log alone costs. At the end one row is changed and must be named.

import process from "node:process";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { verifyAuditLog } from "../../src/classify/workflows/audit.ts";
import { appendAudit, genesis, type AuditAnchor, type AuditRow } from "../../src/classify/engine/audit.ts";
import { auditDigest, exportAudit } from "../../src/classify/store/audit.ts";
import { hashWritten, openRowVerifier } from "../../src/classify/store/ledger.ts";
import { makePlace, openAt } from "../../test/kit/app.ts";
import { measure, writeResult, type Cell } from "../machine.ts";

const { values } = parseArgs({ options: { rows: { type: "string", default: "200000" } } });
const wanted = Number(values.rows);
const piece = 10_000;
const at = "2026-10-01T00:00:00.000Z";

const place = await makePlace();
const app = await openAt(place, { work: false, quiet: true });
const { deps } = app.classify;

/** Appends records `from` to `to - 1`, each about one row of its own. */
async function grow(head: AuditAnchor, from: number, to: number): Promise<AuditAnchor> {
  const names = Array.from({ length: to - from }, (_, i) => `b${String(from + i).padStart(8, "0")}`);
  const digest = auditDigest(deps.vault);
  let last = head;
  await deps.database.transaction(async (tx) => {
    await tx.query(
      "insert into stockroom.classify_completion (period, country, fingerprint, at) select '2026-10', 'GBR', name, $2::timestamptz from unnest($1::text[]) name",
      [names, at],
    );
    const hashes = (await hashWritten(tx, [{ table: "classify_completion", where: { fingerprint: names } }]))["classify_completion"] ?? {};
    const rows: AuditRow[] = [];
    for (const [key, hash] of Object.entries(hashes)) {
      const row = appendAudit(last, { at, kind: "completion", record: { key, rows: { classify_completion: { [key]: hash } } } }, digest);
      rows.push(row);
      last = row;
    }
    await tx.query(
      "insert into stockroom.classify_audit (seq, at, kind, record, previous, hash) select seq, at, kind, record, previous, hash from jsonb_to_recordset($1::jsonb) as r(seq bigint, at timestamptz, kind text, record jsonb, previous text, hash text)",
      [JSON.stringify(rows)],
    );
    const mac = Buffer.from(deps.vault.mac("classify.audit.head", `${last.seq} ${last.hash}`)).toString("hex");
    await tx.query("delete from stockroom.classify_audit_head");
    await tx.query("insert into stockroom.classify_audit_head (one, seq, hash, mac) values (true, $1, $2, $3)", [last.seq, last.hash, mac]);
  });
  return { seq: last.seq, hash: last.hash };
}

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void; // as V8 makes it under that flag

/** MiB that the verification holds of the log while it compares the tables. */
async function heldMiB(): Promise<number> {
  gc();
  const before = process.memoryUsage().heapUsed;
  const verifier = openRowVerifier();
  for await (const row of exportAudit(deps.database)) verifier.add(row);
  gc();
  const held = (process.memoryUsage().heapUsed - before) / 2 ** 20;
  if (verifier.count() !== 0) throw new Error("Nothing was compared yet.");
  return held;
}

try {
  const signal = new AbortController().signal;
  const table: Cell[][] = [];
  let head: AuditAnchor = genesis;
  for (const size of [wanted / 4, wanted]) {
    while (head.seq < size) head = await grow(head, head.seq, Math.min(size, head.seq + piece));
    const read = await measure(async () => {
      let count = 0;
      for await (const _ of exportAudit(deps.database)) count += 1;
      return count;
    });
    const proof = await measure(async () => await verifyAuditLog(deps, "bench", signal));
    if (!proof.value.ok || proof.value.rows !== size) throw new Error(`The proof failed: ${proof.value.problems.join("; ")}`);
    table.push([
      size,
      Math.round(size / proof.wallSeconds),
      Math.round(size / proof.cpuSeconds),
      Math.round(size / read.wallSeconds),
      Math.round(proof.peakMiB),
      Math.round(await heldMiB()),
    ]);
  }
  await deps.database.query("update stockroom.classify_completion set country = 'FRA' where fingerprint = $1", ["b00000007"]);
  const broken = await verifyAuditLog(deps, "bench", signal);
  if (broken.ok || !broken.problems.join().includes("b00000007")) throw new Error("One row was changed and the proof did not name it.");
  console.log(
    writeResult("classify-audit", {
      title: "The proof of the audit log at size",
      about: `A log of ${wanted} records and the ${wanted} rows they vouch for, verified as \`stockroom classify audit verify\` does: chain, end, and every row of the tables. Beside it the reading of the log's rows alone. Afterwards one row was changed and named.`,
      command: "node bench/classify/audit.ts",
      tables: [
        {
          caption: "Verification",
          columns: ["records", "records/s", "records/CPU s", "reading alone, records/s", "peak RSS, MiB", "held of the log, MiB"],
          rows: table,
        },
      ],
      notes: [
        "Each record is one row of the log and one of a table, so that twice as many rows are compared as the table says. Of every row that the log vouches for, key and hash are held in memory at once.",
        "Memory grows with the number of rows vouched for, not with the size of the records: `held of the log` is the heap that remains after a collection. The peak RSS is of this process, which has made the log before, and of its children.",
      ],
      notMeasured: [
        "The reading of sealed objects, which goes at the speed of the store (store.md).",
        "Records that vouch for many rows at once.",
      ],
    }),
  );
} finally {
  await app.close();
  await place.remove();
}
