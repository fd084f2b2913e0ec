// show: one forecast, its inputs, figures and exports, and what was asked of it.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag, watchFlag } from "../../platform/command/flags.ts";
import { findFinished } from "../workflows/planning/stored.ts";
import { listAdjustments } from "../store/adjustments.ts";
import { listAnswers } from "../store/answers.ts";
import { type ForecastTools } from "./app-tools.ts";
import { understoodIn } from "../workflows/views/understood.ts";
import type { ObjectRef } from "../store/keys.ts";
import { adjustmentsThere } from "./adjustments.ts";
import { word, warningsIn, rowOf } from "./forecast-row.ts";
import { finishedThere, scenariosThere } from "./there.ts";

export const showCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "show", description: "One forecast: its inputs, its figures, its exports, what was asked of it" },
    args: { forecast: word, json: jsonFlag, watch: watchFlag },
    run: async ({ args }) => {
      const { run, answers, adjustments } = await tools.ask(
        async ({ deps: { database } }) => {
          const found = await findFinished(database, args.forecast);
          return {
            run: found,
            answers: await listAnswers(database, { run: found.id }),
            adjustments: await listAdjustments(database, { group: found.group, standing: true }),
          };
        },
        async (server) => {
          const found = await finishedThere(server, args.forecast);
          return {
            run: found,
            answers: await scenariosThere(server, { run: found.id }, 100),
            adjustments: await adjustmentsThere(server, { group: found.group, standing: true }),
          };
        },
      );
      if (args.json) {
        tools.print.json({ ...run, adjustments, asked: answers });
        return;
      }
      const { print } = tools;
      print.table([rowOf(run)], { json: false, empty: "" });
      for (const warning of warningsIn(run)) print.line(`warning: ${warning}`);
      for (const { file, by, lines } of understoodIn(run)) {
        print.line(`${file} was looked at, as it has other columns (read by ${by}):`);
        for (const line of lines) print.line(`  ${line}`);
      }
      for (const [kind, input] of Object.entries(run.inputs))
        if (input !== undefined) print.line(`${kind}: ${input.key} (${input.version})`);
      const files = Object.entries<ObjectRef>(run.exports)
        .filter(([name]) => !name.startsWith("aggregated/"))
        .toSorted(([a], [b]) => (a < b ? -1 : 1));
      const months = Object.keys(run.exports).length - files.length;
      for (const [name, ref] of files) print.line(`${name}: ${ref.key} (${ref.version})`);
      if (months > 0) print.line(`aggregated: ${months} months, for \`stockroom sql\``);
      if (adjustments.length > 0)
        print.line(`${adjustments.length} adjustments of ${run.group} stand; \`stockroom forecast adjustments list ${run.group}\``);
      print.table(
        answers.map(({ id, kind, title, author, at }) => ({ asked: id, kind, title, author, at })),
        { json: false, empty: "Nothing was asked of it yet." },
      );
    },
  });
