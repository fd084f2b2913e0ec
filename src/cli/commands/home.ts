// home: which home this is, and a person's word when it was copied or moved.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { Adoption, HomeStanding } from "../../platform/database/index.ts";
import type { Tools } from "../tools.ts";

const words: Readonly<Record<HomeStanding, string>> = {
  active: "the home that the database knows; schedules, notices and deliveries run",
  quiet: "a copy or a restored backup; schedules, notices and deliveries rest",
  copied: "a copy of a home that the database knows elsewhere; it takes no work until you say what it is",
};

export const homeCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "home", description: "Which home folder this is, and whether it is the one the database knows" },
    subCommands: { show: showCommand(tools), adopt: adoptCommand(tools) },
  });

const showCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "show", description: "Show the home's id and standing" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const { home, settings } = await tools.open();
      if (args.json) tools.print.json({ ...home, folder: settings.home });
      else tools.print.line(`${settings.home} (${home.id}): ${words[home.standing]}`);
    },
  });

const adoptCommand = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "adopt",
      description: `Say what a copied, moved or restored home is
Without a flag: it takes the place of the original, which must not work again.`,
    },
    args: {
      copy: { type: "boolean", description: "A copy beside the original: schedules, notices and deliveries rest" },
      beside: { type: "boolean", description: "One more machine on the same DATABASE_URL and store" },
    },
    run: async ({ args }) => {
      if (args.copy && args.beside) throw new StockroomError("input", "USAGE", "Expected one of --copy and --beside but received both.");
      const as: Adoption = args.copy ? "copy" : args.beside ? "beside" : "moved";
      const { database, settings } = await tools.open({ quiet: true });
      const { adoptHome } = await import("../../platform/database/index.ts");
      const home = await adoptHome(database, settings.home, as);
      tools.print.line(`${settings.home}: ${words[home.standing]}. It holds from the next start of \`up\` or \`worker\`.`);
    },
  });
