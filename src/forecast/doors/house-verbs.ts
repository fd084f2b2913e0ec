// The commands of the wing that need the house: what there is, how it is set up, and what comes out of it.
//
// Each opens the house as a client: it may start runs, which an `up` or a `worker` carries out; with `--wait` it stays until they end.

import { defineCommand, type CommandDef } from "citty";
import { StockroomError } from "../../base/errors.ts";
import { printFrequency } from "../engine/calendar/frequency.ts";
import { parseDefaults, printRemark, refuseDefaults } from "../flow/defaults/parse.ts";
import { removeGroup } from "../flow/pipeline/remove.ts";
import { findFinished } from "../flow/planning/finished.ts";
import { defaultsKey } from "../store/keys.ts";
import { listAdjustments } from "../store/adjustments.ts";
import { listPlans } from "../store/plans.ts";
import { getRun, listGroups, listRuns, type ForecastGroup, type ForecastRunRow } from "../store/runs.ts";
import { sampleDefaults } from "../flow/defaults/sample.ts";
import { checkGroup, download, figure, jsonArg, operatorAt, outArg, readTextFile, type HouseTools } from "./house-tools.ts";
import { planningVerbs } from "./planning-verbs.ts";
import { sapVerbs } from "./sap-verbs.ts";
import { scenarioVerb } from "./scenario-verbs.ts";

// Every command has arguments of its own type; the list of them can only be held together by the widest one.
type AnyCommand = CommandDef<any>; // oxlint-disable-line typescript/no-explicit-any

/** The commands by name, to be mounted under `stockroom forecast`. */
export function makeHouseVerbs(tools: HouseTools): Record<string, AnyCommand> {
  return {
    list: listVerb(tools),
    show: showVerb(tools),
    export: exportVerb(tools),
    defaults: defaultsVerb(tools),
    remove: removeVerb(tools),
    ...planningVerbs(tools),
    scenario: scenarioVerb(tools),
    ...sapVerbs(tools),
  };
}

const word = { type: "positional", required: true, description: "a dataset group (its latest forecast) or the id of a forecast" } as const;

const listVerb = (tools: HouseTools): AnyCommand =>
  defineCommand({
    meta: { name: "list", description: "Every dataset group with its latest forecast; of one group, all its forecasts" },
    args: {
      group: { type: "positional", required: false, description: "only this group, with all its forecasts" },
      limit: { type: "string", description: "at most so many forecasts", default: "100", valueHint: "n" },
      json: jsonArg,
    },
    run: async ({ args }) => {
      const { parts } = await tools.open();
      const { group } = args;
      if (!/^\d{1,6}$/.test(args.limit))
        throw new StockroomError("input", "USAGE", `Expected --limit to be a whole number but "${args.limit}" came. Correct it.`);
      const groups = await listGroups(parts.records);
      await checkGroup(parts.records, group);
      const latest = group === undefined ? groups.flatMap((each) => each.latest ?? []) : [];
      const runs =
        group === undefined
          ? await Promise.all(latest.map(async (id) => await getRun(parts.records, id)))
          : await listRuns(parts.records, { group, limit: Number(args.limit) });
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

const removeVerb = (tools: HouseTools): AnyCommand =>
  defineCommand({
    meta: {
      name: "remove",
      description: `Remove a dataset group: its files and what its runs kept for themselves go, its exports stay
A file that is put again makes it a group again.`,
    },
    args: { group: { type: "positional", required: true, description: "a dataset group" }, json: jsonArg },
    run: async ({ args }) => {
      const { parts, workflows } = await tools.open();
      const removed = await removeGroup(parts, workflows, args.group, "cli forecast remove");
      if (args.json) tools.print.json(removed);
      else tools.print.line(`removed: ${removed.group} (${removed.files} files, ${removed.pieces} pieces of its runs)`);
    },
  });

const showVerb = (tools: HouseTools): AnyCommand =>
  defineCommand({
    meta: { name: "show", description: "One forecast: its inputs, its figures, its exports, what was asked of it" },
    args: { forecast: word, json: jsonArg },
    run: async ({ args }) => {
      const { parts } = await tools.open();
      const run = await findFinished(parts.records, args.forecast);
      const plans = await listPlans(parts.records, { run: run.id });
      const adjustments = await listAdjustments(parts.records, { group: run.group, standing: true });
      if (args.json) {
        tools.print.json({ ...run, adjustments, asked: plans });
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
        plans.map(({ id, kind, title, author, at }) => ({ asked: id, kind, title, author, at })),
        { json: false, empty: "Nothing was asked of it yet." },
      );
    },
  });

const exportVerb = (tools: HouseTools): AnyCommand =>
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
      json: jsonArg,
    },
    run: async ({ args }) => {
      const { parts } = await tools.open();
      const run = await findFinished(parts.records, args.forecast);
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
      const written = await download(parts.objects, `export ${run.id}`, exports, args.out, tools.signal);
      if (args.json) tools.print.json({ forecast: run.id, out: args.out, files: written });
      else tools.print.line(`${args.out}: ${written.length} files of ${run.id}`);
    },
  });

const defaultsVerb = (tools: HouseTools): AnyCommand =>
  defineCommand({
    meta: { name: "defaults", description: `The settings of all groups, ${defaultsKey}: check them, or begin with a sample` },
    subCommands: {
      check: defineCommand({
        meta: { name: "check", description: "Read the settings and tell everything that is wrong with them; changes nothing" },
        args: {
          file: { type: "positional", required: false, description: `a file; absent: ${defaultsKey} in the store` },
          json: jsonArg,
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

async function stored(tools: HouseTools): Promise<string> {
  const { parts } = await tools.open();
  return Buffer.from(await parts.objects.read(operatorAt("defaults check"), defaultsKey)).toString("utf8");
}
