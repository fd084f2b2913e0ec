// Root: the tree of all commands. A module's commands are loaded when they are called, so that `stockroom --help` stays quick.

import type { Command } from "../platform/command/contract.ts";
import type { Tools } from "./tools.ts";
import { pictureWorld, toolsOf } from "./module-tools.ts";
import { configCommand } from "./commands/config.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { homeCommand } from "./commands/home.ts";
import { keysCommand } from "./commands/keys.ts";
import { getCommand, lsCommand, putCommand, rmCommand } from "./commands/objects.ts";
import { deadCommand, eventsCommand, noticesCommand, runsCommand, scheduleCommand } from "./commands/runs.ts";
import { scrubCommand } from "./commands/scrub.ts";
import { sqlCommand } from "./commands/sql.ts";

/** Makes the tree; nothing is opened until a command runs. */
export function makeRoot(tools: Tools): Command {
  return {
    meta: {
      name: "stockroom",
      description: `The back room of a retailer: classify every item, with everything that needs to run unattended
Start here: stockroom up --demo
Exit codes: 0 done, 1 fault, 2 wrong use or input, 3 partly done; 128 + n when signal n stopped it.`,
    },
    subCommands: {
      up: async () => (await import("./commands/up.ts")).upCommand(tools),
      worker: async () => (await import("./commands/up.ts")).workerCommand(tools),
      demo: async () => (await import("./commands/demo.ts")).demoCommand(tools),
      put: putCommand(tools),
      get: getCommand(tools),
      ls: lsCommand(tools),
      rm: rmCommand(tools),
      runs: runsCommand(tools),
      dead: deadCommand(tools),
      events: eventsCommand(tools),
      notices: noticesCommand(tools),
      schedule: scheduleCommand(tools),
      keys: keysCommand(tools),
      sql: sqlCommand(tools),
      config: configCommand(tools),
      home: homeCommand(tools),
      doctor: doctorCommand(tools),
      scrub: scrubCommand(tools),
      backup: async () => (await import("./commands/backup.ts")).backupCommand(tools),
      bench: async () => (await import("./commands/bench.ts")).benchCommand(tools),
      restore: async () => (await import("./commands/backup.ts")).restoreCommand(tools),
      classify: {
        meta: { name: "classify", description: "Codes for items: models, runs, verdicts, reviews, reports" },
        subCommands: async () => {
          const module = await import("../classify/module.ts");
          return {
            ...module.makeEngineCommands(tools),
            ...module.makeAppCommands(toolsOf(tools, ({ classify, workflows }) => ({ deps: classify.deps, workflows }))),
          };
        },
      },
      forecast: {
        meta: { name: "forecast", description: "Demand: forecasts, backtests, accuracy, what-ifs, orders, planners and the way into SAP" },
        subCommands: async () => {
          const module = await import("../forecast/module.ts");
          return {
            ...module.makeDirectCommands(tools),
            ...module.makeAppCommands(toolsOf(tools, ({ forecast, workflows }) => ({ deps: forecast.deps, workflows }))),
          };
        },
      },
      images: {
        meta: { name: "images", description: "Pictures: what a URL means, and how to build and sign one" },
        subCommands: async () => (await import("../images/module.ts")).makeImageCommands({ ...tools, world: () => pictureWorld(tools) }),
      },
    },
  };
}
