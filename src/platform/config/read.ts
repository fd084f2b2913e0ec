// Config: the settings of the app, read once, from one file, the environment and the flags, with every mistake told at once.
//
// Owns: the order of the sources, where each value came from, the wording of mistakes. Does not own: what a setting does; modules hand
// in the schema of their own section.
//   C1. flags before environment before file before default; only DATABASE_URL goes before all.
//   C2. A wrong value is an error, never replaced by a default; so is a key that nobody knows.
//   C3. All mistakes are told at once, each with its place. No secret is in any of them.
//   C4. Nothing is read at import; the world (files, environment) is an argument.
//   C5. One file is read: the one that is named, else `stockroom.yaml` in the working directory, else the one in the home folder. When both
//       of these are there, the one left unread is told of.

import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import { isIP } from "node:net";
import path from "node:path";
import { isMap, isNode, isScalar, isSeq, LineCounter, parse, parseDocument } from "yaml";
import type { Document } from "yaml";
import { z } from "zod";
import { StockroomError } from "../errors.ts";
import { concealText } from "../log.ts";
import { baseSections } from "./schema.ts";
import type { BaseSettings, SettingMeta } from "./schema.ts";
import { closest, environmentName, getAt, isTree, nodeOf, own, setAt, settingsOf, strangersIn } from "./walk.ts";
import type { Node, Path, Setting, Tree } from "./walk.ts";

export type Sections = Readonly<Record<string, z.ZodType>>;

export interface ConfigOptions<S extends Sections> {
  /** The modules' sections by name, e.g. `classify`. */
  readonly sections: S;
  /** The settings file. Absent: `STOCKROOM_CONFIG`, else `stockroom.yaml` in `cwd`, else the one in the home folder, if there is one. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By path: `{ "server.port": "9000" }`; `undefined` counts as not given. */
  readonly flags?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly cwd: string;
}

/** Where a value came from. */
export type Origin =
  | { readonly kind: "default" }
  | { readonly kind: "file"; readonly file: string; readonly line: number; readonly column: number }
  | { readonly kind: "env"; readonly name: string }
  | { readonly kind: "flag"; readonly name: string };

export interface ConfigProblem {
  /** e.g. `server.port`; empty when the file as a whole is wrong. */
  readonly path: string;
  /** "expected ... but got ..." */
  readonly message: string;
  /** e.g. `stockroom.yaml:3:9`, `environment STOCKROOM_SERVER_PORT`. */
  readonly where: string;
}

export interface Config<S extends Sections> {
  readonly values: BaseSettings & { readonly [Name in keyof S]: z.output<S[Name]> };
  /** Of every value that is not a default, by path; a path inside a list or map that the environment gives whole has that of the whole. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** The file that was read, if any. */
  readonly file: string | undefined;
  /** Things worth telling that are no mistakes, e.g. a variable that looks like ours but is not. */
  readonly warnings: readonly string[];
  /** The schema of everything, for printing. */
  readonly schema: z.ZodObject;
}

export type ConfigCheck<S extends Sections> =
  | { readonly kind: "good"; readonly config: Config<S> }
  | { readonly kind: "bad"; readonly problems: readonly ConfigProblem[]; readonly warnings: readonly string[] };

/** Variables of ours that are no settings. */
const otherVariables = new Set(["STOCKROOM_CONFIG", "STOCKROOM_FAULT", "STOCKROOM_DATA", "STOCKROOM_LAUNCHER"]);

/**
 * Reads the settings. Throws one `input` `CONFIG_INVALID` that lists every mistake with its place.
 *
 * @example
 * const config = readConfig({ sections: { classify: classifySettings }, env: process.env, cwd: process.cwd() });
 * config.values.server.port;
 */
export function readConfig<const S extends Sections>(options: ConfigOptions<S>): Config<S> {
  const check = checkConfig(options);
  if (check.kind === "good") return check.config;
  const { problems } = check;
  throw new StockroomError(
    "input",
    "CONFIG_INVALID",
    [
      `Expected settings without mistakes but found ${problems.length}. Correct ${problems.length === 1 ? "it" : "them"} and start again:`,
      ...problems.map((problem) => `  ${formatProblem(problem)}`),
    ].join("\n"),
    { facts: { problems: problems.length } },
  );
}

/** One line of a report: place, path, what was expected and what came. */
export function formatProblem(problem: ConfigProblem): string {
  return [problem.where, problem.path, problem.message].filter((part) => part !== "").join(": ");
}

/** Reads the settings and gives the mistakes as values; throws only for mistakes in the schema itself (`fault`). */
export function checkConfig<const S extends Sections>(options: ConfigOptions<S>): ConfigCheck<S> {
  const reading = new Reading(options);
  reading.fromFile();
  reading.fromEnvironment();
  reading.fromFlags();
  reading.secretsByReference();
  reading.rejectStrangers();
  reading.resolvePaths();
  const values = reading.parse();
  const { problems, warnings, origins, schema, file } = reading;
  if (values === undefined || problems.length > 0) return { kind: "bad", problems, warnings };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- built from `sections` at run time, so only here can it be known
  return { kind: "good", config: { values: deepFreeze(values) as Config<S>["values"], origins, file, warnings, schema } };
}

/** One reading of the settings, source by source. Lives for one call. */
class Reading {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: string[] = [];
  readonly origins = new Map<string, Origin>();
  readonly schema: z.ZodObject;
  /** The file to read; undefined once it turned out that there is none. */
  file: string | undefined;
  readonly #options: ConfigOptions<Sections>;
  readonly #lines = new LineCounter();
  readonly #tree: Tree = {};
  /** Where each key of the file stands; a mistake in the key itself is told there, not at its value. */
  readonly #keys = new Map<string, string>();
  readonly #fileGiven: boolean;
  /** Where the settings file of the home folder would be, when it is not the one that is read. */
  #homeFile: string | undefined;
  /** Names that unknown settings were probably meant as; that these are missing is no second mistake. */
  readonly #meant = new Set<string>();
  #document: Document | undefined;

  constructor(options: ConfigOptions<Sections>) {
    for (const name of Object.keys(options.sections)) {
      if (!Object.hasOwn(baseSections, name)) continue;
      throw new StockroomError("fault", "CONFIG_SECTION_TWICE", `Expected a section's name of its own but ${name} is the ground floor's.`);
    }
    this.#options = options;
    this.schema = z.object({ ...baseSections, ...options.sections });
    const named = options.file ?? nonEmpty(options.env["STOCKROOM_CONFIG"]);
    this.#fileGiven = named !== undefined;
    this.file = path.resolve(options.cwd, named ?? settingsFileName);
    this.#homeFile = path.resolve(options.cwd, expandHome(nonEmpty(homeGiven(options)) ?? defaultHome), settingsFileName);
  }

  /** C5: one file is read. That of the home folder only counts where none is named and none stands here. */
  #chooseFile(): void {
    const { file } = this;
    if (file === undefined || this.#homeFile === undefined || this.#homeFile === file || !existsSync(this.#homeFile)) {
      this.#homeFile = undefined;
    } else if (this.#fileGiven) {
      this.#homeFile = undefined;
    } else if (existsSync(file)) {
      this.warnings.push(
        `${relative(file, this.#options.cwd)} is the settings file; ${relative(this.#homeFile, this.#options.cwd)} is there too and was not read`,
      );
    } else {
      this.file = this.#homeFile;
    }
  }

  #problem(at: Path, message: string, where?: string): void {
    this.problems.push({ path: at.join("."), message, where: where ?? this.#whereIs(at) });
  }

  /** Where the value at `at` came from; of one that is missing, where it should stand. */
  #whereIs(at: Path): string {
    for (let depth = at.length; depth > 0; depth--) {
      const origin = this.origins.get(at.slice(0, depth).join("."));
      if (origin !== undefined) return formatOrigin(origin, this.#options.cwd);
    }
    return this.#document === undefined || this.file === undefined ? "settings" : relative(this.file, this.#options.cwd);
  }

  fromFile(): void {
    this.#chooseFile();
    const { file } = this;
    if (file === undefined) return;
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch (thrown) {
      const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "an error";
      if (code === "ENOENT" && !this.#fileGiven) {
        this.file = undefined;
        return;
      }
      this.#problem([], `expected a readable file but got ${code}`, relative(file, this.#options.cwd));
      return;
    }
    const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    this.#document = document;
    for (const error of document.errors) {
      this.#problem([], `expected YAML but got this: ${concealText(error.message)}`, this.#place(error.pos[0]));
    }
    if (document.errors.length > 0) return;
    const value: unknown = document.toJS();
    if (value === null || value === undefined) return;
    if (!isTree(value)) {
      this.#problem([], "expected sections such as `server:` but got a single value or a list", this.#place(0));
      return;
    }
    Object.assign(this.#tree, value);
    this.#markFile(document.contents, []);
    this.#checkOwnHome(file);
    // `server:` with nothing under it is an empty section, not a wrong one.
    this.#dropEmptyMaps(this.schema, this.#tree);
  }

  /** A file that was found in the home folder cannot send everything to another one. */
  #checkOwnHome(file: string): void {
    const said = this.#tree["home"];
    if (file !== this.#homeFile || typeof said !== "string" || homeGiven(this.#options) !== undefined) return;
    const home = path.dirname(file);
    if (path.resolve(home, expandHome(said)) === home) return;
    this.#problem(
      ["home"],
      `expected no other home in the settings file of the home folder itself but got ${showValue(said)}; set it in a ${settingsFileName} here, by --home or by STOCKROOM_HOME`,
    );
  }

  /** C2: what nobody knows is a mistake, from whichever source and at any depth. */
  rejectStrangers(): void {
    for (const { path: at, known } of strangersIn(this.schema, this.#tree)) {
      const meant = closest(at.at(-1) ?? "", known);
      if (meant !== undefined) this.#meant.add([...at.slice(0, -1), meant].join("."));
      const names = known.length <= 16 ? known.join(", ") : `${known.slice(0, 16).join(", ")}, ...`;
      const hint = meant === undefined ? `known here: ${names}` : `did you mean ${meant}?`;
      this.#problem(at, `unknown setting; ${hint}`, this.#keys.get(at.join(".")));
      this.#remove(at);
    }
  }

  #remove(at: Path): void {
    const parent = getAt(this.#tree, at.slice(0, -1));
    const last = at.at(-1);
    if (isTree(parent) && last !== undefined) delete parent[last];
  }

  #dropEmptyMaps(schema: z.core.$ZodType, tree: Tree): void {
    const node = nodeOf(schema, tree);
    for (const key of Object.keys(tree)) {
      const inner = node.kind === "record" ? node.value : node.kind === "object" ? own(node.shape, key) : undefined;
      const value = tree[key];
      if (inner === undefined) continue;
      if (value === null && nodeOf(inner, {}).kind !== "leaf") delete tree[key];
      else if (isTree(value)) this.#dropEmptyMaps(inner, value);
    }
  }

  #place(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${relative(this.file ?? "", this.#options.cwd)}:${line}:${col}`;
  }

  /** Notes the place of each value of the file: of maps the key, of values and of what stands in a list the value. */
  #markFile(node: unknown, at: Path): void {
    if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) {
        const inner = [...at, String(index)];
        const { line, col } = this.#lines.linePos((isNode(item) ? item.range?.[0] : undefined) ?? 0);
        this.origins.set(inner.join("."), { kind: "file", file: this.file ?? "", line, column: col });
        this.#markFile(item, inner);
      }
    }
    if (!isMap(node)) return;
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue;
      const inner = [...at, String(key.value)];
      const spot = isScalar(value) && value.range !== undefined && value.range !== null && value.value !== null ? value.range : key.range;
      const { line, col } = this.#lines.linePos(spot?.[0] ?? 0);
      this.#keys.set(inner.join("."), this.#place(key.range?.[0] ?? 0));
      this.origins.set(inner.join("."), { kind: "file", file: this.file ?? "", line, column: col });
      this.#markFile(value, inner);
    }
  }

  fromEnvironment(): void {
    const { env } = this.#options;
    const known = new Set<string>();
    // Twice: a map given whole may have entries that are given one by one.
    for (const maps of [true, false]) {
      for (const setting of settingsOf(this.schema, this.#tree)) {
        const name = environmentName(setting.path);
        known.add(name);
        if (setting.node.meta.secret !== undefined) known.add(`${name}_FILE`);
        if ((setting.node.kind === "record") === maps) this.#fromVariable(setting, name);
      }
    }
    // Read last, so that nothing goes before it.
    const url = settingsOf(this.schema, this.#tree).find(({ path: at }) => at.join(".") === "database.url");
    if (url !== undefined) this.#fromVariable(url, "DATABASE_URL");
    for (const name of Object.keys(env)) {
      if (!name.startsWith("STOCKROOM_") || known.has(name) || otherVariables.has(name) || name.startsWith("STOCKROOM_TEST_")) continue;
      // Kubernetes gives every pod such variables for a service of the name stockroom.
      if (/^STOCKROOM_(SERVICE_(HOST|PORT)|PORT(_|$))/.test(name)) continue;
      const meant = closest(name, [...known]);
      if (meant === undefined) this.warnings.push(`the variable ${name} is no setting of Stockroom and was not used`);
      else this.#problem([], `unknown variable; did you mean ${meant}?`, `environment ${name}`);
    }
  }

  #fromVariable(setting: Setting, name: string): void {
    const { env, cwd } = this.#options;
    const direct = nonEmpty(env[name]);
    const fileName = setting.node.meta.secret === undefined ? undefined : nonEmpty(env[`${name}_FILE`]);
    if (direct !== undefined && fileName !== undefined) {
      this.#problem(setting.path, `expected one of ${name} and ${name}_FILE but both are set`, `environment ${name}`);
      return;
    }
    if (fileName !== undefined) {
      const text = this.#secretFile(setting.path, path.resolve(cwd, fileName), `environment ${name}_FILE`);
      if (text !== undefined) this.#put(setting, text, { kind: "env", name: `${name}_FILE` });
    } else if (direct !== undefined) {
      this.#put(setting, direct, { kind: "env", name });
    }
  }

  #secretFile(at: Path, file: string, where: string): string | undefined {
    try {
      const text = readFileSync(file, "utf8").replace(/\r?\n$/, "");
      if (text !== "") return text;
      this.#problem(at, `expected a secret in ${file} but the file is empty`, where);
    } catch (thrown) {
      const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "an error";
      this.#problem(at, `expected a readable file at ${file} but got ${code}`, where);
    }
    return undefined;
  }

  /** Puts a text of the environment or of a flag into the tree, read as the schema asks. */
  #put(setting: Setting, text: string, origin: Origin): void {
    const key = setting.path.join(".");
    for (const old of this.origins.keys()) {
      if (!old.startsWith(`${key}.`)) continue;
      this.origins.delete(old);
      this.#keys.delete(old);
    }
    this.origins.set(key, origin);
    setAt(this.#tree, setting.path, readText(setting.node, text));
  }

  fromFlags(): void {
    const flags = this.#options.flags ?? {};
    for (const [name, value] of Object.entries(flags)) {
      if (value === undefined) continue;
      const settings = settingsOf(this.schema, this.#tree);
      const setting = settings.find(({ path: at }) => at.join(".") === name);
      if (setting === undefined) {
        const meant = closest(
          name,
          settings.map(({ path: at }) => at.join(".")),
        );
        this.#problem(name.split("."), meant === undefined ? "unknown setting" : `unknown setting; did you mean ${meant}?`, `flag ${name}`);
        continue;
      }
      if (name === "database.url" && nonEmpty(this.#options.env["DATABASE_URL"]) !== undefined) continue;
      this.#put(setting, String(value), { kind: "flag", name });
    }
  }

  /** In the file a secret may be named instead of written: `{ env: NAME }` or `{ file: PATH }`. */
  secretsByReference(): void {
    for (const { path: at, node } of settingsOf(this.schema, this.#tree)) {
      if (node.meta.secret === undefined) continue;
      const value = getAt(this.#tree, at);
      if (!isTree(value) || Object.keys(value).length !== 1) continue;
      const { env: name, file } = value;
      if (typeof name === "string") {
        const text = nonEmpty(this.#options.env[name]);
        if (text === undefined) this.#problem(at, `expected the secret in the variable ${name} but it is not set`);
        // A mistake is noted already; an empty text would only add a second.
        if (text === undefined) this.#remove(at);
        else setAt(this.#tree, at, text);
      } else if (typeof file === "string") {
        const text = this.#secretFile(at, path.resolve(this.#baseOf(at), file), this.#whereIs(at));
        if (text === undefined) this.#remove(at);
        else setAt(this.#tree, at, text);
      }
    }
  }

  /** From where a relative path at `at` counts. */
  #baseOf(at: Path): string {
    for (let depth = at.length; depth > 0; depth--) {
      const origin = this.origins.get(at.slice(0, depth).join("."));
      if (origin?.kind === "file") return path.dirname(origin.file);
      if (origin !== undefined) break;
    }
    return this.#options.cwd;
  }

  /** Makes all paths absolute and fills in those that lie in the home folder by default. */
  resolvePaths(): void {
    const resolve = (at: Path, text: string): string => path.resolve(this.#baseOf(at), expandHome(text));
    const given = this.#tree["home"];
    const home = resolve(["home"], typeof given === "string" && given !== "" ? given : defaultHome);
    if (given === undefined || typeof given === "string") this.#tree["home"] = given === "" ? "" : home;
    for (const { path: at, node } of settingsOf(this.schema, this.#tree)) {
      if (node.meta.path === undefined || at[0] === "home") continue;
      const value = getAt(this.#tree, at);
      if (typeof value === "string" && value !== "") setAt(this.#tree, at, resolve(at, value));
      // A section that is itself wrong keeps its own mistake.
      else if (value === undefined && node.meta.inHome !== undefined && this.#open(at))
        setAt(this.#tree, at, path.join(home, node.meta.inHome));
    }
  }

  #open(at: Path): boolean {
    return at.slice(0, -1).every((_, depth) => {
      const above = getAt(this.#tree, at.slice(0, depth + 1));
      return above === undefined || isTree(above);
    });
  }

  parse(): Record<string, unknown> | undefined {
    // A section nobody wrote is an empty one: its own defaults and demands speak.
    for (const [name, section] of Object.entries(this.#options.sections)) {
      if (this.#tree[name] === undefined && nodeOf(section, {}).kind === "object") this.#tree[name] = {};
    }
    const parsed = this.schema.safeParse(this.#tree);
    if (!parsed.success) {
      for (const issue of parsed.error.issues) this.#issue(issue);
      // No file is refused without a word why.
      if (this.problems.length === 0)
        for (const issue of parsed.error.issues) this.#problem(issue.path.map(String), `expected ${expectedBy(issue)}`);
      return undefined;
    }
    this.#crossChecks(parsed.data);
    return parsed.data;
  }

  #issue(issue: z.core.$ZodIssue): void {
    const at = issue.path.map(String);
    const { meta, value, owner } = this.#metaAt(at);
    const shown = meta.secret === undefined && owner.secret === undefined ? showValue(value) : showSecret(value);
    if (issue.code === "custom" && issue.message !== "Invalid input") {
      this.#problem(at, issue.message.startsWith("expected ") ? issue.message : `expected ${issue.message} but got ${shown}`);
      return;
    }
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) this.#problem([...at, key], "unknown setting", this.#keys.get([...at, key].join(".")));
      return;
    }
    if (issue.code === "invalid_key") {
      const expected = issue.issues.map(expectedBy).join(" and ");
      this.#problem(at, `expected a name that is ${expected} but got ${JSON.stringify(at.at(-1))}`, this.#keys.get(at.join(".")));
      return;
    }
    if (issue.code === "invalid_union" && this.#insideUnion(issue.errors, at, meta.expected === undefined || isTree(value))) return;
    const expected = meta.expected ?? expectedBy(issue);
    if (value === undefined) {
      if (this.#meant.has(at.join("."))) return;
      const variable = at.some((key) => /^\d+$/.test(key)) ? "" : ` or by ${environmentName(at)}`;
      this.#problem(at, `expected ${expected} but it is missing; set it here${variable}`);
      return;
    }
    // A mistake inside a value given whole is told at its place, but the secret is the whole's.
    this.#problem(at, `expected ${expected} but got ${shown}`);
  }

  /** Tells what is wrong with the kind of a union that fits best; false when none of its kinds fits at all, or only the setting's own words do. */
  #insideUnion(kinds: readonly (readonly z.core.$ZodIssue[])[], at: Path, mayLookInside: boolean): boolean {
    const fitting = kinds.filter((issues) => issues.length > 0 && issues.every(({ path: inner }) => inner.length > 0));
    const within = fitting.map((issues) => issues.map((issue) => ({ ...issue, path: [...at, ...issue.path] })));
    // Told already, by the name that stands in its place.
    if (within.some((issues) => issues.every(({ path: inner }) => this.#meant.has(inner.map(String).join("."))))) return true;
    const [best] = within.toSorted((a, b) => a.length - b.length);
    if (best === undefined || !mayLookInside) return false;
    for (const issue of best) this.#issue(issue);
    return true;
  }

  /** The meta of the setting at a path, and of the nearest setting above (a list's, for its items). */
  #metaAt(at: Path): { meta: SettingMeta; owner: SettingMeta; value: unknown } {
    let value: unknown = this.#tree;
    for (const key of at) {
      value = Array.isArray(value) ? value[Number(key)] : isTree(value) ? own(value, key) : undefined;
    }
    const settings = settingsOf(this.schema, this.#tree);
    const find = (wanted: Path): SettingMeta | undefined =>
      settings.find(({ path: have }) => have.join(".") === wanted.join("."))?.node.meta;
    let owner: SettingMeta = {};
    for (let depth = at.length; depth > 0; depth--) {
      const found = find(at.slice(0, depth));
      if (found === undefined) continue;
      owner = found;
      break;
    }
    return { meta: find(at) ?? {}, owner, value };
  }

  /** What no single setting can say. */
  #crossChecks(values: Record<string, unknown>): void {
    const server = z.object({ host: z.string(), token: z.string().optional() }).parse(values["server"]);
    if (!isLoopback(server.host) && server.token === undefined) {
      this.#problem(
        ["server", "token"],
        `expected a token because server.host ${server.host} can be reached from outside; set STOCKROOM_SERVER_TOKEN or STOCKROOM_SERVER_TOKEN_FILE, or listen on 127.0.0.1`,
      );
    }
    const notify = z
      .object({ channels: z.record(z.string(), z.unknown()), topics: z.record(z.string(), z.array(z.string())) })
      .parse(values["notify"]);
    const channels = [...Object.keys(notify.channels), "log"];
    for (const [topic, names] of Object.entries(notify.topics)) {
      for (const name of names) {
        if (channels.includes(name)) continue;
        const meant = closest(name, channels);
        this.#problem(
          ["notify", "topics", topic],
          `expected a channel of notify.channels but got ${name}${meant === undefined ? "" : `; did you mean ${meant}?`}`,
        );
      }
    }
  }
}

/** Whether only this machine can reach a server that listens on `host`. */
export function isLoopback(host: string): boolean {
  const bare = /^\[(.*)\]$/.exec(host)?.[1] ?? host;
  return bare === "localhost" || bare === "::1" || (isIP(bare) === 4 && bare.startsWith("127."));
}

const settingsFileName = "stockroom.yaml";
const defaultHome = ".stockroom";

/** The home folder as a flag or the environment names it, before any file is read. */
function homeGiven({ flags, env }: Pick<ConfigOptions<Sections>, "flags" | "env">): string | undefined {
  const flag = flags?.["home"];
  return flag === undefined ? nonEmpty(env["STOCKROOM_HOME"]) : String(flag);
}

/** `~/` is the user's own folder. */
function expandHome(text: string): string {
  return text.startsWith("~/") ? path.join(os.homedir(), text.slice(2)) : text;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}

/** A file as people here call it: below the working directory by its relative path. */
export function relative(file: string, cwd: string): string {
  const short = path.relative(cwd, file);
  return short === "" || short.startsWith("..") || path.isAbsolute(short) ? file : short;
}

/** e.g. `stockroom.yaml:3:9`, `environment STOCKROOM_SERVER_PORT`, `flag server.port`, `default`. */
export function formatOrigin(origin: Origin, cwd: string): string {
  if (origin.kind === "file") return `${relative(origin.file, cwd)}:${origin.line}:${origin.column}`;
  if (origin.kind === "env") return `environment ${origin.name}`;
  return origin.kind === "flag" ? `flag ${origin.name}` : "default";
}

/** Texts become what the schema wants; one that cannot stays a text, and the schema says what is wrong with it. */
function readText(node: Node, text: string): unknown {
  const reads = node.kind === "leaf" ? node.reads : "yaml";
  if (reads === "number") return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : text;
  if (reads === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (reads === "list" && !text.trimStart().startsWith("[")) return text.split(",").map((item) => item.trim());
  if (reads === "text") return text;
  try {
    const value: unknown = parse(text);
    return value;
  } catch {
    return text;
  }
}

const typeWords: Readonly<Record<string, string>> = {
  string: "text",
  int: "a whole number",
  boolean: "true or false",
  object: "a section",
  record: "a section",
  array: "a list",
};

function expectedBy(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return typeWords[issue.expected] ?? `a ${issue.expected}`;
  if (issue.code === "invalid_value") return `one of ${issue.values.map(String).join(", ")}`;
  if (issue.code === "invalid_union" && "options" in issue && Array.isArray(issue.options))
    return `one of ${issue.options.map(String).join(", ")}`;
  if (issue.code === "too_small") return sizeOf(issue.origin, "at least", issue.minimum);
  if (issue.code === "too_big") return sizeOf(issue.origin, "at most", issue.maximum);
  // A schema that says in words what it wants has said it better.
  if (issue.code === "invalid_format" && !issue.message.startsWith("Invalid ")) return issue.message;
  if (issue.code === "invalid_format")
    return issue.format === "regex" ? `text of the form ${issue.pattern}` : `a well-formed ${issue.format}`;
  return "a valid value";
}

function sizeOf(origin: string, bound: string, size: number | bigint): string {
  if (origin === "string") return size === 1 ? "text that is not empty" : `text of ${bound} ${size} characters`;
  if (origin === "array" || origin === "set") return `${bound} ${size} entries`;
  return `${bound} ${size}`;
}

function showValue(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isTree(value)) return "a section";
  if (typeof value !== "string") return String(value);
  const text = concealText(value);
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}

function showSecret(value: unknown): string {
  return typeof value === "string" ? `a secret of ${value.length} characters` : "something that is not text";
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
