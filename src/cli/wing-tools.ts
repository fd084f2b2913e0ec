// Wing tools: the command line as a wing's verbs see it.

import type { VerbTools } from "../classify/index.ts";
import type { PictureWorld } from "../images/index.ts";
import type { DirectTools, ForecastHouseTools } from "../forecast/index.ts";
import { makeProgress, printRows, toJson } from "./output.ts";
import type { Output } from "./output.ts";
import type { Tools } from "./tools.ts";

export function wingTools(tools: Tools): VerbTools {
  const { output } = tools;
  return {
    signal: tools.signal,
    open: async () => {
      const house = await tools.open();
      return { parts: house.classify.parts, workflows: house.workflows };
    },
    print: printer(output),
    exitWith: (code) => tools.exitWith(code),
  };
}

/** The command line as verbs that open no house see it. */
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

/** The command line as verbs see it that speak to a house. */
export function forecastHouseTools(tools: Tools): ForecastHouseTools {
  return {
    ...forecastTools(tools),
    open: async () => {
      const house = await tools.open();
      return { parts: house.forecast.parts, workflows: house.workflows };
    },
  };
}

function printer(output: Output): VerbTools["print"] {
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

/** What the picture server is opened from. It reads its own settings: the rest of the house stays closed and unread. */
export function pictureWorld(tools: Tools, settings: Readonly<Record<string, string | undefined>> = {}): PictureWorld {
  return { ...tools.where(settings), otherSections: ["classify", "forecast"] };
}
