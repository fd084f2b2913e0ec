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

import { existsSync } from "node:fs";
import { isIP } from "node:net";
import path from "node:path";
import { z } from "zod";
import { StockroomError } from "../errors.ts";
import { checkValue, getAt, isTree, type Path } from "../documents/index.ts";
import { nearest } from "../similar.ts";
import type { Config, ConfigCheck, ConfigOptions, ConfigProblem, Sections } from "./contract.ts";
import { Draft, expandHome } from "./draft.ts";
import { readEnvironment, readFlags, readNamedSecrets } from "./environment.ts";
import { defaultHome, readSettingsFile } from "./file.ts";
import { baseSections } from "./schema.ts";
import { environmentName, nodeOf, setAt, settingsOf } from "./walk.ts";

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
  for (const name of Object.keys(options.sections)) {
    if (!Object.hasOwn(baseSections, name)) continue;
    throw new StockroomError("fault", "CONFIG_SECTION_TWICE", `Expected a section's name of its own but ${name} is the platform's.`);
  }
  const draft = new Draft(z.object({ ...baseSections, ...options.sections }), options.cwd);
  readSettingsFile(draft, options);
  readEnvironment(draft, options.env);
  readFlags(draft, options);
  readNamedSecrets(draft, options.env);
  resolvePaths(draft);
  const values = parse(draft, options.sections);
  const { problems, warnings, origins, schema, file } = draft;
  if (values === undefined || problems.length > 0) return { kind: "bad", problems, warnings };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- built from `sections` at run time, so only here can it be known
  return { kind: "good", config: { values: deepFreeze(values) as Config<S>["values"], origins, file, warnings, schema } };
}

/** Makes all paths absolute and fills in those that lie in the home folder by default. */
function resolvePaths(draft: Draft): void {
  const { tree } = draft;
  const resolve = (at: Path, text: string): string => path.resolve(draft.baseOf(at), expandHome(text));
  const given = tree["home"];
  const home = resolve(["home"], typeof given === "string" && given !== "" ? given : defaultHome);
  if (given === undefined || (typeof given === "string" && given !== "")) tree["home"] = home;
  for (const { path: at, node } of settingsOf(draft.schema, tree)) {
    if (node.meta.path === undefined || at[0] === "home") continue;
    const value = getAt(tree, at);
    if (typeof value === "string" && value !== "") setAt(tree, at, resolve(at, value));
    else if (value === undefined && node.meta.inHome !== undefined && mayHold(draft, at))
      setAt(tree, at, path.join(home, node.meta.inHome));
  }
}

/** A section that is itself wrong keeps its own mistake. */
function mayHold({ tree }: Draft, at: Path): boolean {
  return at.slice(0, -1).every((_, depth) => {
    const above = getAt(tree, at.slice(0, depth + 1));
    return above === undefined || isTree(above);
  });
}

function parse(draft: Draft, sections: Sections): Record<string, unknown> | undefined {
  // A section nobody wrote is an empty one: its own defaults and demands speak.
  for (const [name, section] of Object.entries(sections)) {
    if (draft.tree[name] === undefined && nodeOf(section, {}).kind === "object") draft.tree[name] = {};
  }
  const { problems, data } = checkValue(draft.schema, draft.tree, {
    keyWord: "setting",
    // A mistake inside a value given whole is told at its place, but the secret is the whole's.
    show: (value, metas) => (metas.some((meta) => meta["secret"] !== undefined) ? showSecret(value) : undefined),
    remedy: (at) => `; set it here${at.some((key) => /^\d+$/.test(key)) ? "" : ` or by ${environmentName(at)}`}`,
  });
  for (const { path: at, message, of } of problems) {
    if (of === "key") draft.keyProblem(at, message);
    else draft.problem(at, message);
  }
  if (!isTree(data)) return undefined;
  checkToken(draft, data);
  checkProvider(draft, data);
  checkTopics(draft, data);
  return data;
}

const showSecret = (value: unknown): string =>
  typeof value === "string" ? `a secret of ${value.length} characters` : "something that is not text";

function checkToken(draft: Draft, values: Record<string, unknown>): void {
  const server = z.object({ host: z.string(), token: z.string().optional() }).parse(values["server"]);
  const auth = z.object({ usersFile: z.string(), oidc: z.unknown().optional() }).parse(values["auth"]);
  if (isLoopback(server.host) || server.token !== undefined || auth.oidc !== undefined || existsSync(auth.usersFile)) return;
  draft.problem(
    ["server", "token"],
    `expected a token because server.host ${server.host} can be reached from outside; set STOCKROOM_SERVER_TOKEN or STOCKROOM_SERVER_TOKEN_FILE, add users (stockroom users add), or listen on 127.0.0.1`,
  );
}

/** A provider whose groups lead to no role lets nobody in. */
function checkProvider(draft: Draft, values: Record<string, unknown>): void {
  const oidc = z
    .object({
      oidc: z.object({ issuer: z.string(), roles: z.record(z.string(), z.array(z.string())) }).optional(),
    })
    .parse(values["auth"]).oidc;
  if (oidc === undefined) return;
  if (Object.values(oidc.roles).every((groups) => groups.length === 0))
    draft.problem(["auth", "oidc", "roles"], "expected at least one group with a role, such as `viewer: [staff]`, but there is none");
  const { protocol, hostname } = new URL(oidc.issuer);
  if (protocol === "http:" && !isLoopback(hostname))
    draft.problem(["auth", "oidc", "issuer"], "expected https, because whoever is on the way could let anybody in");
}

function checkTopics(draft: Draft, values: Record<string, unknown>): void {
  const notify = z
    .object({ channels: z.record(z.string(), z.unknown()), topics: z.record(z.string(), z.array(z.string())) })
    .parse(values["notify"]);
  const channels = [...Object.keys(notify.channels), "log"];
  for (const [topic, names] of Object.entries(notify.topics)) {
    for (const name of names) {
      if (channels.includes(name)) continue;
      const meant = nearest(name, channels);
      const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
      draft.problem(["notify", "topics", topic], `expected a channel of notify.channels but got ${name}${hint}`);
    }
  }
}

/** Whether only this machine can reach a server that listens on `host`. */
export function isLoopback(host: string): boolean {
  const bare = /^\[(.*)\]$/.exec(host)?.[1] ?? host;
  return bare === "localhost" || bare === "::1" || (isIP(bare) === 4 && bare.startsWith("127."));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
