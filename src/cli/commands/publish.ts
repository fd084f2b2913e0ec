// publish: tables into the databases that dashboards read, now; the same that happens after each change by itself.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { counted } from "../../platform/figures.ts";
import { publishActor, publishTo } from "../../platform/publish/publish.ts";
import { tablesOf } from "../../platform/publish/tables.ts";
import type { Tools } from "../tools.ts";

export const publishCommand = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "publish",
      description: `Write tables into a database that dashboards read
Targets and their tables stand in the settings, under publish.targets. What is there already is not written again.
Without a TARGET, all of them.`,
    },
    args: {
      target: { type: "positional", required: false, description: "A name of publish.targets" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const app = await tools.open();
      const { settings, lake, modules } = app;
      const names = args.target === undefined ? Object.keys(settings.publish.targets) : [args.target];
      if (names.length === 0) tools.print.say("The settings name no target: see publish.targets in docs/how-to/publish.md.");
      const progress = tools.progress("publishing");
      const parts = { settings: settings.publish, lake, tables: async () => await tablesOf(modules, publishActor) };
      const all = [];
      for (const name of names) {
        const published = await publishTo(parts, name, {
          signal: tools.signal,
          onRows: (table, rows) => progress.update(rows, rows, table),
        });
        all.push(...published.map((one) => ({ target: name, ...one })));
      }
      progress.end();
      if (args.json) tools.print.json(all);
      else
        for (const { target, table, rows, isNew } of all)
          tools.print.line(`${target}  ${table}  ${counted(rows, "row")}${isNew ? "" : ", as before"}`);
    },
  });
