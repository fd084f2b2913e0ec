// adjustments: what planners have said, and taking it back.

import { jsonFlag, waitFlag } from "../../platform/command/flags.ts";
import { defineCommand, nounCommand, type Command } from "../../platform/command/contract.ts";
import { takeBack } from "../workflows/planning/adjustments.ts";
import { listAdjustments } from "../store/adjustments.ts";
import { authorArg, authorOf, checkGroup, follow, type ForecastServer, type ForecastTools } from "./app-tools.ts";
import { adjustCommand } from "./adjust.ts";
import { wordsOf } from "./adjustment-words.ts";
import { authorThere, checkGroupThere } from "./there.ts";
import { valueAddedCommand } from "./value-added.ts";

/** In the order in which they were said: the pages come the other way round. */
export async function adjustmentsThere(
  server: ForecastServer,
  { group, standing }: { readonly group: string | undefined; readonly standing: boolean },
) {
  const pages = [];
  const query = { group, standing: standing ? "yes" : "no", limit: 10_000 } as const;
  for await (const { adjustments } of server.pages("GET /api/forecast/adjustments", { query })) pages.unshift(adjustments);
  return pages.flat();
}

export const adjustmentsCommand = (tools: ForecastTools): Command =>
  nounCommand(
    { name: "adjustments", description: "What planners say instead of the system: list, add, withdraw, and what it was worth (value)" },
    { list: adjustmentsList(tools), add: adjustCommand(tools), withdraw: adjustmentsWithdraw(tools), value: valueAddedCommand(tools) },
  );

const adjustmentsList = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "list", description: "In the order in which it was said; withdrawn ones too" },
    args: {
      group: { type: "positional", required: false, description: "only of this group" },
      standing: { type: "boolean", description: "only what was not withdrawn", default: false },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { group, standing } = args;
      const rows = await tools.ask(
        async ({ deps }) => {
          await checkGroup(deps.database, group);
          return await listAdjustments(deps.database, { ...(group === undefined ? {} : { group }), standing });
        },
        async (server) => {
          await checkGroupThere(server, group);
          return await adjustmentsThere(server, { group, standing });
        },
      );
      if (args.json) {
        tools.print.json(rows);
        return;
      }
      tools.print.table(
        rows.map((row) => ({
          adjustment: row.id,
          group: row.group,
          what: wordsOf(row),
          from: row.fromAt,
          until: row.untilAt,
          author: row.author,
          reason: row.reason,
          made: row.madeAt,
          withdrawn: row.withdrawnAt === undefined ? "" : `${row.withdrawnAt} by ${row.withdrawnBy ?? ""}`,
        })),
        { json: false, empty: "No adjustment yet. `stockroom forecast adjustments add --help` says how." },
      );
    },
  });

const adjustmentsWithdraw = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "withdraw", description: "Take one back; it stays in the list, and the forecast is exported without it" },
    args: {
      adjustment: { type: "positional", required: true, description: "its number" },
      author: authorArg,
      wait: waitFlag,
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { adjustment: id, author } = args;
      const { row, runId } = await tools.ask(
        async ({ deps, workflows }) => await takeBack(deps, workflows, id, authorOf(author)),
        async (server) => {
          const by = await authorThere(server, author, () => authorOf(undefined));
          const taken = await server.call("POST /api/forecast/adjustments/:id/withdraw", { params: { id }, body: { author: by } });
          return { row: taken.adjustment, runId: taken.run };
        },
      );
      if (!args.json) tools.print.line(`adjustment ${row.id} of ${row.group} is withdrawn`);
      await follow(tools, runId, { ...args, more: { adjustment: row } });
    },
  });
