// The commands of the module that need the app: what there is, how it is set up, and what comes out of it.
//
// Each opens the app as a client: it may start runs, which an `up` or a `worker` carries out; with `--wait` it stays until they end.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { printFrequency } from "../engine/calendar/frequency.ts";
import { parseDefaults, printRemark, refuseDefaults } from "../workflows/defaults/parse.ts";
import { removeGroup } from "../workflows/pipeline/remove.ts";
import { findFinished } from "../workflows/planning/stored.ts";
import { defaultsKey } from "../store/keys.ts";
import { listAdjustments } from "../store/adjustments.ts";
import { listAnswers } from "../store/answers.ts";
import { getRun, listGroups, listRuns, type ForecastGroup, type ForecastRunRow } from "../store/runs.ts";
import { sampleDefaults } from "../workflows/defaults/sample.ts";
import { checkGroup, download, figure, operatorAt, outArg, readTextFile, type ForecastTools } from "./app-tools.ts";
import { planningCommands } from "./planning.ts";
import { sapCommands } from "./sap.ts";
import { scenarioCommand } from "./scenario.ts";

/** The commands by name, to be mounted under `stockroom forecast`. */
export function makeAppCommands(tools: ForecastTools): Record<string, Command> {
  return {
    list: listCommand(tools),
    show: showCommand(tools),
    export: exportCommand(tools),
    defaults: defaultsCommand(tools),
    remove: removeCommand(tools),
    ...planningCommands(tools),
    scenario: scenarioCommand(tools),
    ...sapCommands(tools),
  };
}

const word = { type: "positional", required: true, description: "a dataset group (its latest forecast) or the id of a forecast" } as const;

const listCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "list", description: "Every dataset group with its latest forecast; of one group, all its forecasts" },
    args: {
      group: { type: "positional", required: false, description: "only this group, with all its forecasts" },
      limit: { type: "string", description: "at most so many forecasts", default: "100", valueHint: "n" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      const { group } = args;
      if (!/^\d{1,6}$/.test(args.limit))
        throw new StockroomError("input", "USAGE", `Expected --limit to be a whole number but "${args.limit}" came. Correct it.`);
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
      const empty = `No forecast yet. Put ${defaultsKey} and a file such as forecast/train/retail.csv.`;
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

const warningsIn = (run: ForecastRunRow): readonly string[] => {
  const warnings = run.summary?.["warnings"];
  return Array.isArray(warnings) ? warnings.map(String) : [];
};

const rowOf = (run: ForecastRunRow) => ({
  group: run.group,
  forecast: run.id,
  state: run.state,
  series: figure(run.summary?.["series"]),
  wape: figure(run.summary?.["wape"]),
  "seasonal naive": figure(run.summary?.["seasonalNaiveWape"]),
  average_wql: figure(run.summary?.["averageWql"]),
  models: run.reuses === undefined ? "trained" : `of ${run.reuses}`,
  adjusted: run.exports["adjusted"] === undefined ? "" : "yes",
  warnings: warningsIn(run).length === 0 ? "" : String(warningsIn(run).length),
  ended: run.endedAt ?? "",
});

const removeCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: {
      name: "remove",
      description: `Remove a dataset group: its files and what its runs kept for themselves go, its exports stay
A file that is put again makes it a group again.`,
    },
    args: { group: { type: "positional", required: true, description: "a dataset group" }, json: jsonFlag },
    run: async ({ args }) => {
      const { deps, workflows } = await tools.open();
      const removed = await removeGroup(deps, workflows, args.group, "cli forecast remove");
      if (args.json) tools.print.json(removed);
      else tools.print.line(`removed: ${removed.group} (${removed.files} files, ${removed.pieces} pieces of its runs)`);
    },
  });

const showCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "show", description: "One forecast: its inputs, its figures, its exports, what was asked of it" },
    args: { forecast: word, json: jsonFlag },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      const run = await findFinished(deps.database, args.forecast);
      const answers = await listAnswers(deps.database, { run: run.id });
      const adjustments = await listAdjustments(deps.database, { group: run.group, standing: true });
      if (args.json) {
        tools.print.json({ ...run, adjustments, asked: answers });
        return;
      }
      const { print } = tools;
      print.table([rowOf(run)], { json: false, empty: "" });
      for (const warning of warningsIn(run)) print.line(`warning: ${warning}`);
      for (const [kind, input] of Object.entries(run.inputs))
        if (input !== undefined) print.line(`${kind}: ${input.key} (${input.version})`);
      const files = Object.entries(run.exports).filter(([name]) => !name.startsWith("aggregated/"));
      const months = Object.keys(run.exports).length - files.length;
      for (const [name, ref] of files) print.line(`${name}: ${ref.key} (${ref.version})`);
      if (months > 0) print.line(`aggregated: ${months} months, for \`stockroom sql\``);
      if (adjustments.length > 0)
        print.line(`${adjustments.length} adjustments of ${run.group} stand; \`stockroom forecast adjustments list ${run.group}\``);
      print.table(
        answers.map(({ id, kind, title, author, at }) => ({ asked: id, kind, title, author, at })),
        { json: false, empty: "Nothing was asked of it yet." },
      );
    },
  });

const exportCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: {
      name: "export",
      description: `Write the exports of a forecast, decrypted, into a folder
Examples:
  stockroom forecast export retail --out retail-july
  stockroom forecast export retail --out retail-july --only forecast,adjusted`,
    },
    args: {
      forecast: word,
      out: { ...outArg, required: true },
      only: { type: "string", description: "some of them, by the names that `show` tells", valueHint: "NAME,..." },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      const run = await findFinished(deps.database, args.forecast);
      const wanted = args.only?.split(",").map((name) => name.trim());
      const unknown = wanted?.filter((name) => run.exports[name] === undefined) ?? [];
      if (unknown.length > 0) {
        throw new StockroomError(
          "missing",
          "FORECAST_EXPORT_MISSING",
          `Expected exports of ${run.id} but it has no ${unknown.join(", ")}. It has ${Object.keys(run.exports).join(", ")}.`,
        );
      }
      const exports = Object.fromEntries(Object.entries(run.exports).filter(([name]) => wanted === undefined || wanted.includes(name)));
      const written = await download(deps.objects, `export ${run.id}`, exports, args.out, tools.signal);
      if (args.json) tools.print.json({ forecast: run.id, out: args.out, files: written });
      else tools.print.line(`${args.out}: ${written.length} files of ${run.id}`);
    },
  });

const defaultsCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "defaults", description: `The settings of all groups, ${defaultsKey}: check them, or begin with a sample` },
    subCommands: {
      check: defineCommand({
        meta: { name: "check", description: "Read the settings and tell everything that is wrong with them; changes nothing" },
        args: {
          file: { type: "positional", required: false, description: `a file; absent: ${defaultsKey} in the store` },
          json: jsonFlag,
        },
        run: async ({ args }) => {
          const { file } = args;
          const name = file ?? defaultsKey;
          const parsed = parseDefaults(await (file === undefined ? stored(tools) : readTextFile(file, "settings")), name);
          if (parsed.kind === "bad") {
            if (args.json) tools.print.json({ file: name, good: false, problems: parsed.problems });
            return refuseDefaults(parsed, name);
          }
          const groups = ["Default", ...parsed.names].map((group) => parsed.group(group));
          if (args.json) {
            tools.print.json({ file: name, good: true, groups, remarks: parsed.notes });
            return undefined;
          }
          tools.print.table(
            groups.map((group) => ({
              group: group.name,
              domain: group.domain,
              frequency: printFrequency(group.frequency),
              horizon: group.horizon,
              dimensions: group.dimensions.join(", "),
              windows: group.windows,
              quantiles: group.forecastTypes.levels.join(", "),
              files_of: group.filesOf === group.name ? "" : group.filesOf,
            })),
            { json: false, empty: "" },
          );
          for (const note of parsed.notes) tools.print.line(printRemark(note, name));
          return undefined;
        },
      }),
      sample: defineCommand({
        meta: { name: "sample", description: `Print a ${defaultsKey} with a word on every line` },
        run: () => tools.print.line(sampleDefaults({ frequency: "D", horizon: 28, holidays: "GB" }).trimEnd()),
      }),
    },
  });

async function stored(tools: ForecastTools): Promise<string> {
  const { deps } = await tools.open();
  return Buffer.from(await deps.objects.read(operatorAt("defaults check"), defaultsKey)).toString("utf8");
}
