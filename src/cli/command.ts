// Command: from words on the command line to one command with its arguments; every unknown word is an error with a suggestion.
//
// Owns: the walk down the tree of commands, the flags every command has, help. Does not own: what commands do.
//   C1. A flag or a command that is not declared never passes: citty alone would ignore it in silence.
//   C2. Help comes from the same declarations that parsing reads, so that it cannot be out of date.

import { stripVTControlCharacters } from "node:util";
import { parseArgs } from "citty";
import type { ArgDef, ArgsDef, CommandDef } from "citty";
import { StockroomError } from "../platform/errors.ts";

/** A command of any shape. */
// oxlint-disable-next-line typescript/no-explicit-any -- citty's tree holds commands with arguments of every type; `any` is how its own types say so.
export type Command = CommandDef<any>;

/** Flags that every command understands, wherever they stand. */
export const everywhere = {
  home: { type: "string", description: "Folder of the database, the store and the keys (STOCKROOM_HOME)", valueHint: "folder" },
  config: { type: "string", description: "Settings file (default: stockroom.yaml here or in the home folder)", valueHint: "file" },
  debug: { type: "boolean", description: "Tell everything: debug log and stack traces" },
  help: { type: "boolean", alias: "h", description: "Show this help" },
} as const satisfies ArgsDef;

export interface GlobalFlags {
  readonly home: string | undefined;
  readonly config: string | undefined;
  readonly debug: boolean;
  readonly help: boolean;
}

/** What a command line asks for. */
export interface Call {
  /** Names from the root: `["runs", "show"]`. */
  readonly path: readonly string[];
  readonly command: Command;
  /** What is left for the command itself. */
  readonly rawArgs: readonly string[];
  readonly flags: GlobalFlags;
}

/** Walks down `root` along `argv`. Throws `input` `USAGE` for a word that nothing declares. */
export async function findCall(root: Command, argv: readonly string[]): Promise<Call> {
  const path: string[] = [];
  const flags = { home: undefined as string | undefined, config: undefined as string | undefined, debug: false, help: false };
  let command = root;
  let args = await argsOf(command);
  const rest: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    if (word === "--") {
      rest.push(...argv.slice(i));
      break;
    }
    const flag = word.startsWith("-") && word !== "-" ? readFlag(word) : undefined;
    if (flag !== undefined && findFlag(args, flag.name) === undefined) {
      const global = findFlag(everywhere, flag.name);
      if (global !== undefined) {
        if (global.name === "debug" || global.name === "help") flags[global.name] = !flag.name.startsWith("no-") && flag.value !== "false";
        if (global.name === "home" || global.name === "config") flags[global.name] = flag.value ?? valueAfter(argv, i++, word);
        continue;
      }
    }
    if (flag !== undefined) {
      rest.push(word);
      const own = findFlag(args, flag.name);
      if (own === undefined) throw unknownWord("option", word, path, flagNames(args));
      if (own !== undefined && own.def.type !== "boolean" && flag.value === undefined && i + 1 < argv.length) rest.push(argv[++i] ?? "");
      continue;
    }
    const children = rest.some((given) => !given.startsWith("-")) ? {} : await childrenOf(command);
    if (Object.keys(children).length === 0) {
      rest.push(word);
      continue;
    }
    const child = children[word];
    if (child === undefined) {
      if (Object.values(args).some((def) => def.type === "positional")) {
        rest.push(word);
        continue;
      }
      throw unknownWord("command", word, path, Object.keys(children));
    }
    if (rest.length > 0) throw unknownWord("option", rest[0] ?? "", path, flagNames(args));
    path.push(word);
    command = (await resolve<Command>(child)) ?? {};
    args = await argsOf(command);
  }
  return { path, command, rawArgs: rest, flags };
}

/** Checks the command's own words against its declaration; throws `input` `USAGE`. */
export async function checkArgs(call: Call): Promise<void> {
  const args = await argsOf(call.command);
  const positionals = Object.entries(args).filter(([, def]) => def.type === "positional");
  let words = 0;
  for (let i = 0; i < call.rawArgs.length; i++) {
    const word = call.rawArgs[i] ?? "";
    if (word === "--") {
      words += call.rawArgs.length - i - 1;
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      words += 1;
      continue;
    }
    const { name, value } = readFlag(word);
    const found = findFlag(args, name);
    if (found === undefined) throw unknownWord("option", word, call.path, flagNames(args));
    if (found.def.type === "boolean") {
      if (value !== undefined && value !== "true" && value !== "false")
        throw usage(`--${found.name} takes no value but "${value}" came`, call.path);
    } else if (value === undefined) {
      valueAfter(call.rawArgs, i++, word, call.path);
    } else if (value === "") {
      throw usage(`${word.replace(/=$/, "")} wants a value but there is none`, call.path);
    }
  }
  const takesMore = positionals.at(-1)?.[1].valueHint?.endsWith("...") ?? false;
  if (words > positionals.length && !takesMore) {
    const expected = positionals.length === 0 ? "no further words" : positionals.map(([name]) => name.toUpperCase()).join(" ");
    throw usage(`expected ${expected} but ${words} came`, call.path);
  }
  try {
    parseArgs([...call.rawArgs], args);
  } catch (error) {
    throw usage(error instanceof Error ? plainText(error.message) : String(error), call.path);
  }
}

/** citty colours its messages; ours are plain. */
const plainText = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/^./, (first) => first.toLowerCase())
    .replace(/\.$/, "");

interface Flag {
  readonly name: string;
  readonly value: string | undefined;
}

function readFlag(word: string): Flag {
  const at = word.indexOf("=");
  const name = (at < 0 ? word : word.slice(0, at)).replace(/^-{1,2}/, "");
  return { name, value: at < 0 ? undefined : word.slice(at + 1) };
}

/** A declared flag under its name, its kebab-case form, an alias, or as `no-` of a boolean. */
function findFlag(args: ArgsDef, given: string): { readonly name: string; readonly def: ArgDef } | undefined {
  for (const [name, def] of Object.entries(args)) {
    if (def.type === "positional") continue;
    const aliases = "alias" in def && def.alias !== undefined ? [def.alias].flat() : [];
    const names = [name, kebab(name), ...aliases];
    if (names.includes(given) || (def.type === "boolean" && given.startsWith("no-") && names.includes(given.slice(3))))
      return { name, def };
  }
  return undefined;
}

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function flagNames(args: ArgsDef): string[] {
  return [...Object.entries(args), ...Object.entries(everywhere)]
    .filter(([, def]) => def.type !== "positional")
    .map(([name]) => `--${kebab(name)}`);
}

function valueAfter(words: readonly string[], at: number, flag: string, path: readonly string[] = []): string {
  const value = words[at + 1];
  if (value !== undefined && !/^--[a-z]/.test(value)) return value;
  throw usage(`${flag} wants a value but there is none`, path);
}

function unknownWord(what: "command" | "option", word: string, path: readonly string[], known: readonly string[]): StockroomError {
  const shown = word.replace(/=.*$/s, "");
  const near = nearest(shown, known);
  const place = path.length === 0 ? "stockroom" : `stockroom ${path.join(" ")}`;
  const hint = near === undefined ? `See: ${place} --help` : `Did you mean ${near}? See: ${place} --help`;
  return new StockroomError(
    "input",
    "USAGE",
    `Expected ${what === "command" ? "a command" : "an option"} of \`${place}\` but "${shown}" is none. ${hint}`,
  );
}

function usage(problem: string, path: readonly string[]): StockroomError {
  const place = ["stockroom", ...path].join(" ");
  return new StockroomError("input", "USAGE", `\`${place}\`: ${problem}. See: ${place} --help`);
}

/** The known word that differs in the fewest letters, if it is near enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.replace(/^-+/, "").length / 2.5)) + 1;
  for (const candidate of known) {
    const distance = candidate.startsWith(word) && word.length > 2 ? 0.5 : editDistance(word, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const above = rows[i - 1]?.[j] ?? 0;
      const diagonal = rows[i - 1]?.[j - 1] ?? 0;
      let cost = Math.min(above + 1, (row[j - 1] ?? 0) + 1, diagonal + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (rows[i - 2]?.[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}

/** Help of one command, from its declaration: the first line of a description is its summary, the rest is shown here only. */
export async function renderHelp(call: Pick<Call, "path" | "command">, columns: number): Promise<string> {
  const name = ["stockroom", ...call.path].join(" ");
  const args = await argsOf(call.command);
  const children = await childrenOf(call.command);
  const positionals = Object.entries(args).filter(([, def]) => def.type === "positional");
  const words = positionals.map(([word, def]) => (isRequired(def) ? word.toUpperCase() : `[${word.toUpperCase()}]`));
  const commands = Object.keys(children);
  const alone = call.command.run !== undefined;
  const usageLine = [name, ...(commands.length > 0 ? [alone ? "[COMMAND]" : "COMMAND"] : []), ...words, "[OPTIONS]"].join(" ");
  const [summary = "", ...more] = (await descriptionOf(call.command)).split("\n");
  const summaries = await Promise.all(
    Object.entries(children).map(async ([command, child]) => {
      const description = await descriptionOf((await resolve<Command>(child)) ?? {});
      return [command, description.split("\n", 1)[0] ?? ""] as const;
    }),
  );
  const own = Object.entries(args).filter(([, def]) => def.type !== "positional");
  return [
    `${summary}\n`,
    `Usage: ${usageLine}\n`,
    ...(more.length > 0 ? [`${more.join("\n").trim()}\n`] : []),
    section(
      "Arguments",
      positionals.map(([word, def]) => [word.toUpperCase(), describeArg(def)]),
      columns,
    ),
    section("Commands", summaries, columns),
    section(
      "Options",
      own.map(([flag, def]) => [flagLabel(flag, def), describeArg(def)]),
      columns,
    ),
    section(
      "Everywhere",
      Object.entries(everywhere).map(([flag, def]) => [flagLabel(flag, def), describeArg(def)]),
      columns,
    ),
    ...(commands.length > 0 ? [`More on one of them: ${name} COMMAND --help\n`] : []),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function section(heading: string, rows: readonly (readonly [string, string])[], columns: number): string {
  if (rows.length === 0) return "";
  const width = Math.min(34, Math.max(...rows.map(([label]) => label.length)));
  const lines = rows.map(([label, text]) => {
    const indent = " ".repeat(width + 4);
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

function flagLabel(name: string, def: ArgDef): string {
  const aliases = "alias" in def && def.alias !== undefined ? [def.alias].flat() : [];
  const names = [...aliases.map((alias) => (alias.length === 1 ? `-${alias}` : `--${alias}`)), `--${kebab(name)}`].join(", ");
  if (def.type === "boolean") return names;
  const values = def.type === "enum" && def.options !== undefined ? def.options.join("|") : (def.valueHint ?? kebab(name)).toUpperCase();
  return `${names} ${values}`;
}

function describeArg(def: ArgDef): string {
  const preset = def.default === undefined || def.default === false ? "" : ` (default ${String(def.default)})`;
  const required = def.type !== "positional" && def.required === true ? " (required)" : "";
  return `${def.description ?? ""}${required}${preset}`;
}

/** citty allows every part of a declaration to be a value, a promise, or a function that gives either. */
// oxlint-disable-next-line typescript/no-explicit-any -- as above.
async function resolve<T>(value: any): Promise<T | undefined> {
  return typeof value === "function" ? await value() : await value;
}

/** What a command declares. */
export async function argsOf(command: Command): Promise<ArgsDef> {
  return (await resolve<ArgsDef>(command.args)) ?? {};
}

async function descriptionOf(command: Command): Promise<string> {
  return (await resolve<{ description?: string }>(command.meta))?.description ?? "";
}

/** The commands below this one, not yet loaded. */
async function childrenOf(command: Command): Promise<Record<string, unknown>> {
  return (await resolve<Record<string, unknown>>(command.subCommands)) ?? {};
}
