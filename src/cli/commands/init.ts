// init: a settings file to begin with, and what comes next.

import { writeFile } from "node:fs/promises";
import path from "node:path";
import { defineCommand } from "../../platform/command/contract.ts";
import { relative, sampleFile, settingsFileName } from "../../platform/config/index.ts";
import { codeOf, StockroomError } from "../../platform/errors.ts";
import { goodConfig } from "./config.ts";
import type { Tools } from "../tools.ts";

export const initCommand = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "init",
      description: `Write a settings file with every setting, its meaning and its usual value; all as comments
It changes nothing until a line is uncommented, and never writes over a file that is there.`,
    },
    args: { file: { type: "positional", required: false, description: `Where to (default: ${settingsFileName} here)` } },
    run: async ({ args }) => {
      const config = await goodConfig(tools);
      const file = path.resolve(tools.cwd, args.file ?? settingsFileName);
      const shown = relative(file, tools.cwd);
      try {
        await writeFile(file, sampleFile(config), { flag: "wx" });
      } catch (error) {
        if (["ENOENT", "ENOTDIR", "EACCES", "EROFS"].includes(codeOf(error) ?? "")) {
          throw new StockroomError(
            "input",
            "SETTINGS_PLACE",
            `Expected a folder that can be written to for ${shown} but ${relative(path.dirname(file), tools.cwd)} is none (${codeOf(error)}). Make it, or name another file: stockroom init FILE`,
          );
        }
        if (codeOf(error) !== "EEXIST") throw error;
        throw new StockroomError(
          "conflict",
          "SETTINGS_THERE",
          `Expected nothing under the name ${shown} but something is there. Keep it (\`stockroom config print\` tells what is in force), or name another: stockroom init FILE`,
        );
      }
      tools.print.line(`written: ${shown}`);
      tools.print.say(`Next: \`stockroom up\` opens Stockroom (home ${config.values.home}), \`stockroom open\` its console in a browser.`);
    },
  });
