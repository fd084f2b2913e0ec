// scrub: reads every byte of the store now; the same that the schedule does by itself.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { printable } from "../../platform/command/output.ts";
import { bytesText } from "../../platform/figures.ts";
import type { Tools } from "../tools.ts";

export const scrubCommand = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "scrub",
      description: `Read every byte of every object and say which are damaged
It goes on where the last one stopped, at the pace of upkeep.scrubBytesPerSecond. Exit code 1 if an object is damaged.`,
    },
    args: {
      pace: { type: "string", description: "Bytes a second instead of the setting's, e.g. 200 MB", valueHint: "bytes" },
      afresh: { type: "boolean", description: "Begin at the beginning" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { listDamage, scrub, scrubActor } = await import("../../platform/maintenance/maintenance.ts");
      const { database, objects, settings } = await tools.open({ settings: { "upkeep.scrubBytesPerSecond": args.pace } });
      const { scrubBytesPerSecond: bytesPerSecond } = settings.upkeep;
      const progress = await scrub({ database, objects }, { actor: scrubActor, bytesPerSecond, afresh: args.afresh, signal: tools.signal });
      const damage = await listDamage(database);
      if (args.json) tools.print.json({ ...progress, damage });
      else {
        for (const { key, version, code } of damage) tools.print.line(printable(`${code}  ${key}  version ${version}`));
        tools.print.line(`read ${progress.objects} objects, ${bytesText(progress.bytes)}; ${damage.length} damaged`);
      }
      if (damage.length > 0) tools.exitWith(1);
    },
  });
