// get: an object out of the store, decrypted.

import path from "node:path";
import { defineCommand } from "../../platform/command/contract.ts";
import { bytesText } from "../../platform/figures.ts";
import { codeOf, isStockroomError } from "../../platform/errors.ts";
import { writeFileAtomically } from "../../platform/files/index.ts";
import { operatorAtShell } from "../tools.ts";
import type { Tools } from "../tools.ts";
import { bodyOf, fileError, counted } from "./file-io.ts";

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
      const { key, version } = args;
      const { entry, body } = await tools.ask(
        async ({ objects }) => await objects.get(operatorAtShell("get"), key, { version, signal }),
        async (server) => {
          const answer = await server.call("GET /objects/*", { params: { "*": key }, query: { version } });
          return {
            entry: {
              key,
              bytes: Number(answer.headers.get("content-length")),
              version: answer.headers.get("x-stockroom-version") ?? "",
            },
            body: bodyOf(answer),
          };
        },
      );
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
