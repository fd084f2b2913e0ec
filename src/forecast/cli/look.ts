// `stockroom forecast look`: what a file holds and what a forecast would make of it. Nothing is written.

import { defineCommand, type Command, type CommandTools } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { usualHorizon } from "../workflows/intake/intake.ts";
import { blockOf } from "../workflows/intake/said.ts";
import { blockLines, commandOf, intakeFlags, lookAtFile, tellIntake } from "./intake.ts";
import { readingFlags } from "./input-flags.ts";

export const lookCommand = (tools: CommandTools): Command =>
  defineCommand({
    meta: {
      name: "look",
      description: `Show what a file of sales holds and how it would be forecast; nothing is written
Examples:
  stockroom forecast look sales.csv
  stockroom forecast look export.txt --date-format dd.mm.yyyy --where Country=Germany`,
    },
    args: {
      file: { type: "positional", required: true, description: "CSV, TSV, JSONL or Parquet, also gzip", valueHint: "FILE" },
      dimensions: { type: "string", description: "columns to forecast by, beside the item; none: the item alone", valueHint: "location" },
      frequency: { type: "string", default: "auto", description: "as in run", valueHint: "F" },
      ...readingFlags,
      ...intakeFlags,
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { file } = args;
      const intake = await lookAtFile(file, args, tools.signal);
      const { profile, proposal } = intake;
      const horizon = String(usualHorizon(profile, proposal.plan, args.frequency));
      const command = commandOf(file, intake, ["--horizon", horizon]);
      if (args.json) {
        const { sample, ...facts } = profile;
        tools.print.json({
          ...facts,
          first: sample.slice(0, 10),
          proposal,
          command,
          ...(proposal.questions.length > 0 ? {} : { intake: blockOf(intake.taken.plan, intake.taken.filter, intake.taken.hints) }),
        });
        return;
      }
      for (const line of tellIntake(intake)) tools.print.line(line);
      tools.print.line("");
      const names = profile.columns.map(({ name }) => name);
      tools.print.table(
        profile.sample.slice(0, 10).map((row) => Object.fromEntries(names.map((name, place) => [name, (row[place] ?? "").slice(0, 30)]))),
        { json: false, empty: "no rows" },
      );
      tools.print.line("");
      for (const { text, answers } of proposal.questions) tools.print.line(`question: ${text} Say ${answers.join(" or ")}.`);
      if (proposal.questions.length > 0) return;
      tools.print.line("in the settings of a group:");
      for (const line of blockLines(intake)) tools.print.line(`  ${line}`);
      tools.print.line(`to forecast: ${command}`);
    },
  });
