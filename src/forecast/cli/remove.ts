// remove: a dataset group with what its runs kept for themselves.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { removeGroup } from "../workflows/pipeline/remove.ts";
import { type ForecastTools } from "./app-tools.ts";

const removeCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: {
      name: "remove",
      description: `Remove a dataset group: its files and what its runs kept for themselves go, its exports stay
A file that is put again makes it a group again.`,
    },
    args: { group: { type: "positional", required: true, description: "a dataset group" }, json: jsonFlag },
    run: async ({ args }) => {
      const removed = await tools.ask(
        async ({ deps, workflows }) => await removeGroup(deps, workflows, args.group, "cli forecast remove"),
        async (server) => await server.call("DELETE /api/forecast/groups/:id", { params: { id: args.group } }),
      );
      if (args.json) tools.print.json(removed);
      else tools.print.line(`removed: ${removed.group} (${removed.files} files, ${removed.pieces} pieces of its runs)`);
    },
  });

export const groupsCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "groups", description: "Dataset groups: remove one; `stockroom forecasts list` lists them" },
    subCommands: { remove: removeCommand(tools) },
  });
