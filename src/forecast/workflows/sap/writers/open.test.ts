// A customer's own writer: what it may do wrong without a row being told as taken, or sent again.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SapTarget } from "../settings.ts";
import { openWriter } from "./open.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "stockroom-writer-"));
});
afterAll(async () => await rm(folder, { recursive: true }));

let serial = 0;
async function open(text: string | undefined) {
  const module = path.join(folder, `writer-${(serial += 1)}.mjs`);
  if (text !== undefined) await writeFile(module, text);
  const target: SapTarget = {
    kind: "module",
    name: "own",
    module,
    options: { system: "Q01" },
    fields: { P: { value: "x" } },
    batchRows: 10,
    remembers: 3_600_000,
    automatic: [],
    tries: 1,
    pauseMs: 1,
    timeoutMs: 1_000,
  };
  return await openWriter(target, { kind: "basic", user: "u", password: "p" });
}

const rows = [1, 2].map((seq) => ({ seq, fields: { P: `${seq}` } }));
const request = { requestId: "b".repeat(32), madeAt: "2026-11-29T00:00:00.000Z", signal: new AbortController().signal };

test("gets target and credentials, and its answers come through", async () => {
  const writer = await open(
    `export const openWriter = (target, credentials) => ({ write: async (rows, request) => rows.map(({ seq }) => ({ seq, taken: seq === 1, messages: [{ type: "E", id: target.options.system, text: credentials.user + request.requestId.length, field: "" }] })), knowsRepeats: () => true });`,
  );
  expect(await writer.write(rows, request)).toMatchObject([
    { seq: 1, taken: true },
    { seq: 2, taken: false, messages: [{ id: "Q01", text: "u32" }] },
  ]);
  expect(await writer.knowsRepeats?.(request)).toBe(true);
  await writer.close();
});

test.each([
  ["is not there", undefined],
  ["cannot be read", "export const = 1;"],
  ["exports nothing", "export const other = 1;"],
  ["opens nothing", "export const openWriter = () => undefined;"],
  ["opens what cannot write", "export const openWriter = () => ({});"],
])("one that %s is a mistake of the settings", async (_, text) => {
  await expect(open(text)).rejects.toMatchObject({ kind: "input", code: "SAP_WRITER_MODULE" });
});

test("answers of another shape are none", async () => {
  const writer = await open(
    `export const openWriter = () => ({ write: () => [{ seq: 1, taken: "yes" }, null, { seq: "2", taken: true }] });`,
  );
  expect(await writer.write(rows, request)).toEqual([]);
  const nothing = await open("export const openWriter = () => ({ write: () => undefined });");
  await expect(nothing.write(rows, request)).rejects.toMatchObject({ code: "SAP_UNSURE" });
});
