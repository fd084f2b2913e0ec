// Draft: the settings while they are gathered, source by source: the values so far, where each came from, and every mistake.

import os from "node:os";
import path from "node:path";
import { parse } from "yaml";
import type { z } from "zod";
import { unknownKind } from "../errors.ts";
import { getAt, isTree, type Path, type Tree } from "../documents/index.ts";
import type { ConfigProblem, Origin } from "./contract.ts";
import { setAt, type Node, type Setting } from "./walk.ts";

export class Draft {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: string[] = [];
  readonly origins = new Map<string, Origin>();
  readonly tree: Tree = {};
  readonly schema: z.ZodObject;
  readonly cwd: string;
  /** The file that was read, if any. */
  file: string | undefined;
  /** Where each key of the file stands; a mistake in the key itself is told there, not at its value. */
  readonly #keys = new Map<string, string>();

  constructor(schema: z.ZodObject, cwd: string) {
    this.schema = schema;
    this.cwd = cwd;
  }

  problem(at: Path, message: string, where?: string): void {
    this.problems.push({ path: at.join("."), message, where: where ?? this.whereIs(at) });
  }

  /** A mistake in the key at `at` rather than in its value. */
  keyProblem(at: Path, message: string): void {
    this.problem(at, message, this.#keys.get(at.join(".")));
  }

  /** Where the value at `at` came from; of one that is missing, where it should stand. */
  whereIs(at: Path): string {
    for (let depth = at.length; depth > 0; depth--) {
      const origin = this.origins.get(at.slice(0, depth).join("."));
      if (origin !== undefined) return formatOrigin(origin, this.cwd);
    }
    return this.file === undefined ? "settings" : relative(this.file, this.cwd);
  }

  /** From where a relative path at `at` counts. */
  baseOf(at: Path): string {
    for (let depth = at.length; depth > 0; depth--) {
      const origin = this.origins.get(at.slice(0, depth).join("."));
      if (origin?.kind === "file") return path.dirname(origin.file);
      if (origin !== undefined) break;
    }
    return this.cwd;
  }

  /** Notes where a value of the file stands, and its key. */
  mark(at: Path, origin: Origin, key: string | undefined): void {
    this.origins.set(at.join("."), origin);
    if (key !== undefined) this.#keys.set(at.join("."), key);
  }

  /** Puts a text of the environment or of a flag into the tree, read as the schema asks, over whatever stood there. */
  put(setting: Setting, text: string, origin: Origin): void {
    const key = setting.path.join(".");
    for (const old of this.origins.keys()) {
      if (!old.startsWith(`${key}.`)) continue;
      this.origins.delete(old);
      this.#keys.delete(old);
    }
    this.origins.set(key, origin);
    setAt(this.tree, setting.path, readText(setting.node, text));
  }

  /** Sets a value, or takes it away. */
  replace(at: Path, value: string | undefined): void {
    const above = getAt(this.tree, at.slice(0, -1));
    const last = at.at(-1);
    if (value !== undefined) setAt(this.tree, at, value);
    else if (isTree(above) && last !== undefined) delete above[last];
  }
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

/** `~/` is the user's own folder. */
export function expandHome(text: string): string {
  return text.startsWith("~/") ? path.join(os.homedir(), text.slice(2)) : text;
}

export function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

/** A file as people here call it: below the working directory by its relative path. */
export function relative(file: string, cwd: string): string {
  const short = path.relative(cwd, file);
  return short === "" || short.startsWith("..") || path.isAbsolute(short) ? file : short;
}

/** e.g. `stockroom.yaml:3:9`, `environment STOCKROOM_SERVER_PORT`, `flag server.port`, `default`. */
export function formatOrigin(origin: Origin, cwd: string): string {
  switch (origin.kind) {
    case "file":
      return `${relative(origin.file, cwd)}:${origin.line}:${origin.column}`;
    case "env":
      return `environment ${origin.name}`;
    case "flag":
      return `flag ${origin.name}`;
    case "default":
      return "default";
    default:
      throw unknownKind(origin, "origin of a setting");
  }
}
