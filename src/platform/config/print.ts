// Print: the settings in force, each with where it came from, and no secret.

import path from "node:path";
import { concealText, isSecretName } from "../log.ts";
import { getAt, isTree } from "../documents/index.ts";
import type { Config, Origin, Sections } from "./contract.ts";
import { formatOrigin, relative } from "./draft.ts";
import { environmentName, settingsOf } from "./walk.ts";

/** One setting as `stockroom config print --json` lists it. */
export interface ConfigRow {
  readonly path: string;
  /** Masked if secret; `undefined`: not set. */
  readonly value: unknown;
  readonly origin: Origin;
  readonly environment: string;
  readonly description: string;
}

const masked = "[secret]";

/** Lists every setting with its value (secrets masked) and its origin, in the order of the schema. */
export function describeConfig(config: Config<Sections>): readonly ConfigRow[] {
  return settingsOf(config.schema, config.values)
    .filter(({ path, node }) => node.kind === "leaf" || isEmptyMap(getAt(config.values, path)))
    .map(({ path, node }) => {
      const value = getAt(config.values, path);
      return {
        path: path.join("."),
        value: value === undefined ? undefined : node.meta.secret === "whole" ? masked : hide(value, path.at(-1) ?? ""),
        origin: originOf(config.origins, path),
        environment: environmentName(path),
        description: node.meta.description ?? "",
      };
    });
}

/** The settings as lines `path = value  # origin`, for people, after the file they were read from. */
export function printConfig(config: Config<Sections>, cwd: string): string {
  const rows = describeConfig(config).map((row) => ({
    left: `${row.path} = ${row.value === undefined ? "(not set)" : typeof row.value === "string" ? row.value : JSON.stringify(row.value)}`,
    right: row.value === undefined ? "" : formatOrigin(row.origin, cwd),
  }));
  const width = Math.min(72, Math.max(...rows.map(({ left }) => left.length)));
  const file = config.file === undefined ? `none: neither here nor in ${config.values.home}` : relative(config.file, cwd);
  return `# settings file: ${file}\n${rows.map(({ left, right }) => (right === "" ? left : `${left.padEnd(width)}  # ${right}`)).join("\n")}\n`;
}

function originOf(origins: ReadonlyMap<string, Origin>, path: readonly string[]): Origin {
  const exact = origins.get(path.join("."));
  if (exact !== undefined) return exact;
  // Given as part of a whole by the environment; a section's place in the file says nothing of what it leaves out.
  for (let depth = path.length - 1; depth > 0; depth--) {
    const above = origins.get(path.slice(0, depth).join("."));
    if (above !== undefined && above.kind !== "file") return above;
  }
  return { kind: "default" };
}

function isEmptyMap(value: unknown): boolean {
  return isTree(value) && Object.keys(value).length === 0;
}

/** A module may forget to mark a secret; its name still gives it away. */
function hide(value: unknown, name: string): unknown {
  if (typeof value === "string") return isSecretName(name) ? masked : concealText(value);
  if (Array.isArray(value)) return value.map((item) => hide(item, name));
  if (isTree(value)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hide(inner, key)]));
  return value;
}

/**
 * A settings file to begin with: every setting as a comment with its meaning and its usual value, so that nothing changes until a line is
 * uncommented. Secrets and what has no usual value stand as `name:` alone.
 */
export function sampleFile(config: Config<Sections>): string {
  const home = config.values.home + path.sep;
  const lines: string[] = [
    "# # Settings of Stockroom. Every line is a comment: uncomment what you change, with the names above it. Times are in milliseconds, sizes in bytes.",
    "# # `stockroom config check` tells every mistake; the environment (in brackets) wins over this file, flags over both.",
  ];
  let above: readonly string[] = [];
  for (const { path: name, value, environment, description } of describeConfig(config)) {
    const names = name.split(".");
    if (names[0] !== above[0]) lines.push("");
    for (let depth = 0; depth < names.length - 1; depth++) {
      if (names.slice(0, depth + 1).join(".") === above.slice(0, depth + 1).join(".")) continue;
      lines.push(`#${indent(depth)}${quoted(names[depth] ?? "")}:`);
    }
    above = names.slice(0, -1);
    const depth = above.length;
    if (description !== "") lines.push(`#${indent(depth)}# ${description.replaceAll(/\s+/g, " ")} (${environment})`);
    const isSecret = value === masked || (Array.isArray(value) && value.includes(masked));
    const usual = typeof value === "string" && `${value}${path.sep}`.startsWith(home) ? undefined : value;
    lines.push(`#${indent(depth)}${quoted(names.at(-1) ?? "")}:${usual === undefined || isSecret ? "" : ` ${JSON.stringify(usual)}`}`);
  }
  return `${lines.join("\n")}\n`;
}

const indent = (depth: number): string => ` ${"  ".repeat(depth)}`;
const quoted = (name: string): string => (/^\w+$/.test(name) ? name : JSON.stringify(name));
