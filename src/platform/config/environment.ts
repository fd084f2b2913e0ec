// Environment: what variables, flags and files of secrets say over the settings file.

import { readFileSync } from "node:fs";
import path from "node:path";
import { codeOf } from "../errors.ts";
import { getAt, isTree, type Path } from "../documents/index.ts";
import { nearest } from "../similar.ts";
import type { ConfigOptions, Sections } from "./contract.ts";
import { nonEmpty, type Draft } from "./draft.ts";
import { environmentName, settingsOf, type Setting } from "./walk.ts";

type Environment = ConfigOptions<Sections>["env"];

/** Variables of ours that are no settings. */
const otherVariables = new Set([
  "STOCKROOM_CONFIG",
  "STOCKROOM_FAULT",
  "STOCKROOM_DATA",
  "STOCKROOM_LAUNCHER",
  // Of commands that ask a server elsewhere.
  "STOCKROOM_SERVER",
  "STOCKROOM_TOKEN",
  "STOCKROOM_TOKEN_FILE",
]);

/** Puts the variables of all settings into the draft; DATABASE_URL last, so that no other goes before it (C1). */
export function readEnvironment(draft: Draft, env: Environment): void {
  const known = new Set<string>();
  // Twice: a map given whole may have entries that are given one by one.
  for (const maps of [true, false]) {
    for (const setting of settingsOf(draft.schema, draft.tree)) {
      const name = environmentName(setting.path);
      known.add(name);
      if (setting.node.meta.secret !== undefined) known.add(`${name}_FILE`);
      if ((setting.node.kind === "record") === maps) readVariable(draft, env, setting, name);
    }
  }
  const url = settingsOf(draft.schema, draft.tree).find(({ path: at }) => at.join(".") === "database.url");
  if (url !== undefined) readVariable(draft, env, url, "DATABASE_URL");
  refuseOtherVariables(draft, env, known);
}

function refuseOtherVariables(draft: Draft, env: Environment, known: ReadonlySet<string>): void {
  for (const name of Object.keys(env)) {
    if (!name.startsWith("STOCKROOM_") || known.has(name) || otherVariables.has(name) || name.startsWith("STOCKROOM_TEST_")) continue;
    // Kubernetes gives every pod such variables for a service of the name stockroom.
    if (/^STOCKROOM_(SERVICE_(HOST|PORT)|PORT(_|$))/.test(name)) continue;
    const meant = nearest(name, [...known]);
    if (meant === undefined) draft.warnings.push(`the variable ${name} is no setting of Stockroom and was not used`);
    else draft.problem([], `unknown variable; did you mean ${meant}?`, `environment ${name}`);
  }
}

function readVariable(draft: Draft, env: Environment, setting: Setting, name: string): void {
  const direct = nonEmpty(env[name]);
  const fileName = setting.node.meta.secret === undefined ? undefined : nonEmpty(env[`${name}_FILE`]);
  if (direct !== undefined && fileName !== undefined) {
    draft.problem(setting.path, `expected one of ${name} and ${name}_FILE but both are set`, `environment ${name}`);
  } else if (fileName !== undefined) {
    const text = readSecretFile(draft, setting.path, path.resolve(draft.cwd, fileName), `environment ${name}_FILE`);
    if (text !== undefined) draft.put(setting, text, { kind: "env", name: `${name}_FILE` });
  } else if (direct !== undefined) {
    draft.put(setting, direct, { kind: "env", name });
  }
}

function readSecretFile(draft: Draft, at: Path, file: string, where: string): string | undefined {
  try {
    const text = readFileSync(file, "utf8").replace(/\r?\n$/, "");
    if (text !== "") return text;
    draft.problem(at, `expected a secret in ${file} but the file is empty`, where);
  } catch (thrown) {
    draft.problem(at, `expected a readable file at ${file} but got ${codeOf(thrown) ?? "an error"}`, where);
  }
  return undefined;
}

/** Puts the flags of the command line into the draft. */
export function readFlags(draft: Draft, { flags = {}, env }: Pick<ConfigOptions<Sections>, "flags" | "env">): void {
  for (const [name, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const settings = settingsOf(draft.schema, draft.tree);
    const setting = settings.find(({ path: at }) => at.join(".") === name);
    if (setting === undefined) {
      const names = settings.map(({ path: at }) => at.join("."));
      const meant = nearest(name, names);
      draft.problem(name.split("."), meant === undefined ? "unknown setting" : `unknown setting; did you mean ${meant}?`, `flag ${name}`);
      continue;
    }
    if (name === "database.url" && nonEmpty(env["DATABASE_URL"]) !== undefined) continue;
    draft.put(setting, String(value), { kind: "flag", name });
  }
}

/** In the file a secret may be named instead of written: `{ env: NAME }` or `{ file: PATH }`. */
export function readNamedSecrets(draft: Draft, env: Environment): void {
  for (const { path: at, node } of settingsOf(draft.schema, draft.tree)) {
    const value = getAt(draft.tree, at);
    if (node.meta.secret === undefined || !isTree(value) || Object.keys(value).length !== 1) continue;
    const { env: name, file } = value;
    // One that cannot be had is a mistake already; an empty text would only add a second.
    if (typeof name === "string") {
      const text = nonEmpty(env[name]);
      if (text === undefined) draft.problem(at, `expected the secret in the variable ${name} but it is not set`);
      draft.replace(at, text);
    } else if (typeof file === "string") {
      draft.replace(at, readSecretFile(draft, at, path.resolve(draft.baseOf(at), file), draft.whereIs(at)));
    }
  }
}
