// rm: an object away.

import { defineCommand } from "../../platform/command/contract.ts";
import { operatorAtShell } from "../tools.ts";
import type { Tools } from "../tools.ts";

export const rmCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "rm", description: "Remove an object: it is hidden at once, its bytes go at the next sweep" },
    args: { key: { type: "positional", required: true, description: "The object" } },
    run: async ({ args }) => {
      await tools.ask(
        async ({ objects }) => await objects.remove(operatorAtShell("rm"), args.key),
        async (server) => await server.call("DELETE /objects/*", { params: { "*": args.key } }),
      );
      tools.print.line(`removed: ${args.key}`);
    },
  });
