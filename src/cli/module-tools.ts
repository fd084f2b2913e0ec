// Module tools: the command line as a module's commands see it.

import type { CommandTools } from "../classify/module.ts";
import type { PictureWorld } from "../images/module.ts";
import type { DirectTools, ForecastAppTools } from "../forecast/module.ts";
import { makeProgress, printRows, toJson } from "./output.ts";
import type { Output } from "./output.ts";
import type { Tools } from "./tools.ts";

export function moduleTools(tools: Tools): CommandTools {
  const { output } = tools;
  return {
    signal: tools.signal,
    open: async () => {
      const app = await tools.open();
      return { deps: app.classify.deps, workflows: app.workflows };
    },
    print: printer(output),
    exitWith: (code) => tools.exitWith(code),
  };
}

/** The command line as commands that open no app see it. */
export function forecastTools(tools: Tools): DirectTools {
  const { output, signal, version } = tools;
  return {
    signal,
    version,
    print: printer(output),
    progress: (title) => makeProgress(output, title),
    exitWith: (code) => tools.exitWith(code),
  };
}

/** The command line as commands see it that speak to an app. */
export function forecastAppTools(tools: Tools): ForecastAppTools {
  return {
    ...forecastTools(tools),
    open: async () => {
      const app = await tools.open();
      return { deps: app.forecast.deps, workflows: app.workflows };
    },
  };
}

function printer(output: Output): CommandTools["print"] {
  return {
    table: (rows, { json, empty }) => {
      const columns = Object.keys(rows[0] ?? {}).map((name) => ({ name, cell: (row: (typeof rows)[number]) => row[name] }));
      printRows(output, rows, columns, { json, none: empty });
    },
    json: (value) => output.print(toJson(value)),
    line: (text) => output.print(text),
    say: (text) => output.say(text),
  };
}

/** What the picture server is opened from. It reads its own settings: the rest of the app stays closed and unread. */
export function pictureWorld(tools: Tools, settings: Readonly<Record<string, string | undefined>> = {}): PictureWorld {
  return { ...tools.where(settings), otherSections: ["classify", "forecast"] };
}
