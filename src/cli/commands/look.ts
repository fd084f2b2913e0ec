// `stockroom look`: what a file holds, and what each system could make of it. Nothing is written, nothing opened but the file.

import path from "node:path";
import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import type { ColumnProfile } from "../../platform/intake/profile.ts";
import type { AnyModule } from "../../platform/module.ts";
import type { Tools } from "../tools.ts";

const date = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(0, 10);

/** The values of a column in a few words. */
function rangeOf({ date: found, span, number, examples }: ColumnProfile): string {
  if (span !== undefined)
    return `${date(span[0])} to ${date(span[1])}, as ${found?.style.id ?? ""}${found?.rival === undefined ? "" : ` or ${found.rival.id}`}`;
  if (number !== undefined) return `${number.least} to ${number.most}${number.whole ? ", whole" : ""}`;
  return examples.slice(0, 3).join(", ");
}

export const lookCommand = (tools: Tools, modules: readonly AnyModule[]): Command =>
  defineCommand({
    meta: {
      name: "look",
      description: `Show what a file holds and what could be made of it; nothing is written
Examples:
  stockroom look sales.csv
  stockroom look products.xlsx --json`,
    },
    args: {
      file: {
        type: "positional",
        required: true,
        description: "CSV, TSV, JSONL, Parquet or Excel, also gzip or the one file of a ZIP archive",
      },
      encoding: { type: "string", description: "of text; absent: found", valueHint: "latin1" },
      decimal: { type: "string", description: "decimal sign of numbers; absent: found", valueHint: "," },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { checkEncoding, fileBody, parseDecimalSign } = await import("../../platform/formats/index.ts");
      const [{ describeFile }, { profileFile }] = await Promise.all([
        import("../../platform/intake/describe.ts"),
        import("../../platform/intake/profile.ts"),
      ]);
      const { print, signal } = tools;
      const encoding = args.encoding === undefined ? undefined : checkEncoding(args.encoding);
      const name = path.relative("", path.resolve(args.file));
      const profile = await profileFile(
        { name, open: () => fileBody(args.file, signal) },
        { encoding, decimal: parseDecimalSign(args.decimal), signal },
      );
      const advice: Record<string, readonly string[]> = {};
      for (const module of modules) {
        const lines = await module.look?.(profile);
        if (lines !== undefined && lines.length > 0) advice[module.name] = lines;
      }
      const { sample, columns, rows } = profile;
      if (args.json) {
        print.json({ ...profile, sample: undefined, first: sample.slice(0, 10), advice });
        return;
      }
      for (const line of describeFile(profile)) print.line(line);
      print.line("");
      print.table(
        columns.map((column) => ({
          column: column.name,
          kind: column.kind,
          missing: rows === 0 ? "" : `${Math.round((1 - column.filled / rows) * 100)} %`,
          different: column.many ? `over ${column.distinct}` : column.distinct,
          values: rangeOf(column),
        })),
        { json: false, empty: "no columns" },
      );
      print.line("");
      print.table(
        sample
          .slice(0, 10)
          .map((row) => Object.fromEntries(columns.map((column, place) => [column.name, (row[place] ?? "").slice(0, 30)]))),
        { json: false, empty: "no rows" },
      );
      for (const [module, lines] of Object.entries(advice)) {
        print.line("");
        print.line(`${module}:`);
        for (const line of lines) print.line(`  ${line}`);
      }
    },
  });
