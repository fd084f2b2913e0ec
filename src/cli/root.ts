// Root: the tree of all verbs. A wing's verbs are loaded when they are called, so that `stockroom --help` stays quick.

import type { Verb } from "./command.ts";
import type { Tools } from "./tools.ts";
import { forecastHouseTools, forecastTools, pictureWorld, wingTools } from "./wing-tools.ts";
import { configVerb } from "./verbs/config.ts";
import { doctorVerb } from "./verbs/doctor.ts";
import { homeVerb } from "./verbs/home.ts";
import { keysVerb } from "./verbs/keys.ts";
import { getVerb, lsVerb, putVerb, rmVerb } from "./verbs/objects.ts";
import { deadVerb, eventsVerb, noticesVerb, runsVerb, scheduleVerb } from "./verbs/runs.ts";
import { scrubVerb } from "./verbs/scrub.ts";
import { sqlVerb } from "./verbs/sql.ts";

/** Makes the tree; nothing is opened until a verb runs. */
export function makeRoot(tools: Tools): Verb {
  return {
    meta: {
      name: "stockroom",
      description: `The back room of a retailer: classify every item, with everything that needs to run unattended
Start here: stockroom up --demo
Exit codes: 0 done, 1 fault, 2 wrong use or input, 3 partly done; 128 + n when signal n stopped it.`,
    },
    subCommands: {
      up: async () => (await import("./verbs/up.ts")).upVerb(tools),
      worker: async () => (await import("./verbs/up.ts")).workerVerb(tools),
      demo: async () => (await import("./verbs/demo.ts")).demoVerb(tools),
      put: putVerb(tools),
      get: getVerb(tools),
      ls: lsVerb(tools),
      rm: rmVerb(tools),
      runs: runsVerb(tools),
      dead: deadVerb(tools),
      events: eventsVerb(tools),
      notices: noticesVerb(tools),
      schedule: scheduleVerb(tools),
      keys: keysVerb(tools),
      sql: sqlVerb(tools),
      config: configVerb(tools),
      home: homeVerb(tools),
      doctor: doctorVerb(tools),
      scrub: scrubVerb(tools),
      backup: async () => (await import("./verbs/backup.ts")).backupVerb(tools),
      bench: async () => (await import("./verbs/bench.ts")).benchVerb(tools),
      restore: async () => (await import("./verbs/backup.ts")).restoreVerb(tools),
      classify: {
        meta: { name: "classify", description: "Codes for items: models, runs, verdicts, reviews, reports" },
        subCommands: async () => {
          const wing = await import("../classify/index.ts");
          const wingsOwn = wingTools(tools);
          return { ...wing.makeEngineVerbs(wingsOwn), ...wing.makeHouseVerbs(wingsOwn) };
        },
      },
      forecast: {
        meta: { name: "forecast", description: "Demand: forecasts, backtests, accuracy, what-ifs, orders, planners and the way into SAP" },
        subCommands: async () => {
          const wing = await import("../forecast/index.ts");
          return { ...wing.makeDirectVerbs(forecastTools(tools)), ...wing.makeHouseVerbs(forecastHouseTools(tools)) };
        },
      },
      images: {
        meta: { name: "images", description: "Pictures: what a URL means, and how to build and sign one" },
        subCommands: async () =>
          (await import("../images/index.ts")).makeImageVerbs({
            world: () => pictureWorld(tools),
            print: (text) => tools.output.print(text),
          }),
      },
    },
  };
}
