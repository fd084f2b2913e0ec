// Complete: what may stand at the end of a command line, from the same declarations that parsing and help read.
//
//   P1. Whatever was typed before, there is an answer: words that nothing declares are passed over, as a line may be mended from its middle.
//   P2. A flag that was given is offered again only where it may be given again.

import type { ArgDef, ArgsDef } from "citty";
import type { Command } from "./contract.ts";
import { argsOf, childrenOf, descriptionOf, resolve } from "./declared.ts";
import { everywhere, kebab, namesOf } from "./parse.ts";

/** What a shell is to offer. */
export interface Completions {
  readonly words: readonly { readonly word: string; readonly about: string }[];
  /** Paths are offered beside the words. */
  readonly paths: "none" | "files" | "folders";
}

const nothing: Completions = { words: [], paths: "none" };

/**
 * What may stand in the place of the last of `typed`, the words after the program's name; the last is "" where nothing is typed yet.
 *
 * @example
 * await complete(root, ["runs", "list", "--st"]); // { words: [{ word: "--state", about: "One of queued, ..." }], paths: "none" }
 */
export async function complete(root: Command, typed: readonly string[]): Promise<Completions> {
  const before = typed.slice(0, -1);
  const last = typed.at(-1) ?? "";
  const { command, args, given, positionals, open, isWordsOnly } = await walk(root, before);
  // Bash parts `--state=done` into three words, of which the sign may be the last so far.
  if (open !== undefined) return valuesOf(open, last === "=" ? "" : last);
  if (last.startsWith("-") && !isWordsOnly) {
    const at = last.indexOf("=");
    if (at > 0) {
      const flag = flagOf(last.slice(0, at), args);
      return flag === undefined || flag.def.type === "boolean" ? nothing : valuesOf(flag, last.slice(at + 1), last.slice(0, at + 1));
    }
    const words = Object.entries<ArgDef>({ ...args, ...everywhere })
      .filter(([name, def]) => def.type !== "positional" && (!given.has(name) || isRepeated(def)))
      .map(([name, def]) => ({ word: `--${kebab(name)}`, about: firstLine(def.description) }));
    return { words: words.filter(({ word }) => word.startsWith(last)), paths: "none" };
  }
  const children = positionals > 0 ? {} : await childrenOf(command);
  const words = await Promise.all(
    Object.entries(children)
      .filter(([word]) => word.startsWith(last))
      .map(async ([word, child]) => ({ word, about: firstLine(await descriptionOf((await resolve<Command>(child)) ?? {})) })),
  );
  const places = Object.entries(args).flatMap(([name, def]) => (def.type === "positional" ? [{ name, def }] : []));
  const place = places[positionals] ?? (isRepeated(places.at(-1)?.def) ? places.at(-1) : undefined);
  const own = place === undefined ? nothing : valuesOf(place, last);
  return { words: [...words, ...own.words], paths: command.forFiles === undefined || positionals > 0 ? own.paths : "files" };
}

interface Declared {
  readonly name: string;
  readonly def: ArgDef;
}

interface Walked {
  readonly command: Command;
  readonly args: ArgsDef;
  /** Names of the flags that stand there. */
  readonly given: ReadonlySet<string>;
  /** How many words stand for arguments. */
  readonly positionals: number;
  /** The flag whose value comes next. */
  readonly open: Declared | undefined;
  /** After `--` no word is a flag. */
  readonly isWordsOnly: boolean;
}

async function walk(root: Command, words: readonly string[]): Promise<Walked> {
  let command = root;
  let args = await argsOf(command);
  const given = new Set<string>();
  let positionals = 0;
  let open: Declared | undefined;
  let isWordsOnly = false;
  for (const word of words) {
    if (word === "=" && open !== undefined) continue;
    if (open !== undefined) {
      open = undefined;
      continue;
    }
    if (word === "--") isWordsOnly = true;
    else if (!isWordsOnly && word.startsWith("-") && word !== "-") {
      const flag = flagOf(word.split("=", 1)[0] ?? "", args);
      if (flag === undefined) continue;
      given.add(flag.name);
      if (flag.def.type !== "boolean" && !word.includes("=")) open = flag;
    } else {
      const children = positionals > 0 || isWordsOnly ? {} : await childrenOf(command);
      const child = children[word];
      const forFile = child === undefined && positionals === 0 && /[./\\]/.test(word) ? children[command.forFiles ?? ""] : undefined;
      if (child === undefined) positionals += 1;
      if (child === undefined && forFile === undefined) continue;
      command = (await resolve<Command>(child ?? forFile)) ?? {};
      args = await argsOf(command);
    }
  }
  return { command, args, given, positionals, open, isWordsOnly };
}

function flagOf(word: string, args: ArgsDef): Declared | undefined {
  const typed = word.replace(/^-{1,2}/, "");
  for (const [name, def] of Object.entries<ArgDef>({ ...args, ...everywhere })) {
    if (def.type === "positional") continue;
    if (namesOf(name, def).includes(typed) || (def.type === "boolean" && typed === `no-${kebab(name)}`)) return { name, def };
  }
  return undefined;
}

/** Values as a declaration names them: its options, or a description that begins with "One of a, b, c". */
function valuesOf({ name, def }: Declared, last: string, before = ""): Completions {
  const listed = /^One of ([\w-]+(?:, [\w-]+)*(?:,? or [\w-]+)?)/.exec(def.description ?? "")?.[1];
  const options = def.type === "enum" ? (def.options ?? []) : (listed?.split(/, or |, | or /) ?? []);
  const hint = (def.valueHint ?? name).replace(/\.{3}$/, "");
  return {
    words: options.filter((value) => value.startsWith(last)).map((value) => ({ word: `${before}${value}`, about: "" })),
    paths: /^files?$/i.test(hint) ? "files" : /^(?:folder|dir)$/i.test(hint) ? "folders" : "none",
  };
}

const isRepeated = (def: ArgDef | undefined): boolean =>
  (def?.valueHint?.endsWith("...") ?? false) || firstLine(def?.description).includes("may be given again");

const firstLine = (text: string | undefined): string => text?.split("\n", 1)[0] ?? "";
