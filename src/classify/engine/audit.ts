// Audit: an append-only log in which every record seals all before it.
//
// Owns: the canonical text of a record, the chain of digests, finding the first wrong place. Does not own: where rows lie (store), the key (vault).
//   A1. A row's hash covers its number, time, kind, record and the hash before it: no row changes, moves, comes or goes without breaking the chain there.
//   A2. Numbers run 1, 2, 3 without gap. The first row's `previous` is 64 zeros.
//   A3. What the chain alone cannot show, anchors do: a tail cut off, or all of it written anew. An anchor is a row's number and hash, kept elsewhere.
//   A4. With a keyed digest (HMAC) nobody without the key can write a row that fits; with plain SHA-256 anybody can, and only anchors tell.
//   A5. The canonical text does not depend on the order of keys, nor on how a database writes numbers, texts and times.

import { createHash } from "node:crypto";
import { StockroomError } from "../../platform/errors.ts";

/** JSON as a record may hold it. Keys whose value is `undefined` are as good as absent. */
export type AuditValue = null | boolean | number | string | readonly AuditValue[] | { readonly [key: string]: AuditValue | undefined };

/** What is to be logged. */
export interface AuditEntry {
  /** An instant, ISO 8601; kept to the millisecond. */
  readonly at: string;
  readonly kind: string;
  readonly record: { readonly [key: string]: AuditValue | undefined };
}

/** A row of the log. */
export interface AuditRow extends AuditEntry {
  readonly seq: number;
  /** Hash of the row before; hex. */
  readonly previous: string;
  readonly hash: string;
}

/** A row's number and hash: enough to append the next, and to prove later that the log reached so far and no further back has changed. */
export interface AuditAnchor {
  readonly seq: number;
  readonly hash: string;
}

/** Turns canonical text into a digest of at least 32 bytes: SHA-256, or better an HMAC whose key is kept elsewhere. */
export type Digest = (text: string) => Uint8Array;

export const plainDigest: Digest = (text) => createHash("sha256").update(text).digest();

/** What the first row has as `previous`. */
export const genesis: AuditAnchor = { seq: 0, hash: "0".repeat(64) };

/**
 * Writes a value as the one JSON text all equal values have: keys in code-unit order, no spaces, numbers as JavaScript writes them.
 *
 * Throws `AUDIT_VALUE` (a `fault`) for what JSON or a database's JSON cannot hold: NaN, infinities, NUL characters, half surrogates.
 */
export function canonicalJson(value: AuditValue): string {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw unfit(String(value));
    return JSON.stringify(value);
  }
  if (typeof value === "string") {
    if (value.includes("\0") || !value.isWellFormed()) throw unfit("a text with a NUL character or half a surrogate pair");
    return JSON.stringify(value);
  }
  if (value === null || typeof value === "boolean") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const keys = Object.keys(value).sort();
  const pairs = keys.flatMap((key) => {
    const inner = value[key];
    return inner === undefined ? [] : [`${canonicalJson(key)}:${canonicalJson(inner)}`];
  });
  return `{${pairs.join(",")}}`;
}

// Array.isArray does not narrow a readonly array.
const isList = (value: AuditValue): value is readonly AuditValue[] => Array.isArray(value);

function unfit(what: string): StockroomError {
  return new StockroomError(
    "fault",
    "AUDIT_VALUE",
    `Expected a value that JSON can hold in an audit record but received ${what}. Leave it out or write it as text.`,
  );
}

/**
 * Makes the row after `previous` (`genesis` for the first). Whoever appends holds a lock, or two rows claim one number.
 *
 * Throws `AUDIT_VALUE` (a `fault`) for a record or a time that cannot be written.
 */
export function appendAudit(previous: AuditAnchor, entry: AuditEntry, digest: Digest = plainDigest): AuditRow {
  const at = instant(entry.at);
  if (at === undefined) throw unfit(`the time "${entry.at}"`);
  const row = { seq: previous.seq + 1, at, kind: entry.kind, record: entry.record, previous: previous.hash };
  return { ...row, hash: hashOf(row, digest) };
}

function hashOf(row: Omit<AuditRow, "hash">, digest: Digest): string {
  return Buffer.from(digest(canonicalJson([row.seq, instant(row.at) ?? row.at, row.kind, row.record, row.previous]))).toString("hex");
}

/** A database may give a time back in another spelling of the same millisecond. */
function instant(text: string): string | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

/** What verification found. */
export type AuditCheck =
  | { readonly kind: "intact"; readonly rows: number; readonly head: AuditAnchor }
  | {
      readonly kind: "broken";
      /** The number at which the log first differs from what was written. */
      readonly seq: number;
      readonly problem: "changed" | "missing" | "out of order" | "does not follow" | "cut off" | "rewritten";
      readonly explanation: string;
      /** Rows that were in order before it. */
      readonly rows: number;
    };

export interface AuditOptions {
  readonly digest?: Digest;
  /** Kept outside the log, in any order: in notices, in reports, on paper. */
  readonly anchors?: readonly AuditAnchor[];
  /** The row before the first one given; default `genesis`. */
  readonly after?: AuditAnchor;
}

/** Checks rows one by one, so that a log of any length fits. */
export interface AuditVerifier {
  /** Gives back the first problem as soon as it is found; later rows are then not looked at. */
  add(row: AuditRow): AuditCheck | undefined;
  finish(): AuditCheck;
}

/** Starts checking a log whose rows come in the order of their numbers. */
export function openVerifier(options: AuditOptions = {}): AuditVerifier {
  const { digest = plainDigest, anchors = [], after = genesis } = options;
  const anchored = new Map(anchors.map((anchor) => [anchor.seq, anchor.hash]));
  let head = after;
  let rows = 0;
  let broken: AuditCheck | undefined;
  const fail = (seq: number, problem: Extract<AuditCheck, { kind: "broken" }>["problem"], explanation: string): AuditCheck => {
    broken = { kind: "broken", seq, problem, explanation, rows };
    return broken;
  };

  const check = (row: AuditRow): AuditCheck | undefined => {
    const due = head.seq + 1;
    if (row.seq > due) {
      const gap = row.seq === due + 1 ? `row ${due} is` : `rows ${due} to ${row.seq - 1} are`;
      return fail(due, "missing", `After row ${head.seq} comes row ${row.seq}: ${gap} missing.`);
    }
    if (row.seq !== due)
      return fail(due, "out of order", `Where row ${due} was expected stands a row numbered ${row.seq}: moved, repeated or put in.`);
    const sound = ownHash(row, digest) === row.hash;
    if (!sound) return fail(due, "changed", `Row ${due} does not match its own hash: its contents were changed after it was written.`);
    if (row.previous !== head.hash) {
      return fail(
        due,
        "does not follow",
        `Row ${due} follows another row ${head.seq} than the one before it: one of the two was replaced.`,
      );
    }
    const anchor = anchored.get(due);
    if (anchor !== undefined && anchor !== row.hash) {
      return fail(
        due,
        "rewritten",
        `Row ${due} fits its neighbours but not the anchor kept of it: the log was written anew at or before it.`,
      );
    }
    head = { seq: row.seq, hash: row.hash };
    rows += 1;
    return undefined;
  };

  return {
    add: (row) => broken ?? check(row),
    finish() {
      if (broken !== undefined) return broken;
      const beyond = anchors.filter((anchor) => anchor.seq > head.seq).sort((a, b) => b.seq - a.seq);
      if (beyond.length > 0) {
        return fail(
          head.seq + 1,
          "cut off",
          `The log ends at row ${head.seq} but an anchor proves that it reached row ${beyond[0].seq}: its tail was cut off.`,
        );
      }
      return { kind: "intact", rows, head };
    },
  };
}

/** A row so changed that it cannot even be written down matches nothing. */
function ownHash(row: AuditRow, digest: Digest): string | undefined {
  try {
    return hashOf(row, digest);
  } catch {
    return undefined;
  }
}
