// list: every dataset group with its latest forecast, or all forecasts of one.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag, watchFlag } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { defaultsKey, prefixes } from "../store/keys.ts";
import { getRun, listGroups, listRuns, type ForecastGroup } from "../store/runs.ts";
import { checkGroup, type ForecastTools } from "./app-tools.ts";
import { rowOf } from "./forecast-row.ts";

export const listCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "list", description: "Every dataset group with its latest forecast; of one group, all its forecasts" },
    args: {
      group: { type: "positional", required: false, description: "only this group, with all its forecasts" },
      limit: { type: "string", description: "at most so many forecasts", default: "100", valueHint: "n" },
      json: jsonFlag,
      watch: watchFlag,
    },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      const { group } = args;
      if (!/^\d{1,6}$/.test(args.limit))
        throw new StockroomError("input", "USAGE", `Expected --limit to be a whole number but received "${args.limit}". Correct it.`);
      const groups = await listGroups(deps.database);
      await checkGroup(deps.database, group);
      const latest = group === undefined ? groups.flatMap((each) => each.latest ?? []) : [];
      const runs =
        group === undefined
          ? await Promise.all(latest.map(async (id) => await getRun(deps.database, id)))
          : await listRuns(deps.database, { group, limit: Number(args.limit) });
      if (args.json) {
        tools.print.json(
          group === undefined ? groups.map((each) => ({ ...each, forecast: runs.find((run) => run.id === each.latest) })) : runs,
        );
        return;
      }
      const { length: put } = await deps.objects.list(prefixes.train, { limit: 1 });
      const empty =
        put === 0
          ? `No forecast yet. Put ${defaultsKey} and a file such as ${prefixes.train}retail.csv.`
          : `No forecast yet, though files lie under ${prefixes.train}: they are read as long as Stockroom runs (\`stockroom up\`).`;
      if (group !== undefined) {
        tools.print.table(
          runs.map((run) => ({ ...rowOf(run), why: run.why ?? "" })),
          { json: false, empty },
        );
        return;
      }
      const none = { series: undefined, wape: undefined, average_wql: undefined, models: "", adjusted: "", warnings: "", ended: "" };
      const rows = groups.map((each) => {
        const run = runs.find(({ id }) => id === each.latest);
        return { ...(run === undefined ? { group: each.name, forecast: "none yet", state: "", ...none } : rowOf(run)), now: nowOf(each) };
      });
      tools.print.table(rows, { json: false, empty });
    },
  });

/** What a group is about beside its latest forecast. */
function nowOf({ state, why, runId }: ForecastGroup): string {
  if (state === "idle") return "";
  if (state === "waiting") return why ?? state;
  const more = state === "failed" && runId !== undefined ? ` (\`stockroom runs show '${runId}'\`)` : "";
  return `${state}${why === undefined ? "" : `: ${why}`}${more}`;
}
