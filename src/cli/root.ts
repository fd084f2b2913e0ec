// Root: the tree of all commands. A module's commands are loaded when they are called, so that `stockroom --help` stays quick.

import { modules } from "../modules.ts";
import type { AnyModule } from "../platform/module.ts";
import type { Command } from "../platform/command/contract.ts";
import type { Tools } from "./tools.ts";
import { examplesOf, moduleTools } from "./module-tools.ts";
import { configCommand } from "./commands/config.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { homeCommand } from "./commands/home.ts";
import { keysCommand } from "./commands/keys.ts";
import { deadCommand } from "./commands/dead.ts";
import { eventsCommand } from "./commands/events.ts";
import { getCommand } from "./commands/get.ts";
import { lsCommand } from "./commands/ls.ts";
import { noticesCommand } from "./commands/notices.ts";
import { putCommand } from "./commands/put.ts";
import { rmCommand } from "./commands/rm.ts";
import { runsCommand } from "./commands/runs.ts";
import { scheduleCommand } from "./commands/schedule.ts";
import { publishCommand } from "./commands/publish.ts";
import { scrubCommand } from "./commands/scrub.ts";
import { sqlCommand } from "./commands/sql.ts";

/** Makes the tree; nothing is opened until a command runs. */
export function makeRoot(tools: Tools, all: readonly AnyModule[] = modules): Command {
  return {
    meta: {
      name: "stockroom",
      description: `The back room of a retailer, with everything that needs to run unattended: ${all.map(({ name }) => name).join(", ")}
Start here: stockroom up --demo
Exit codes: 0 done, 1 fault, 2 wrong use or input, 3 partly done; 128 + n when signal n stopped it.`,
    },
    subCommands: {
      up: async () => (await import("./commands/up.ts")).upCommand(tools, all),
      worker: async () => (await import("./commands/up.ts")).workerCommand(tools, all),
      demo: async () => (await import("./commands/demo.ts")).demoCommand(tools),
      look: async () => (await import("./commands/look.ts")).lookCommand(tools, all),
      put: putCommand(tools, examplesOf(all, "put")),
      get: getCommand(tools, examplesOf(all, "get")),
      ls: lsCommand(tools),
      rm: rmCommand(tools),
      runs: runsCommand(tools),
      dead: deadCommand(tools),
      events: eventsCommand(tools),
      notices: noticesCommand(tools),
      schedule: scheduleCommand(tools),
      keys: keysCommand(tools),
      users: async () => (await import("./commands/users.ts")).usersCommand(tools),
      tokens: async () => (await import("./commands/tokens.ts")).tokensCommand(tools),
      sql: sqlCommand(tools, examplesOf(all, "sql")),
      config: configCommand(tools),
      home: homeCommand(tools),
      doctor: doctorCommand(tools),
      publish: publishCommand(tools),
      scrub: scrubCommand(tools),
      backup: async () => (await import("./commands/backup.ts")).backupCommand(tools),
      bench: async () => (await import("./commands/bench.ts")).benchCommand(tools),
      restore: async () => (await import("./commands/backup.ts")).restoreCommand(tools),
      ...Object.fromEntries(all.map((module) => [module.name, ofModule(tools, module, all)])),
    },
  };
}

const ofModule = (tools: Tools, module: AnyModule, all: readonly AnyModule[]): Command => ({
  meta: { name: module.name, description: module.about },
  ...(module.forFiles === undefined ? {} : { forFiles: module.forFiles }),
  subCommands: async () => await module.commands(moduleTools(tools, module, all)),
});
