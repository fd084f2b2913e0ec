// There: what the commands ask a server for that takes more than one call, with the words and errors that the app itself has.

import { eachBounded } from "../../platform/concurrency/bounded.ts";
import { takeRows } from "../../platform/web/remote.ts";
import { isRunId, noForecast, undoneForecast } from "../workflows/planning/stored.ts";
import type { ForecastServer } from "./app-tools.ts";
import type { ShownRun } from "./forecast-row.ts";

/** How many rows a page is asked for. */
export const pageRows = 1_000;

export const groupsThere = async (server: ForecastServer) => (await server.call("GET /api/forecast/groups")).groups;

/** One forecast with its settings and exports, as its row in the app has them. */
export async function runThere(server: ForecastServer, id: string) {
  const { run, exports } = await server.call("GET /api/forecast/runs/:id", { params: { id } });
  return { ...run, exports: Object.fromEntries(exports.map(({ name, key, version }) => [name, { key, version }])) } satisfies ShownRun;
}

/** The same of several, in their order. */
export async function runsThere(server: ForecastServer, ids: readonly string[]) {
  const found = new Map<string, Awaited<ReturnType<typeof runThere>>>();
  await eachBounded(ids, 4, async (id) => void found.set(id, await runThere(server, id)));
  return ids.flatMap((id) => found.get(id) ?? []);
}

/** As `findFinished` does: the run of that id, or the latest of that group. */
export async function finishedThere(server: ForecastServer, word: string) {
  if (isRunId(word)) {
    const run = await runThere(server, word);
    if (run.state === "done") return run;
    throw undoneForecast(run);
  }
  const groups = await groupsThere(server);
  const latest = groups.find(({ name }) => name === word)?.latest;
  if (latest !== undefined) return await runThere(server, latest);
  throw noForecast(word, groups);
}

/** As `checkGroup` does. */
export async function checkGroupThere(server: ForecastServer, group: string | undefined): Promise<void> {
  if (group !== undefined && !(await groupsThere(server)).some(({ name }) => name === group)) await finishedThere(server, group);
}

/** What was asked of forecasts, the newest first, monitoring left out. */
export const scenariosThere = async (
  server: ForecastServer,
  query: { readonly group?: string | undefined; readonly run?: string | undefined },
  limit: number,
) =>
  await takeRows(
    server.pages("GET /api/forecast/scenarios", { query: { ...query, limit: pageRows } }),
    ({ scenarios }) => scenarios,
    limit,
  );

/** Whose word it is: that of whoever signed in, else the name that was given, else that of this shell's user. */
export const authorThere = async (server: ForecastServer, given: string | undefined, here: () => string): Promise<string> =>
  given ?? (await server.callerName()) ?? here();
