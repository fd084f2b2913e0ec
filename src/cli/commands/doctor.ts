// doctor: looks at everything the app stands on and says what to do about each thing that is not well. It opens no app: it starts no
// server, makes no folder, no table and no key, and reads in transactions that cannot write.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { printable } from "../../platform/command/output.ts";
import type { Tools } from "../tools.ts";

export const doctorCommand = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "doctor",
      description: `Look at everything and say what to do about what is not well
It changes nothing: findings are ok, warn or fail. Exit code 1 if something fails. What only the database knows it sees while that runs.`,
    },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const { examine } = await import("../doctor/examine.ts");
      const findings = await examine(tools);
      if (args.json) tools.print.json(findings);
      else for (const { what, state, words } of findings) tools.print.line(`${state.padEnd(4)}  ${what.padEnd(12)}  ${printable(words)}`);
      if (findings.some(({ state }) => state === "fail")) tools.exitWith(1);
    },
  });
