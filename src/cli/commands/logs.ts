// logs: what is logged while runs are worked at, of all runs, as it comes.

import { setTimeout as pause } from "node:timers/promises";
import { defineCommand } from "../../platform/command/contract.ts";
import { readChoice, readInstant, readWhole, usage } from "../../platform/command/flags.ts";
import { logLineText, runLogLevels } from "./log-lines.ts";
import type { Tools } from "../tools.ts";

const followMs = 1_000;
/** Lines of several processes are numbered before they are there: those a little older than the newest are looked at again. */
const lookBack = 100;
const pageLines = 1_000;

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `15m`, `2h`, `1d` back from now, or a day or an instant. */
function readSince(text: string, nowMs: number): string {
  const [, count = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== "") return new Date(nowMs - Number(count) * unitMs[unit as keyof typeof unitMs]).toISOString(); // oxlint-disable-line typescript/no-unsafe-type-assertion
  if (!/^\d{4}-/.test(text)) throw usage("--since", "how long ago, as 15m, 2h or 1d, or a day or an instant", text);
  return readInstant("--since", text);
}

export const logsCommand = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "logs",
      description: `What was logged while runs were worked at, of all of them, the oldest line first
Examples:
  stockroom logs -f
  stockroom logs --since 2h --level warn
  stockroom runs logs ID -f
What the server logs beside runs goes to its standard error.`,
    },
    args: {
      follow: { type: "boolean", alias: "f", description: "Go on with new lines until Ctrl-C", default: false },
      since: { type: "string", description: "From then on: 15m, 2h, 1d, a day or an instant", default: "1h", valueHint: "when" },
      run: { type: "string", description: "Only lines of this run", valueHint: "ID" },
      level: { type: "string", description: `${runLogLevels.join(", ")}: that and worse`, default: "info", valueHint: "level" },
      limit: { type: "string", description: "At most so many to begin with, the newest", default: "1000", valueHint: "n" },
      json: { type: "boolean", description: "Print each line as JSON", default: false },
    },
    run: async ({ args }) => {
      const { print, signal } = tools;
      const level = readChoice("--level", args.level, runLogLevels);
      const limit = readWhole("--limit", args.limit, 1, 2_000);
      const since = readSince(args.since, Date.now());
      const ask = async (query: { readonly after?: number; readonly limit: number }) =>
        await tools.ask(
          async ({ workflows }) => await workflows.allLogs({ level, since, ...query }),
          async (server) => (await server.call("GET /api/logs", { query: { level, since, ...query } })).lines,
        );
      const seen = new Set<number>();
      let newest = 0;
      const show = (lines: Awaited<ReturnType<typeof ask>>): void => {
        for (const line of lines) {
          newest = Math.max(newest, line.id);
          if (seen.has(line.id) || (args.run !== undefined && line.run !== args.run)) continue;
          seen.add(line.id);
          print.line(args.json ? JSON.stringify(line) : logLineText(line));
        }
        for (const id of seen) if (id < newest - 2 * lookBack) seen.delete(id);
      };
      show(await ask({ limit }));
      if (newest === 0 && !args.follow) print.say(`no lines since ${since}`);
      while (args.follow) {
        await pause(followMs, undefined, { signal });
        for (;;) {
          const before = newest;
          const lines = await ask({ after: Math.max(0, newest - lookBack), limit: pageLines });
          show(lines);
          if (lines.length < pageLines || newest === before) break;
        }
      }
    },
  });
