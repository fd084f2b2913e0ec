// What is read, and what comes of it. See read.ts.

import type { z } from "zod";
import type { BaseSettings } from "./schema.ts";

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
