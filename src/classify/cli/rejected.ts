// rejected: rows of sales that are in no figure.

import { defineCommand, nounCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { takeRows } from "../../platform/web/remote.ts";
import { parseLimit } from "../workflows/commands.ts";
import { listRejected } from "../workflows/rejected.ts";
import type { ClassifyTools } from "./tools.ts";

const rejectedList = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: {
      name: "list",
      description: "the rows of a period's sales that were set apart and are in no figure, with line, column and reason",
    },
    args: {
      period: { type: "string", required: true, description: "e.g. 2026-10" },
      country: { type: "string", description: "only this country" },
      limit: { type: "string", description: "how many (default 100)", default: "100" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const limit = parseLimit(args.limit, 100_000);
      const { period, country } = args;
      const { rows, total } = await tools.ask(
        async ({ deps }) => await listRejected(deps, "cli rejected", { period, country, limit }),
        async (server) => {
          let all = 0;
          const pages = server.pages("GET /api/classify/rejected", { query: { period, country, limit: Math.min(limit, 1_000) } });
          const found = await takeRows(
            pages,
            (page) => {
              all = page.total;
              return page.rows;
            },
            limit,
          );
          return { rows: found, total: all };
        },
      );
      tools.print.table(
        rows.map((row) => ({ ...row })),
        { json: args.json, empty: `No row of ${args.period} was set apart.` },
      );
      if (total > rows.length) tools.print.say(`${total - rows.length} more; raise --limit.`);
    },
  });

export const rejectedCommand = (tools: ClassifyTools): Command =>
  nounCommand({ name: "rejected", description: "rows that are in no figure: list" }, { list: rejectedList(tools) });
