// File: which settings file is read, and what it says.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { codeOf } from "../errors.ts";
import { concealText } from "../log.ts";
import { isTree, own, parseYaml, showValue, type Schema, type Tree, type YamlDocument } from "../documents/index.ts";
import type { ConfigOptions, Sections } from "./contract.ts";
import { expandHome, nonEmpty, relative, type Draft } from "./draft.ts";
import { nodeOf } from "./walk.ts";

export const settingsFileName = "stockroom.yaml";
export const defaultHome = ".stockroom";

type World = Pick<ConfigOptions<Sections>, "file" | "env" | "flags" | "cwd">;

/** The home folder as a flag or the environment names it, before any file is read. */
function homeGiven({ flags, env }: World): string | undefined {
  const flag = flags?.["home"];
  return flag === undefined ? nonEmpty(env["STOCKROOM_HOME"]) : String(flag);
}

interface ChosenFile {
  readonly file: string;
  /** `named`: by the caller or STOCKROOM_CONFIG, so it must be there. */
  readonly as: "named" | "here" | "home";
  /** The settings file of the home folder, when it is there too and stays unread. */
  readonly unread?: string;
}

/** C5. That of the home folder only counts where none is named and none stands here. */
function chooseFile(world: World): ChosenFile {
  const { cwd } = world;
  const named = world.file ?? nonEmpty(world.env["STOCKROOM_CONFIG"]);
  if (named !== undefined) return { file: path.resolve(cwd, named), as: "named" };
  const here = path.resolve(cwd, settingsFileName);
  const home = path.resolve(cwd, expandHome(nonEmpty(homeGiven(world)) ?? defaultHome), settingsFileName);
  if (home === here || !existsSync(home)) return { file: here, as: "here" };
  return existsSync(here) ? { file: here, as: "here", unread: home } : { file: home, as: "home" };
}

/** Reads the settings file, if there is one, into the draft. */
export function readSettingsFile(draft: Draft, world: World): void {
  const chosen = chooseFile(world);
  const { file } = chosen;
  const name = relative(file, draft.cwd);
  if (chosen.unread !== undefined)
    draft.warnings.push(`${name} is the settings file; ${relative(chosen.unread, draft.cwd)} is there too and was not read`);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (thrown) {
    const code = codeOf(thrown) ?? "an error";
    if (code !== "ENOENT" || chosen.as === "named") draft.problem([], `expected a readable file but got ${code}`, name);
    return;
  }
  draft.file = file;
  const document = parseYaml(text);
  for (const { message, line, column } of document.mistakes) {
    draft.problem([], `expected YAML but got this: ${concealText(message)}`, `${name}:${line}:${column}`);
  }
  if (document.mistakes.length > 0) return;
  const value = document.value();
  if (value === null || value === undefined) return;
  if (!isTree(value)) {
    draft.problem([], "expected sections such as `server:` but got a single value or a list", `${name}:1:1`);
    return;
  }
  Object.assign(draft.tree, value);
  markPlaces(draft, document, file);
  if (chosen.as === "home") refuseOtherHome(draft, world, file);
  // `server:` with nothing under it is an empty section, not a wrong one.
  dropEmptyMaps(draft.schema, draft.tree);
}

function markPlaces(draft: Draft, document: YamlDocument, file: string): void {
  const name = relative(file, draft.cwd);
  for (const { path: at, key, value } of document.places()) {
    draft.mark(at.map(String), { kind: "file", file, ...value }, key && `${name}:${key.line}:${key.column}`);
  }
}

/** A file that was found in the home folder cannot send everything to another one. */
function refuseOtherHome(draft: Draft, world: World, file: string): void {
  const said = draft.tree["home"];
  if (typeof said !== "string" || homeGiven(world) !== undefined) return;
  const home = path.dirname(file);
  if (path.resolve(home, expandHome(said)) === home) return;
  draft.problem(
    ["home"],
    `expected no other home in the settings file of the home folder itself but got ${showValue(said)}; set it in a ${settingsFileName} here, by --home or by STOCKROOM_HOME`,
  );
}

function dropEmptyMaps(schema: Schema, tree: Tree): void {
  const node = nodeOf(schema, tree);
  for (const key of Object.keys(tree)) {
    const inner = node.kind === "record" ? node.value : node.kind === "object" ? own(node.shape, key) : undefined;
    const value = tree[key];
    if (inner === undefined) continue;
    if (value === null && nodeOf(inner, {}).kind !== "leaf") delete tree[key];
    else if (isTree(value)) dropEmptyMaps(inner, value);
  }
}
