// The audit log as rows: appended under a lock, never changed.
//
// Owns: classify_audit, classify_audit_head. Does not own: the chain's arithmetic (engine/audit.ts), the key of its digest (vault).

import type { Tx } from "../../platform/database/contract.ts";
import type { Vault } from "../../platform/vault/contract.ts";
import type { ObjectRef } from "./keys.ts";
import { appendAudit, genesis, type AuditAnchor, type AuditEntry, type AuditRow, type Digest } from "../engine/audit.ts";
import { hashWritten, type Written } from "./ledger.ts";

/** The keyed digest of the chain: who lacks the vault's key cannot write a row that fits. */
export function auditDigest(vault: Pick<Vault, "mac">): Digest {
  return (text) => vault.mac("classify.audit", text);
}

/** A record to be kept. */
export interface AuditFact extends AuditEntry {
  /** Rows this transaction has written into the module's tables: the record holds their hashes (ledger.ts). */
  readonly written?: readonly Written[];
  /** Objects it is about, with the SHA-256 of their plain bytes. */
  readonly objects?: readonly (ObjectRef & { readonly sha256: string })[];
}

/** Appends a record in the transaction of the fact it tells of. Holds the log's lock until that commits. */
export async function insertAudit(tx: Tx, vault: Pick<Vault, "mac">, fact: AuditFact): Promise<AuditAnchor> {
  const { at, kind, written = [], objects = [] } = fact;
  await lockAudit(tx);
  // Appending moves the end on: what was wrong with it must not be forgotten thereby.
  const broken = await checkHead(tx, vault);
  const record = {
    ...fact.record,
    ...(broken === undefined ? {} : { endWas: broken }),
    ...(objects.length === 0 ? {} : { objects: objects.map((object) => ({ ...object })) }),
    ...(written.length === 0 ? {} : { rows: await hashWritten(tx, written) }),
  };
  const row = appendAudit((await findHead(tx)) ?? genesis, { at, kind, record }, auditDigest(vault));
  await tx.query("insert into stockroom.classify_audit (seq, at, kind, record, previous, hash) values ($1, $2, $3, $4, $5, $6)", [
    row.seq,
    row.at,
    row.kind,
    JSON.stringify(row.record),
    row.previous,
    row.hash,
  ]);
  await tx.query("delete from stockroom.classify_audit_head");
  await tx.query("insert into stockroom.classify_audit_head (one, seq, hash, mac) values (true, $1, $2, $3)", [
    row.seq,
    row.hash,
    headMac(vault, row),
  ]);
  return { seq: row.seq, hash: row.hash };
}

/** Nobody else appends until the transaction ends. */
export async function lockAudit(tx: Tx): Promise<void> {
  await tx.query("select pg_advisory_xact_lock(hashtext('classify.audit'))");
}

/** The keyed digest of where the log ends: who cuts its tail off cannot write one that fits the shorter log. */
function headMac(vault: Pick<Vault, "mac">, head: AuditAnchor): string {
  return Buffer.from(vault.mac("classify.audit.head", `${head.seq} ${head.hash}`)).toString("hex");
}

/** What is wrong with where the log says it ends; `undefined` when it ends there. */
export async function checkHead(tx: Tx, vault: Pick<Vault, "mac">): Promise<string | undefined> {
  const last = await findHead(tx);
  const [kept] = await tx.query<{ seq: string; hash: string; mac: string }>(
    "select seq, hash, mac from stockroom.classify_audit_head where one",
  );
  if (last === undefined && kept === undefined) return undefined;
  if (kept === undefined) {
    // Before the end was kept on record, records held no rows.
    const [late] = await tx.query("select 1 from stockroom.classify_audit where record ? 'rows' limit 1");
    if (late === undefined) return undefined;
  }
  if (kept === undefined) return `The log has rows but where it ends is not on record (classify_audit_head is empty).`;
  const head = { seq: Number(kept.seq), hash: kept.hash };
  if (headMac(vault, head) !== kept.mac)
    return `Where the log ends (classify_audit_head, row ${head.seq}) was not written by us: its digest does not fit.`;
  if (last?.seq === head.seq && last.hash === head.hash) return undefined;
  return `The log ends at row ${last?.seq ?? 0} but it had reached row ${head.seq}: its tail was cut off or written anew.`;
}

/** Every row in the order of its number, in pages. */
export async function* exportAudit(database: Tx): AsyncIterable<AuditRow> {
  let after = 0;
  for (;;) {
    const rows = await database.query<{
      seq: string;
      at: string;
      kind: string;
      record: AuditRow["record"];
      previous: string;
      hash: string;
    }>("select seq, at, kind, record, previous, hash from stockroom.classify_audit where seq > $1 order by seq limit 1000", [after]);
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
