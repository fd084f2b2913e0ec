// Parse: from words on the command line to one command with its arguments.
//
// citty declares commands and reads their values, but drops what it does not know; this strict layer stands before it: it walks the tree, takes
// out the flags of every command, and refuses each word that nothing declares. decisions/command-line.md says why.

import { stripVTControlCharacters } from "node:util";
import { parseArgs } from "citty";
import type { ArgDef, ArgsDef } from "citty";
import { StockroomError } from "../errors.ts";
import { didYouMean } from "../similar.ts";
import type { Command, FormerWords } from "./contract.ts";
import { renewWords } from "./renew.ts";
import { argsOf, childrenOf, resolve } from "./declared.ts";

/** Flags that every command understands, wherever they stand. */
export const everywhere = {
  home: { type: "string", description: "Folder of the database, the store and the keys (STOCKROOM_HOME)", valueHint: "folder" },
  config: { type: "string", description: "Settings file (default: stockroom.yaml here or in the home folder)", valueHint: "file" },
  server: {
    type: "string",
    description: "Ask the Stockroom that answers there instead of this machine's (STOCKROOM_SERVER); its token in STOCKROOM_TOKEN",
    valueHint: "url",
  },
  tokenFile: { type: "string", description: "With --server: the file that holds the token (STOCKROOM_TOKEN_FILE)", valueHint: "file" },
  insecure: { type: "boolean", description: "With --server: send the token over plain http to another machine" },
  debug: { type: "boolean", description: "Tell everything: debug log and stack traces" },
  help: { type: "boolean", alias: "h", description: "Show this help" },
} as const satisfies ArgsDef;

export interface GlobalFlags {
  readonly home: string | undefined;
  readonly config: string | undefined;
  readonly server: string | undefined;
  readonly tokenFile: string | undefined;
  readonly insecure: boolean;
  readonly debug: boolean;
  readonly help: boolean;
}

export const noFlags: GlobalFlags = {
  home: undefined,
  config: undefined,
  server: undefined,
  tokenFile: undefined,
  insecure: false,
  debug: false,
  help: false,
};

/** What a command line asks for. */
export interface Call {
  /** Names from the root: `["runs", "show"]`. */
  readonly path: readonly string[];
  readonly command: Command;
  /** What is left for the command itself. */
  readonly rawArgs: readonly string[];
  readonly flags: GlobalFlags;
  /** It was called by words it had before. */
  readonly former?: FormerWords | undefined;
}

/** Walks down `root` along `argv`. Throws `input` `USAGE` for a word or a flag that nothing declares, and for a flag without its value. */
export async function findCall(root: Command, typed: readonly string[]): Promise<Call> {
  const { argv, former } = renewWords(typed, root.formerWords ?? [], everywhere);
  const path: string[] = [];
  const flags: { -readonly [Name in keyof GlobalFlags]: GlobalFlags[Name] } = { ...noFlags };
  let command = root;
  let args = await argsOf(command);
  const rest: string[] = [];
  let isWordGiven = false;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    if (word === "--") {
      rest.push(...argv.slice(i));
      break;
    }
    if (word.startsWith("-") && word !== "-") {
      const own = readFlag(word, argv[i + 1], args, path);
      const { name, values, words } =
        own ?? readFlag(word, argv[i + 1], everywhere, path) ?? unknownWord("option", word, path, flagNames(args));
      i += words - 1;
      if (own !== undefined) rest.push(...argv.slice(i - words + 1, i + 1));
      else if (name === "debug" || name === "help" || name === "insecure") flags[name] = values === "true";
      else if (name === "home" || name === "config" || name === "server" || name === "tokenFile") flags[name] = values;
      continue;
    }
    const children = isWordGiven ? {} : await childrenOf(command);
    const child = children[word];
    if (child !== undefined) {
      if (rest.length > 0) throw misuse(`expected ${word} before its options but received ${rest[0] ?? ""} first`, path);
      path.push(word);
      command = (await resolve<Command>(child)) ?? {};
      args = await argsOf(command);
      continue;
    }
    const forFile = /[./\\]/.test(word) && command.forFiles !== undefined ? children[command.forFiles] : undefined;
    if (forFile !== undefined && rest.length === 0) {
      path.push(command.forFiles ?? "");
      command = (await resolve<Command>(forFile)) ?? {};
      args = await argsOf(command);
      isWordGiven = true;
      rest.push(word);
      continue;
    }
    const takesWords = Object.values(args).some((def) => def.type === "positional");
    if (Object.keys(children).length > 0 && !takesWords) unknownWord("command", word, path, Object.keys(children));
    isWordGiven = true;
    rest.push(word);
  }
  return { path, command, rawArgs: rest, flags, ...(former === undefined ? {} : { former }) };
}

/** The values of the command's arguments. Throws `input` `USAGE` for too many words, and for what is required and absent. */
export async function readArgs(call: Call) {
  const args = await argsOf(call.command);
  const positionals = Object.entries(args).filter(([, def]) => def.type === "positional");
  let parsed;
  try {
    parsed = parseArgs([...call.rawArgs], args);
  } catch (error) {
    // citty colours its messages; ours are plain.
    const said = stripVTControlCharacters(error instanceof Error ? error.message : String(error));
    throw misuse(said.replace(/^./, (first) => first.toLowerCase()).replace(/\.$/, ""), call.path);
  }
  const takesMore = positionals.at(-1)?.[1].valueHint?.endsWith("...") ?? false;
  if (parsed._.length > positionals.length && !takesMore) {
    const expected = positionals.length === 0 ? "no further words" : positionals.map(([name]) => name.toUpperCase()).join(" ");
    throw misuse(`expected ${expected} but received ${parsed._.length}`, call.path);
  }
  return parsed;
}

/** Runs the command of a call with its arguments. Throws what reading them and the command throw. */
export async function runCall(call: Call): Promise<void> {
  const args = await readArgs(call);
  await call.command.run?.({ rawArgs: [...call.rawArgs], args, cmd: call.command });
}

interface GivenFlag {
  /** As it is declared. */
  readonly name: string;
  /** "true" or "false" of a boolean. */
  readonly values: string;
  /** How many words of the command line it is: its value may be the next one. */
  readonly words: 1 | 2;
}

/** The flag that `word` gives, if `args` declares it. Throws `input` `USAGE` for a value too little or too much. */
function readFlag(word: string, next: string | undefined, args: ArgsDef, path: readonly string[]): GivenFlag | undefined {
  const at = word.indexOf("=");
  const given = (at < 0 ? word : word.slice(0, at)).replace(/^-{1,2}/, "");
  const value = at < 0 ? undefined : word.slice(at + 1);
  for (const [name, def] of Object.entries(args)) {
    if (def.type === "positional") continue;
    const isNegated = def.type === "boolean" && given.startsWith("no-") && namesOf(name, def).includes(given.slice(3));
    if (!isNegated && !namesOf(name, def).includes(given)) continue;
    if (def.type === "boolean") {
      if (value !== undefined && value !== "true" && value !== "false")
        throw misuse(`--${name} takes no value but received "${value}"`, path);
      return { name, values: String((value ?? "true") === "true" && !isNegated), words: 1 };
    }
    // A word that looks like a flag is more likely a forgotten value than one.
    const taken = value ?? (next !== undefined && /^--[a-z]/.test(next) ? undefined : next);
    if (taken === undefined || value === "") throw misuse(`${word.replace(/=$/, "")} wants a value but there is none`, path);
    return { name, values: taken, words: value === undefined ? 2 : 1 };
  }
  return undefined;
}

/** A flag under its name, its kebab-case form and its aliases. */
export function namesOf(name: string, def: ArgDef): readonly string[] {
  return [name, kebab(name), ...("alias" in def && def.alias !== undefined ? [def.alias].flat() : [])];
}

export const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const flagNames = (args: ArgsDef): string[] =>
  [...Object.entries(args), ...Object.entries(everywhere)]
    .filter(([, def]) => def.type !== "positional")
    .map(([name]) => `--${kebab(name)}`);

const placeOf = (path: readonly string[]): string => ["stockroom", ...path].join(" ");

function unknownWord(what: "command" | "option", word: string, path: readonly string[], known: readonly string[]): never {
  const shown = word.replace(/=.*$/s, "");
  const article = what === "command" ? "a command" : "an option";
  const near = didYouMean(shown, known, { beginnings: true });
  throw new StockroomError(
    "input",
    "USAGE",
    `Expected ${article} of \`${placeOf(path)}\` but "${shown}" is none.${near} See: ${placeOf(path)} --help`,
  );
}

function misuse(problem: string, path: readonly string[]): StockroomError {
  return new StockroomError("input", "USAGE", `\`${placeOf(path)}\`: ${problem}. See: ${placeOf(path)} --help`);
}
