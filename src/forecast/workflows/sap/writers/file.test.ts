// The file writer as a receiver sees it: whole files, each batch once, also when a process dies between two of its steps.

import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SapTarget } from "../settings.ts";
import { openFileWriter } from "./file.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "stockroom-file-writer-"));
});
afterEach(async () => await rm(folder, { recursive: true }));

const open = (format: "csv" | "jsonl" = "csv") => {
  const target: SapTarget & { readonly kind: "file" } = {
    kind: "file",
    name: "files",
    folder,
    format,
    fields: { Material: { from: "item_id", as: "text", decimals: 3 }, Day: { from: "timestamp", as: "date", decimals: 3 } },
    batchRows: 10,
    remembers: 3_600_000,
    automatic: [],
    tries: 1,
    pauseMs: 1,
    timeoutMs: 1_000,
  };
  return openFileWriter(target);
};
const rows = [1, 2].map((seq) => ({ seq, fields: { Material: `00${seq}`, Day: { date: Date.UTC(2026, 9, 30 + seq) } } }));
const request = { requestId: "c".repeat(32), madeAt: "2026-11-29T01:02:03.000Z", signal: new AbortController().signal };
const name = `forecast-2026-11-29-${request.requestId}.csv`;
const taken = [1, 2].map((seq) => ({ seq, taken: true, messages: [] }));

test("a batch is one file under its name, and the same again changes nothing", async () => {
  const writer = open();
  expect(await writer.write(rows, request)).toEqual(taken);
  expect(await readFile(path.join(folder, name), "utf8")).toBe("Material,Day\n001,2026-10-31\n002,2026-11-01\n");
  await writeFile(path.join(folder, name), "being read");
  expect(await writer.write(rows, request)).toEqual(taken);
  expect(await readFile(path.join(folder, name), "utf8")).toBe("being read");
});

test("a file that the receiver took away is not written again until its answers are kept", async () => {
  const writer = open();
  await writer.write(rows, request);
  await rename(path.join(folder, name), path.join(folder, "taken-away.csv"));
  expect(await writer.write(rows, request)).toEqual(taken);
  expect((await readdir(folder)).filter((file) => !file.startsWith("."))).toEqual(["taken-away.csv"]);
  await writer.forget?.(request);
  expect(await readdir(folder)).toEqual(["taken-away.csv"]);
});

test("a process that died before the file had its name is finished by the next", async () => {
  const writer = open();
  await writer.write(rows, request);
  // As it lies after the receipt and before the name.
  await rename(path.join(folder, name), path.join(folder, `.${name}.part`));
  expect(await open().write(rows, request)).toEqual(taken);
  expect((await readdir(folder)).filter((file) => !file.startsWith("."))).toEqual([name]);
  // And before the receipt: nothing is there that a receiver could have seen.
  await rm(path.join(folder, `.${name}.receipt`));
  await rename(path.join(folder, name), path.join(folder, `.${name}.part`));
  expect(await open().write(rows, request)).toEqual(taken);
  expect(await readFile(path.join(folder, name), "utf8")).toContain("002,2026-11-01");
});
