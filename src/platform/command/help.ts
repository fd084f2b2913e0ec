// Help: what a command says of itself, from its declaration. The first line of a description is its summary; the rest is shown here only.
//
// citty's own usage neither wraps to the terminal nor knows the flags of every command, and lists whole descriptions where summaries belong.

import type { ArgDef } from "citty";
import type { Command } from "./contract.ts";
import { argsOf, childrenOf, descriptionOf, resolve } from "./declared.ts";
import { everywhere, kebab } from "./parse.ts";
import type { Call } from "./parse.ts";

/** Help of one command, for a terminal of so many columns. */
export async function renderHelp(call: Pick<Call, "path" | "command">, columns: number): Promise<string> {
  const name = ["stockroom", ...call.path].join(" ");
  const args = Object.entries(await argsOf(call.command));
  const children = Object.entries(await childrenOf(call.command));
  const positionals = args.filter(([, def]) => def.type === "positional");
  const words = positionals.map(([word, def]) => (isRequired(def) ? word.toUpperCase() : `[${word.toUpperCase()}]`));
  const commands = children.length === 0 ? [] : [call.command.run === undefined ? "COMMAND" : "[COMMAND]"];
  const [summary = "", ...more] = (await descriptionOf(call.command)).split("\n");
  const summaries = await Promise.all(
    children.map(async ([command, child]) => {
      const description = await descriptionOf((await resolve<Command>(child)) ?? {});
      return [command, description.split("\n", 1)[0] ?? ""] as const;
    }),
  );
  const flags = (list: readonly (readonly [string, ArgDef])[]) =>
    list.map(([flag, def]) => [flagLabel(flag, def), describeArg(def)] as const);
  const sections: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
    ["Arguments", positionals.map(([word, def]) => [word.toUpperCase(), describeArg(def)])],
    ["Commands", summaries],
    ["Options", flags(args.filter(([, def]) => def.type !== "positional"))],
    ["Everywhere", flags(Object.entries(everywhere))],
  ];
  return [
    `${summary}\n`,
    `Usage: ${[name, ...commands, ...words, "[OPTIONS]"].join(" ")}\n`,
    ...(more.length > 0 ? [`${more.join("\n").trim()}\n`] : []),
    ...sections.flatMap(([heading, rows]) => (rows.length === 0 ? [] : [section(heading, rows, columns)])),
    ...(children.length > 0 ? [`More on one of them: ${name} COMMAND --help\n`] : []),
  ].join("\n");
}

function section(heading: string, rows: readonly (readonly [string, string])[], columns: number): string {
  const width = Math.min(34, Math.max(...rows.map(([label]) => label.length)));
  const indent = " ".repeat(width + 4);
  const lines = rows.map(([label, text]) => {
    const wrapped = wrap(text, Math.max(30, columns - width - 4)).join(`\n${indent}`);
    return label.length > width ? `  ${label}\n${indent}${wrapped}` : `  ${label.padEnd(width)}  ${wrapped}`;
  });
  return `${heading}:\n${lines.join("\n")}\n`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

const isRequired = (def: ArgDef): boolean => def.required !== false && def.default === undefined;

export function flagLabel(name: string, def: ArgDef): string {
  const aliases = "alias" in def && def.alias !== undefined ? [def.alias].flat() : [];
  const names = [...aliases.map((alias) => (alias.length === 1 ? `-${alias}` : `--${alias}`)), `--${kebab(name)}`].join(", ");
  if (def.type === "boolean") return names;
  const values = def.type === "enum" && def.options !== undefined ? def.options.join("|") : (def.valueHint ?? kebab(name)).toUpperCase();
  return `${names} ${values}`;
}

export function describeArg(def: ArgDef): string {
  const preset = def.default === undefined || def.default === false ? "" : ` (default ${String(def.default)})`;
  const required = def.type !== "positional" && def.required === true ? " (required)" : "";
  return `${def.description ?? ""}${required}${preset}`;
}
