// mappings: how labelled files with columns of their own are read, by sender and key prefix: list, set, forget.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { usage } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { mappingRow, shownMapping } from "../../platform/mappings/fields.ts";
import { parseCondition } from "../../platform/intake/conditions.ts";
import { whereIn } from "../../platform/intake/said.ts";
import { isCountry, isScheme } from "../engine/lines.ts";
import { type CatalogueBlock, uploadTargets } from "../workflows/intake/said.ts";
import { answerFor, forgetFor, listKept } from "../workflows/kept.ts";
import { readingArgs, readingOf } from "./files.ts";
import { catalogueFlags, readCatalogueFlags } from "./intake.ts";
import type { ClassifyTools } from "./tools.ts";

const fileArg = {
  type: "positional",
  required: true,
  description: "a labelled file, or what its name begins with",
  valueHint: "GBR/june",
} as const;

export const mappingsCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "mappings", description: "how labelled files with columns of their own are read, by sender and key: list, set, forget" },
    subCommands: { list: listMappings(tools), set: setMapping(tools), forget: forgetMappings(tools) },
  });

const listMappings = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "list", description: "every mapping that is kept, or those of one file" },
    args: { file: { ...fileArg, required: false }, json: jsonFlag },
    run: async ({ args }) => {
      const { file } = args;
      const found = await tools.ask(
        async ({ deps }) => (await listKept(deps.database, file)).map(({ row, intake }) => shownMapping(row, intake)),
        async (server) => (await server.call("GET /api/classify/mappings", { query: { file } })).mappings,
      );
      if (args.json) {
        tools.print.json(found);
        return;
      }
      tools.print.table(
        found.map((row) => mappingRow(row, row.intake)),
        { json: false, empty: "No mapping is kept: every file named its schemes by its columns." },
      );
    },
  });

type Flags = Readonly<Record<string, unknown>>;

/** What the flags say, as a block. Throws `input` `USAGE`. */
function blockOfFlags(args: Flags): CatalogueBlock {
  const textOf = (name: string): string | undefined => {
    const value = args[name];
    return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
  };
  const { map = {}, level, categories, numbers, without } = readCatalogueFlags(args, uploadTargets);
  const [country, scheme, where] = [textOf("country"), textOf("scheme"), textOf("where")];
  if (country !== undefined && !isCountry(country)) throw usage("--country", "a country such as GBR", country);
  if (scheme !== undefined && !isScheme(scheme)) throw usage("--scheme", "letters, digits, dots, hyphens and underscores", scheme);
  const { encoding, decimal } = readingOf({ encoding: textOf("encoding"), decimal: textOf("decimal"), "max-bad": "1" });
  return {
    ...(Object.keys(map).length === 0 ? {} : { map }),
    ...(level === undefined ? {} : { labelLevel: level }),
    ...(categories === undefined ? {} : { categories }),
    ...(numbers === undefined ? {} : { numbers }),
    ...(without === undefined ? {} : { without }),
    ...(where === undefined ? {} : { where: whereIn(where.split(";").map(parseCondition)) }),
    ...(textOf("export") === undefined ? {} : { export: textOf("export") }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(decimal === undefined ? {} : { decimal }),
    ...(country === undefined ? {} : { country }),
    ...(scheme === undefined ? {} : { scheme }),
  };
}

const setMapping = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: {
      name: "set",
      description: `say how the labelled files of one name are read that come from the sender of the newest one
Examples:
  stockroom classify mappings set GBR/june --map "Title=text,Type=label"
  stockroom classify mappings set catalogue --country DEU --scheme DEU-SHOP
The run that asked goes on; a file that was read already is read anew and trained on again.`,
    },
    args: {
      file: fileArg,
      ...catalogueFlags,
      map: { type: "string", description: `what columns are: ${uploadTargets.join(", ")}`, valueHint: "Title=text,Type=label" },
      categories: { type: "string", description: "columns of few values to learn from; none: no such column", valueHint: "a,b" },
      numbers: { type: "string", description: "columns of numbers to learn from", valueHint: "a,b" },
      where: { type: "string", description: "rows that count; several conditions with semicolons", valueHint: "COLUMN=VALUE" },
      country: { type: "string", description: "of all rows, where neither the key nor a column tells it", valueHint: "GBR" },
      scheme: { type: "string", description: "the rule book that the codes are of", valueHint: "NAME" },
      encoding: readingArgs.encoding,
      decimal: readingArgs.decimal,
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const block = blockOfFlags(args);
      if (Object.keys(block).length === 0) {
        throw new StockroomError(
          "input",
          "USAGE",
          "Expected flags that say how the file is read, such as --map Type=label, but there is none. Give one.",
        );
      }
      const { file } = args;
      const { place, key, goesOn } = await tools.ask(
        async ({ deps, workflows }) => await answerFor(deps, workflows, file, block),
        async (server) => {
          const answer = await server.call("PUT /api/classify/mappings", { body: { file, intake: { ...block } } });
          return { place: { module: "classify", sender: answer.sender, prefix: answer.prefix }, key: answer.key, goesOn: answer.goesOn };
        },
      );
      if (args.json) tools.print.json({ ...place, key, intake: block, goesOn });
      else
        tools.print.line(
          `files ${place.prefix} from ${place.sender} are read so${goesOn ? `; ${key} is looked at now` : ", from the next one on"}`,
        );
    },
  });

const forgetMappings = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "forget", description: "forget how files of one name are read: the next one is looked at anew" },
    args: {
      file: fileArg,
      sender: { type: "string", description: "only files of this sender", valueHint: "inbox" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { file, sender } = args;
      const { forgotten, goesOn } = await tools.ask(
        async ({ deps, workflows }) => await forgetFor(deps, workflows, file, sender),
        async (server) => await server.call("DELETE /api/classify/mappings", { query: { file, sender } }),
      );
      if (args.json) tools.print.json({ forgotten, goesOn });
      else tools.print.line(`forgotten: ${forgotten}${goesOn ? "; what asked about it is looked at now" : ""}`);
    },
  });
