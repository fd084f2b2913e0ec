// defaults: the settings of all groups, checked, or begun with a sample.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { parseDefaults, printRemark, refuseDefaults } from "../workflows/defaults/parse.ts";
import { defaultsKey } from "../store/keys.ts";
import { sampleDefaults, usualSample } from "../workflows/defaults/sample.ts";
import { shortGroup } from "../workflows/defaults/short.ts";
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
  return await tools.ask(
    async ({ deps }) => Buffer.from(await deps.objects.read(operatorAt("defaults check"), defaultsKey)).toString("utf8"),
    async (server) => (await server.call("GET /api/forecast/defaults")).content,
  );
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
        groups.map(shortGroup).map(({ filesOf, ...group }) => ({
          ...group,
          dimensions: group.dimensions.join(", "),
          quantiles: group.quantiles.join(", "),
          files_of: filesOf === group.group ? "" : filesOf,
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
    run: () => tools.print.line(sampleDefaults(usualSample).trimEnd()),
  });
