// put, get, ls, rm: the encrypted store by command.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { addAbortSignal } from "node:stream";
import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, limitFlag, readWhole } from "../../platform/command/flags.ts";
import { bytesText, instantText } from "../../platform/figures.ts";
import { contentTypeOf } from "../../platform/objects/types.ts";
import type { Body } from "../../platform/bytes.ts";
import { codeOf, isStockroomError, StockroomError } from "../../platform/errors.ts";
import { writeFileAtomically } from "../../platform/files/index.ts";
import { operatorAtShell } from "../tools.ts";
import type { Tools } from "../tools.ts";

export const putCommand = (tools: Tools, examples: readonly string[]) =>
  defineCommand({
    meta: {
      name: "put",
      description: `Store a file, encrypted; whatever waits for such files starts by itself
Examples:
${examples.map((line) => `  ${line}`).join("\n")}
A KEY that ends in / gets the file's name. The same bytes under the same key are stored once and start nothing.`,
    },
    args: {
      file: { type: "positional", required: true, description: "The file, or - for standard input" },
      key: { type: "positional", required: true, description: "Its name in the store" },
      type: { type: "string", description: "Content type (default: from the file's ending)", valueHint: "mime" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { print, signal } = tools;
      const source = await openSource(args.file, tools);
      const key = args.key.endsWith("/") && args.file !== "-" ? `${args.key}${path.basename(args.file)}` : args.key;
      const app = await tools.open();
      const { objects } = app;
      const before = await objects.head(key);
      const progress = tools.progress(`put ${key}`);
      try {
        const entry = await objects.put(
          operatorAtShell("put"),
          key,
          counted(source, (done, total, note) => progress.update(done, total, note)),
          {
            contentType: args.type ?? contentTypeOf(args.file === "-" ? key : args.file, undefined),
            signal,
          },
        );
        const known = before?.version === entry.version;
        const hint = await app.hintOf(key);
        if (args.json) print.json({ ...entry, known, ...(hint === undefined ? {} : { hint }) });
        else print.line(`${known ? "already there" : "stored"}: ${entry.key} (${bytesText(entry.bytes)}, version ${entry.version})`);
        if (hint !== undefined) print.say(`note: stored, but ${hint}`);
      } finally {
        progress.end();
      }
    },
  });

interface Source {
  readonly body: Body;
  readonly bytes: number | undefined;
}

/** A stream that ends with the signal: standard input may otherwise never end. */
async function openSource(file: string, { cwd, signal }: Tools): Promise<Source> {
  if (file === "-") return { body: addAbortSignal(signal, process.stdin), bytes: undefined };
  const place = path.resolve(cwd, file);
  const found = await stat(place).catch((error: unknown) => {
    throw fileError(file, error);
  });
  if (found.isDirectory()) {
    throw new StockroomError("input", "FILE_IS_FOLDER", `Expected a file but ${file} is a folder. Put its files one by one.`, {
      facts: { file },
    });
  }
  return { body: createReadStream(place, { highWaterMark: 256 * 1024, signal }), bytes: found.size };
}

function fileError(file: string, cause: unknown): StockroomError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new StockroomError("missing", "FILE_MISSING", `Expected a file ${file} but there is none. Check the path.`, {
      facts: { file },
      cause,
    });
  }
  return new StockroomError(
    "denied",
    "FILE_DENIED",
    `Expected to be allowed to use ${file} but the system says ${code}. Check its permissions.`,
    {
      facts: { file, code },
      cause,
    },
  );
}

async function* counted({ body, bytes }: Source, update: (done: number, total: number, note: string) => void): Body {
  let done = 0;
  for await (const chunk of body) {
    done += chunk.byteLength;
    if (bytes !== undefined) update(done, bytes, bytesText(done));
    yield chunk;
  }
}

export const getCommand = (tools: Tools, examples: readonly string[]) =>
  defineCommand({
    meta: {
      name: "get",
      description: `Fetch an object, decrypted, to standard output or a file
Examples:
${examples.map((line) => `  ${line}`).join("\n")}
The file appears whole or not at all: an object that was tampered with leaves nothing behind.`,
    },
    args: {
      key: { type: "positional", required: true, description: "The object" },
      out: { type: "string", alias: "o", description: "Write to this file", valueHint: "file" },
      version: { type: "string", description: "A former version (see: stockroom ls KEY --versions)", valueHint: "version" },
    },
    run: async ({ args }) => {
      const { print, signal } = tools;
      const { objects } = await tools.open();
      const { entry, body } = await objects.get(operatorAtShell("get"), args.key, { version: args.version, signal });
      if (args.out !== undefined) {
        const progress = tools.progress(`get ${entry.key}`);
        const shown = counted({ body, bytes: entry.bytes }, (done, total, note) => progress.update(done, total, note));
        await writeFileAtomically(path.resolve(tools.cwd, args.out), shown, { mode: 0o600 })
          .catch((error: unknown) => {
            throw isStockroomError(error) || codeOf(error) === undefined ? error : fileError(args.out ?? "", error);
          })
          .finally(() => progress.end());
        print.say(`written: ${args.out} (${bytesText(entry.bytes)}, version ${entry.version})`);
        return;
      }
      for await (const chunk of body) await print.bytes(chunk);
    },
  });

export const lsCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "ls", description: "List objects by the beginning of their key" },
    args: {
      prefix: { type: "positional", required: false, description: "How the keys begin; nothing lists all" },
      versions: { type: "boolean", description: "Every version of the one object whose key is PREFIX" },
      after: { type: "string", description: "Begin after this key", valueHint: "key" },
      limit: { ...limitFlag, default: "1000" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const limit = readWhole("--limit", args.limit, 1, 1_000_000);
      const { objects } = await tools.open();
      const prefix = args.prefix ?? "";
      const found = args.versions ? await objects.versions(prefix) : await objects.list(prefix, { after: args.after, limit });
      tools.print.table(found, {
        json: args.json,
        empty: `no objects under "${prefix}"`,
        columns: {
          key: (entry) => entry.key,
          bytes: (entry) => entry.bytes,
          version: (entry) => entry.version,
          zone: (entry) => entry.zone,
          stored: (entry) => instantText(entry.storedAt),
          by: (entry) => entry.writtenBy,
        },
      });
      if (!args.versions && found.length === limit)
        tools.print.say(`There may be more: --after '${found.at(-1)?.key ?? ""}', or a larger --limit.`);
    },
  });

export const rmCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "rm", description: "Remove an object: it is hidden at once, its bytes go at the next sweep" },
    args: { key: { type: "positional", required: true, description: "The object" } },
    run: async ({ args }) => {
      const { objects } = await tools.open();
      await objects.remove(operatorAtShell("rm"), args.key);
      tools.print.line(`removed: ${args.key}`);
    },
  });
