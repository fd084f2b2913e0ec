// list: every dataset group with its latest forecast, or all forecasts of one.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag, watchFlag } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { defaultsKey, prefixes } from "../store/keys.ts";
import { getRun, listGroups, listRuns, type ForecastGroup } from "../store/runs.ts";
import { takeRows } from "../../platform/web/remote.ts";
import { checkGroup, type ForecastTools } from "./app-tools.ts";
import { checkGroupThere, groupsThere, pageRows, runsThere } from "./there.ts";
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
      const { group } = args;
      if (!/^\d{1,6}$/.test(args.limit))
        throw new StockroomError("input", "USAGE", `Expected --limit to be a whole number but received "${args.limit}". Correct it.`);
      const limit = Number(args.limit);
      const { groups, runs, isPut } = await tools.ask(
        async ({ deps }) => {
          const own = await listGroups(deps.database);
          await checkGroup(deps.database, group);
          const found =
            group === undefined
              ? await Promise.all(latestOf(own).map(async (id) => await getRun(deps.database, id)))
              : await listRuns(deps.database, { group, limit });
          return { groups: own, runs: found, isPut: (await deps.objects.list(prefixes.train, { limit: 1 })).length > 0 };
        },
        async (server) => {
          const own = await groupsThere(server);
          await checkGroupThere(server, group);
          const idsOf = async (): Promise<readonly string[]> =>
            await takeRows(
              server.pages("GET /api/forecast/runs", { query: { group, limit: Math.min(limit, pageRows) } }),
              (page) => page.runs.map(({ id }) => id),
              limit,
            );
          const found = await runsThere(server, group === undefined ? latestOf(own) : await idsOf());
          return { groups: own, runs: found, isPut: await server.hasObjects(prefixes.train) };
        },
      );
      if (args.json) {
        tools.print.json(
          group === undefined ? groups.map((each) => ({ ...each, forecast: runs.find((run) => run.id === each.latest) })) : runs,
        );
        return;
      }
      const empty = !isPut
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

const latestOf = (groups: readonly { readonly latest?: string | undefined }[]): readonly string[] =>
  groups.flatMap(({ latest }) => latest ?? []);

/** What a group is about beside its latest forecast. */
function nowOf({
  state,
  why,
  runId,
}: Pick<ForecastGroup, "state"> & { readonly why?: string | undefined; readonly runId?: string | undefined }): string {
  if (state === "idle") return "";
  if (state === "waiting") return why ?? state;
  const more = state === "failed" && runId !== undefined ? ` (\`stockroom runs show '${runId}'\`)` : "";
  return `${state}${why === undefined ? "" : `: ${why}`}${more}`;
}
