// defaults: the settings of all groups, checked, or begun with a sample.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { printFrequency } from "../engine/calendar/frequency.ts";
import { parseDefaults, printRemark, refuseDefaults } from "../workflows/defaults/parse.ts";
import { defaultsKey } from "../store/keys.ts";
import { sampleDefaults } from "../workflows/defaults/sample.ts";
import { operatorAt, readTextFile, type ForecastTools } from "./app-tools.ts";

export const defaultsCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "defaults", description: `The settings of all groups, ${defaultsKey}: check them, or begin with a sample` },
    subCommands: {
      check: defaultsCheck(tools),
      sample: defaultsSample(tools),
    },
  });

async function stored(tools: ForecastTools): Promise<string> {
  const { deps } = await tools.open();
  return Buffer.from(await deps.objects.read(operatorAt("defaults check"), defaultsKey)).toString("utf8");
}

const defaultsCheck = (tools: ForecastTools): Command =>
  defineCommand({
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
  });

const defaultsSample = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "sample", description: `Print a ${defaultsKey} with a word on every line` },
    run: () => tools.print.line(sampleDefaults({ frequency: "D", horizon: 28, holidays: "GB" }).trimEnd()),
  });
