// Root: the tree of all commands. Each is loaded when it is called or listed; what only its `run` needs, there.

import { modules } from "../modules.ts";
import type { AnyModule } from "../platform/module.ts";
import type { Command } from "../platform/command/contract.ts";
import type { Tools } from "./tools.ts";
import { formerWordsOf } from "./former-words.ts";
import { examplesOf, moduleTools } from "./module-tools.ts";

/** Makes the tree; nothing is opened until a command runs. */
export function makeRoot(tools: Tools, all: readonly AnyModule[] = modules): Command {
  const root: Command = {
    formerWords: formerWordsOf(all),
    meta: {
      name: "stockroom",
      description: `The back room of a retailer, with everything that needs to run unattended: ${all.map(({ name }) => name).join(", ")}
Start here: stockroom up --demo
Exit codes: 0 done, 1 fault, 2 wrong use or input, 3 partly done; 128 + n when signal n stopped it.`,
    },
    subCommands: {
      up: async () => (await import("./commands/up.ts")).upCommand(tools, all),
      init: async () => (await import("./commands/init.ts")).initCommand(tools),
      open: async () => (await import("./commands/open.ts")).openCommand(tools),
      worker: async () => (await import("./commands/up.ts")).workerCommand(tools, all),
      demo: async () => (await import("./commands/demo.ts")).demoCommand(tools),
      look: async () => (await import("./commands/look.ts")).lookCommand(tools, all),
      put: async () => (await import("./commands/put.ts")).putCommand(tools, examplesOf(all, "put")),
      get: async () => (await import("./commands/get.ts")).getCommand(tools, examplesOf(all, "get")),
      ls: async () => (await import("./commands/ls.ts")).lsCommand(tools),
      rm: async () => (await import("./commands/rm.ts")).rmCommand(tools),
      logs: async () => (await import("./commands/logs.ts")).logsCommand(tools),
      runs: async () => (await import("./commands/runs.ts")).runsCommand(tools),
      dead: async () => (await import("./commands/dead.ts")).deadCommand(tools),
      events: async () => (await import("./commands/events.ts")).eventsCommand(tools),
      notices: async () => (await import("./commands/notices.ts")).noticesCommand(tools),
      subscriptions: async () => (await import("./commands/subscriptions.ts")).subscriptionsCommand(tools),
      schedules: async () => (await import("./commands/schedules.ts")).schedulesCommand(tools),
      keys: async () => (await import("./commands/keys.ts")).keysCommand(tools),
      users: async () => (await import("./commands/users.ts")).usersCommand(tools),
      tokens: async () => (await import("./commands/tokens.ts")).tokensCommand(tools),
      sql: async () => (await import("./commands/sql.ts")).sqlCommand(tools, examplesOf(all, "sql")),
      config: async () => (await import("./commands/config.ts")).configCommand(tools),
      home: async () => (await import("./commands/home.ts")).homeCommand(tools),
      doctor: async () => (await import("./commands/doctor.ts")).doctorCommand(tools),
      publish: async () => (await import("./commands/publish.ts")).publishCommand(tools),
      scrub: async () => (await import("./commands/scrub.ts")).scrubCommand(tools),
      backup: async () => (await import("./commands/backup.ts")).backupCommand(tools),
      bench: async () => (await import("./commands/bench.ts")).benchCommand(tools),
      restore: async () => (await import("./commands/backup.ts")).restoreCommand(tools),
      completion: async () => (await import("./commands/completion.ts")).completionCommand(tools, () => root),
      ...Object.fromEntries(all.map((module) => [module.name, ofModule(tools, module, all)])),
      ...Object.fromEntries(
        all.flatMap((module) =>
          Object.entries(module.nouns ?? {}).map(([noun, own]) => [noun, async () => await own.make(moduleTools(tools, module, all))]),
        ),
      ),
    },
  };
  return root;
}

const ofModule = (tools: Tools, module: AnyModule, all: readonly AnyModule[]): Command => ({
  meta: { name: module.name, description: module.about },
  ...(module.forFiles === undefined ? {} : { forFiles: module.forFiles }),
  subCommands: async () => await module.commands(moduleTools(tools, module, all)),
});
