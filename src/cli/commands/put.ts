// put: a file into the encrypted store.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { addAbortSignal } from "node:stream";
import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, usage } from "../../platform/command/flags.ts";
import { bytesText } from "../../platform/figures.ts";
import { isSender, senderLabel, senderRemark, senderRule } from "../../platform/mappings/senders.ts";
import { contentTypeOf } from "../../platform/objects/types.ts";
import { StockroomError } from "../../platform/errors.ts";
import { operatorAtShell } from "../tools.ts";
import type { Body } from "../../platform/bytes.ts";
import type { ObjectEntry } from "../../platform/objects/contract.ts";
import type { App } from "../../app.ts";
import type { AskedServer } from "../server.ts";
import type { Tools } from "../tools.ts";
import { counted, fileError, type Source } from "./file-io.ts";

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
      sender: {
        type: "string",
        description: "Whose file it is: files of one sender are read alike (default: operator)",
        valueHint: "NAME",
      },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { print, signal } = tools;
      if (args.sender !== undefined && !isSender(args.sender)) throw usage("--sender", senderRule, args.sender);
      const source = await openSource(args.file, tools);
      const key = args.key.endsWith("/") && args.file !== "-" ? `${args.key}${path.basename(args.file)}` : args.key;
      const contentType = args.type ?? contentTypeOf(args.file === "-" ? key : args.file, undefined);
      const progress = tools.progress(`put ${key}`);
      try {
        const body = counted(source, (done, total, note) => progress.update(done, total, note));
        const upload = { key, body, contentType, sender: args.sender };
        const { entry, known, hint, understood } = await tools.ask(
          async (app) => await putHere(app, upload, signal),
          async (server) => await putThere(server, upload),
        );
        if (args.json)
          print.json({ ...entry, known, ...(hint === undefined ? {} : { hint }), ...(understood === undefined ? {} : { understood }) });
        else print.line(`${known ? "already there" : "stored"}: ${entry.key} (${bytesText(entry.bytes)}, version ${entry.version})`);
        if (hint !== undefined) print.say(`note: stored, but ${hint}`);
        for (const text of understood ?? []) print.say(text);
      } finally {
        progress.end();
      }
    },
  });

interface Upload {
  readonly key: string;
  readonly body: Body;
  readonly contentType: string;
  readonly sender: string | undefined;
}

interface Stored {
  readonly entry: ObjectEntry;
  /** The same bytes were there already. */
  readonly known: boolean;
  readonly hint: string | undefined;
  readonly understood: readonly string[] | undefined;
}

async function putHere(app: App, { key, body, contentType, sender }: Upload, signal: AbortSignal): Promise<Stored> {
  const before = await app.objects.head(key);
  const entry = await app.objects.put(operatorAtShell("put"), key, body, { labels: senderLabel(sender), contentType, signal });
  const known = before?.version === entry.version;
  return { entry, known, hint: (await app.hintOf(key)) ?? senderRemark(entry, sender), understood: await app.understoodOf(key) };
}

/** What the answer leaves out of the entry, the list of versions tells; that the version was there before, as well. */
async function putThere(server: AskedServer, { key, body, contentType, sender }: Upload): Promise<Stored> {
  const versions = async (): Promise<readonly ObjectEntry[]> => (await server.call("GET /api/object-versions", { query: { key } })).objects;
  const [before] = await versions();
  const { version, hint, understood } = await server.call("PUT /objects/*", {
    params: { "*": key },
    query: { sender },
    body: ReadableStream.from(body),
    contentType,
  });
  const entry = (await versions()).find((each) => each.version === version);
  if (entry !== undefined) return { entry, known: before?.version === version, hint, understood };
  throw new StockroomError(
    "conflict",
    "OBJECT_MISSING",
    `Expected ${key} to be there after it was stored but it is gone. Somebody removed it meanwhile: put it again.`,
  );
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
