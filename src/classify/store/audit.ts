// The audit log as rows: appended under a lock, never changed.
//
// Owns: classify_audit. Does not own: the chain's arithmetic (engine/audit.ts), the key of its digest (vault).

import type { Records, Tx } from "../../base/records/contract.ts";
import type { Vault } from "../../base/vault/contract.ts";
import { appendAudit, genesis, type AuditAnchor, type AuditEntry, type AuditRow, type Digest } from "../engine/audit.ts";

/** The keyed digest of the chain: who lacks the vault's key cannot write a row that fits. */
export function auditDigest(vault: Pick<Vault, "mac">): Digest {
  return (text) => vault.mac("classify.audit", text);
}

/** Appends a record in the transaction of the fact it tells of. Holds the log's lock until that commits. */
export async function keepAudit(
  tx: Tx,
  vault: Pick<Vault, "mac">,
  at: string,
  kind: string,
  record: AuditEntry["record"],
): Promise<AuditAnchor> {
  await tx.query("select pg_advisory_xact_lock(hashtext('classify.audit'))");
  const [last] = await tx.query<{ seq: string; hash: string }>("select seq, hash from stockroom.classify_audit order by seq desc limit 1");
  const previous = last === undefined ? genesis : { seq: Number(last.seq), hash: last.hash };
  const row = appendAudit(previous, { at, kind, record }, auditDigest(vault));
  await tx.query("insert into stockroom.classify_audit (seq, at, kind, record, previous, hash) values ($1, $2, $3, $4, $5, $6)", [
    row.seq,
    row.at,
    row.kind,
    JSON.stringify(row.record),
    row.previous,
    row.hash,
  ]);
  return { seq: row.seq, hash: row.hash };
}

/** Every row in the order of its number, in pages. */
export async function* exportAudit(records: Records): AsyncIterable<AuditRow> {
  let after = 0;
  for (;;) {
    const rows = await records.query<{ seq: string; at: string; kind: string; record: AuditRow["record"]; previous: string; hash: string }>(
      "select seq, at, kind, record, previous, hash from stockroom.classify_audit where seq > $1 order by seq limit 1000",
      [after],
    );
    for (const row of rows) {
      after = Number(row.seq);
      yield { ...row, seq: after };
    }
    if (rows.length === 0) return;
  }
}

/** The newest row's number and hash. */
export async function findHead(tx: Tx): Promise<AuditAnchor | undefined> {
  const [last] = await tx.query<{ seq: string; hash: string }>("select seq, hash from stockroom.classify_audit order by seq desc limit 1");
  return last === undefined ? undefined : { seq: Number(last.seq), hash: last.hash };
}
