// value-added: whose forecast was better.

import { jsonFlag } from "../../platform/command/flags.ts";
import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { writeFileAtomically } from "../../platform/files/index.ts";
import type { Answer, RoutesOf } from "../../platform/web/remote.ts";
import type * as routes from "../http/contract.ts";
import type { AdjustmentValue, ValueReport } from "../engine/monitor/value-added.ts";
import { table, valueColumns, valueRows } from "../workflows/planning/monitor-job.ts";
import { readValueAdded } from "../workflows/planning/value.ts";
import { checkGroup, figure, type ForecastTools } from "./app-tools.ts";
import { checkGroupThere } from "./there.ts";

export const valueAddedCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: {
      name: "value",
      description: `Whose forecast was better: the seasonal naive one, the system's, or the planners'
Told from every import that was judged; of the adjusted cells by author, reason and item.`,
    },
    args: {
      group: { type: "positional", required: false, description: "only of this group" },
      out: { type: "string", description: "also write the table of adjusted cells' value to this file", valueHint: "FILE" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { imports, adjusted } = await tools.ask(
        async ({ deps }) => {
          await checkGroup(deps.database, args.group);
          const { judged, adjusted: own } = await readValueAdded(deps, "cli forecast value-added", args.group);
          return {
            imports: judged.map(({ id, group, run, title, summary }) => ({
              id,
              group,
              forecast: run,
              period: title,
              value: summary.value,
            })),
            adjusted: own,
          };
        },
        async (server) => {
          await checkGroupThere(server, args.group);
          const { imports: judged, adjusted: there } = await server.call("GET /api/forecast/value-added", { query: { group: args.group } });
          // JSON has no NaN: a figure of nothing is null there.
          return { imports: judged, adjusted: there as unknown as ValueReport }; // oxlint-disable-line typescript/no-unsafe-type-assertion
        },
      );
      // Of adjusted cells "all" says the same as "adjusted".
      if (args.out !== undefined) await writeFileAtomically(args.out, table(valueColumns, valueRows(adjusted).slice(1)));
      if (args.json) {
        tools.print.json({ imports, adjusted });
        return;
      }
      const { print } = tools;
      print.table(imports.map(valueRow), { json: false, empty: "No import was judged yet: nothing of what was forecast has come." });
      if (imports.length === 0) return;
      print.line(adjusted.reason);
      const groups: (readonly [string, readonly AdjustmentValue[]])[] = [
        ["author", adjusted.byAuthor],
        ["reason", adjusted.byReason],
        ["item", adjusted.byItem.slice(0, 20)],
      ];
      print.table(
        groups.flatMap(([by, list]) => list.map((each) => ({ by, ...shownValue(each) }))),
        { json: false, empty: "Nothing was adjusted." },
      );
    },
  });

const shownValue = (each: AdjustmentValue) => ({
  name: each.group,
  points: each.points,
  wape_naive: figure(each.wapeNaive),
  wape_system: figure(each.wapeSystem),
  wape_used: figure(each.wapeUsed),
  added: figure(each.adjustmentAdded),
  improved: each.improved,
  worsened: each.worsened,
});

type Judged = Answer<RoutesOf<typeof routes>["GET /api/forecast/value-added"]>["imports"][number];

function valueRow({ group, forecast, period, value }: Judged) {
  const { all, adjusted } = value;
  return {
    group,
    forecast,
    period,
    points: figure(all.points),
    wape_naive: figure(all.wapeNaive),
    wape_system: figure(all.wapeSystem),
    wape_used: figure(all.wapeUsed),
    system_added: figure(all.systemAdded),
    adjustment_added: figure(all.adjustmentAdded),
    adjusted_points: figure(adjusted.points),
    verdict: value.verdict,
  };
}
