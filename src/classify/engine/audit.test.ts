import { createHash, createHmac } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { appendAudit, canonicalJson, genesis, openVerifier, plainDigest } from "./audit.ts";
import type { AuditCheck, AuditEntry, AuditOptions, AuditRow, AuditValue, Digest } from "./audit.ts";

const keyed: Digest = (text) => createHmac("sha256", "a key kept elsewhere").update(text).digest();

function write(entries: readonly AuditEntry[], digest = plainDigest): AuditRow[] {
  const rows: AuditRow[] = [];
  for (const entry of entries) rows.push(appendAudit(rows.at(-1) ?? genesis, entry, digest));
  return rows;
}

/** The first problem of a log, or what its end says. */
function verify(rows: Iterable<AuditRow>, options: AuditOptions = {}): AuditCheck {
  const verifier = openVerifier(options);
  for (const row of rows) {
    const problem = verifier.add(row);
    if (problem !== undefined) return problem;
  }
  return verifier.finish();
}

const entries = (count: number): AuditEntry[] =>
  Array.from({ length: count }, (_, i) => ({
    at: new Date(Date.UTC(2026, 9, 1, 0, i)).toISOString(),
    kind: "coding",
    record: { item: `i${i}`, code: "5", probability: 0.5 + i / 100 },
  }));

const json: fc.Arbitrary<AuditValue> = fc
  .jsonValue()
  .map((value): AuditValue => JSON.parse(JSON.stringify(value))) // -0 is 0 in JSON
  .filter(
    (value) =>
      !JSON.stringify(value).includes("\\u0000") && JSON.stringify(value).isWellFormed() && !/\\ud[89a-f]/.test(JSON.stringify(value)),
  );

describe("canonicalJson", () => {
  test("is one text for equal values, and valid JSON of the same value", () => {
    const shuffled = (value: AuditValue): AuditValue => {
      if (typeof value !== "object" || value === null) return value;
      if (Array.isArray(value)) return value.map(shuffled);
      return Object.fromEntries(
        Object.entries(value)
          .toReversed()
          .map(([key, inner]) => [key, inner === undefined ? undefined : shuffled(inner)]),
      );
    };
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(shuffled(value))).toBe(text);
        expect(JSON.parse(text)).toEqual(value);
      }),
    );
    expect(canonicalJson({ b: [1, "ü", { d: null, c: true }], a: 1e21, gone: undefined })).toBe(
      '{"a":1e+21,"b":[1,"ü",{"c":true,"d":null}]}',
    );
  });

  test("refuses what a database's JSON cannot hold", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, "a\0b", "\ud800", { "\0": 1 }, [Number.NaN]]) {
      expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: "AUDIT_VALUE" }));
    }
  });
});

describe("appendAudit", () => {
  test("hashes what the docs say", () => {
    const [row] = write(entries(1));
    const text = `[1,"2026-10-01T00:00:00.000Z","coding",{"code":"5","item":"i0","probability":0.5},"${"0".repeat(64)}"]`;
    expect(row.hash).toBe(createHash("sha256").update(text).digest("hex"));
    expect(row).toMatchObject({ seq: 1, previous: "0".repeat(64) });
    expect(() => appendAudit(genesis, { at: "yesterday", kind: "x", record: {} })).toThrow(
      expect.objectContaining({ code: "AUDIT_VALUE" }),
    );
  });

  test("does not mind how a database spells a time or orders keys", () => {
    const rows = write(entries(3)).map((row) => ({
      ...row,
      at: row.at.replace("T", " ").replace(".000Z", "+00"),
      record: Object.fromEntries(Object.entries(row.record).toReversed()),
    }));
    expect(verify(rows).kind).toBe("intact");
  });
});

describe("openVerifier", () => {
  const rows = write(entries(12), keyed);
  const anchor = { seq: 12, hash: rows[11].hash };

  test("an untouched log is intact, also empty, also from the middle on", () => {
    expect(verify(rows, { digest: keyed, anchors: [anchor] })).toEqual({ kind: "intact", rows: 12, head: anchor });
    expect(verify([])).toEqual({ kind: "intact", rows: 0, head: genesis });
    expect(verify(rows.slice(5), { digest: keyed, after: rows[4] })).toMatchObject({ kind: "intact", rows: 7 });
  });

  test("finds every kind of tampering at its first wrong place", () => {
    const edit = (at: number, change: Partial<AuditRow>): AuditRow[] => rows.map((row, i) => (i === at ? { ...row, ...change } : row));
    const swapped = [...rows];
    [swapped[4], swapped[5]] = [swapped[5], swapped[4]];
    const cases: readonly [string, readonly AuditRow[], number, string][] = [
      ["a changed record", edit(3, { record: { item: "i3", code: "6", probability: 0.53 } }), 4, "changed"],
      ["a changed time", edit(3, { at: "2026-10-02T00:00:00.000Z" }), 4, "changed"],
      ["a changed kind", edit(3, { kind: "answer" }), 4, "changed"],
      ["a changed hash", edit(3, { hash: "f".repeat(64) }), 4, "changed"],
      ["a record that JSON cannot hold", edit(3, { record: { x: Number.NaN } }), 4, "changed"],
      ["a dropped row", rows.toSpliced(6, 1), 7, "missing"],
      ["a dropped first row", rows.slice(1), 1, "missing"],
      ["two rows swapped", swapped, 5, "missing"],
      ["a repeated row", rows.toSpliced(4, 0, rows[3]), 5, "out of order"],
      ["a row put in", rows.toSpliced(4, 0, { ...rows[9] }), 5, "missing"],
      ["a tail cut off", rows.slice(0, 9), 10, "cut off"],
      ["everything gone", [], 1, "cut off"],
    ];
    for (const [, tampered, seq, problem] of cases) {
      expect(verify(tampered, { digest: keyed, anchors: [anchor] })).toMatchObject({ kind: "broken", seq, problem });
    }
  });

  test("a forger without the key cannot make a fitting row; with plain digests only anchors tell", () => {
    const forged = appendAudit(rows[2], { at: rows[3].at, kind: "coding", record: { item: "i3", code: "6" } });
    expect(verify(rows.with(3, forged), { digest: keyed })).toMatchObject({ kind: "broken", seq: 4, problem: "changed" });
    const plain = write(entries(12));
    const replaced = appendAudit(plain[2], { at: plain[3].at, kind: "coding", record: { item: "i3", code: "6" } });
    expect(verify(plain.with(3, replaced))).toMatchObject({ kind: "broken", seq: 5, problem: "does not follow" });
    const anew = write(entries(12).with(3, { ...entries(12)[3], record: { code: "6" } }));
    expect(verify(anew).kind).toBe("intact");
    expect(verify(anew, { anchors: [{ seq: 8, hash: plain[7].hash }] })).toMatchObject({
      kind: "broken",
      seq: 8,
      problem: "rewritten",
    });
  });

  test("no single change anywhere goes unseen", () => {
    const change = fc.oneof(
      fc.record({ at: fc.nat(11), how: fc.constantFrom("drop", "repeat", "swap") }),
      fc.record({ at: fc.nat(11), how: fc.constantFrom("kind", "record", "previous", "hash", "seq", "time"), with: fc.nat(1e6) }),
    );
    fc.assert(
      fc.property(change, (one) => {
        const log = [...rows];
        const { at } = one;
        const extra = "with" in one ? one.with + 1 : 0;
        if (one.how === "drop") log.splice(at, 1);
        else if (one.how === "repeat") log.splice(at, 0, log[at]);
        else if (one.how === "swap") [log[at], log[(at + 1) % 12]] = [log[(at + 1) % 12], log[at]];
        else if (one.how === "kind") log[at] = { ...log[at], kind: `coding${extra}` };
        else if (one.how === "record") log[at] = { ...log[at], record: { ...log[at].record, probability: extra } };
        else if (one.how === "time") log[at] = { ...log[at], at: new Date(Date.parse(log[at].at) + extra).toISOString() };
        else if (one.how === "seq") log[at] = { ...log[at], seq: log[at].seq + extra };
        else log[at] = { ...log[at], [one.how]: createHash("sha256").update(String(extra)).digest("hex") };
        const check = verify(log, { digest: keyed, anchors: [anchor] });
        expect(check.kind).toBe("broken");
        expect(check.kind === "broken" && check.seq <= at + 2).toBe(true);
      }),
    );
  });

  test("streams, and stays broken once it is", () => {
    const verifier = openVerifier({ digest: keyed });
    expect(verifier.add(rows[0])).toBeUndefined();
    const problem = verifier.add(rows[2]);
    expect(problem).toMatchObject({ kind: "broken", seq: 2, rows: 1 });
    expect(verifier.add(rows[1])).toBe(problem);
    expect(verifier.finish()).toBe(problem);
  });
});
