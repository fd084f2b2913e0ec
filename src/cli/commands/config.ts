// config: the settings in force and where each came from; whether they are without mistakes. Needs no database.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { describeConfig, formatProblem, printConfig, relative } from "../../platform/config/index.ts";
import type { Config, Sections } from "../../platform/config/index.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { Tools } from "../tools.ts";

/** The settings, or one `input` `CONFIG_INVALID` with every mistake. */
export async function goodConfig(tools: Tools): Promise<Config<Sections>> {
  const check = await tools.checkConfig();
  if (check.kind === "good") return check.config;
  const lines = check.problems.map((problem) => `  ${formatProblem(problem)}`);
  throw new StockroomError(
    "input",
    "CONFIG_INVALID",
    [`Expected settings without mistakes but found ${lines.length}. Correct them:`, ...lines].join("\n"),
  );
}

const printCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "print", description: "Every setting with its value and where it came from; secrets are masked" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const config = await goodConfig(tools);
      if (args.json) tools.print.json(describeConfig(config));
      else tools.print.line(printConfig(config, tools.cwd).trimEnd());
      for (const warning of config.warnings) tools.print.say(`note: ${warning}`);
    },
  });

export const configCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "config", description: "Settings: print, check" },
    args: { json: jsonFlag },
    run: (context) => printCommand(tools).run?.(context),
    subCommands: {
      print: printCommand(tools),
      check: defineCommand({
        meta: { name: "check", description: "Tell every mistake in the settings at once" },
        args: { json: jsonFlag },
        run: async ({ args }) => {
          const check = await tools.checkConfig();
          const problems = check.kind === "bad" ? check.problems : [];
          const warnings = check.kind === "bad" ? check.warnings : check.config.warnings;
          if (args.json) tools.print.json({ good: problems.length === 0, problems, warnings });
          else {
            for (const problem of problems) tools.print.line(formatProblem(problem));
            for (const warning of warnings) tools.print.say(`note: ${warning}`);
            if (check.kind === "good") {
              const { file } = check.config;
              tools.print.line(
                `the settings are without mistakes${file === undefined ? " (no settings file)" : `: ${relative(file, tools.cwd)}`}`,
              );
            }
          }
          if (problems.length > 0) tools.exitWith(2);
        },
      }),
    },
  });
