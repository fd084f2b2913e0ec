// Module: what a system of the product is, as one value. `src/modules.ts` lists them; whoever puts them together loops over that list.
//
// Owns: the shape of that value. Does not own: any system, nor how the app opens one.
//   M1. The value itself is light: names, schemas, SQL. What works or renders is imported inside its functions, when they are called, so that
//       `stockroom --help` and a server of pictures load no more than they need.
//   M2. What is declared (settings, migrations, zones, grants) holds for every app; what acts (workflows, queues, schedules, routes, a front)
//       only where the module is opened: `stockroom up NAME`.
//   M3. Modules meet through an object in the store and an event naming it; no value here names another module.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import type { z } from "zod";
import type { AppCommandTools, Command, Commands, Flags, FormerWords, StaysHere } from "./command/contract.ts";
import type { Compute } from "./compute/contract.ts";
import type { BaseSettings } from "./config/index.ts";
import type { Database, Migration, Tx } from "./database/contract.ts";
import type { StoredEvent, Subscription } from "./events/contract.ts";
import type { FileProfile } from "./intake/profile.ts";
import type { Log } from "./log.ts";
import type { PostNotice } from "./notify/contract.ts";
import type { KeyPattern } from "./objects/awaited.ts";
import type { ObjectStore } from "./objects/contract.ts";
import type { Clock } from "./time.ts";
import type { Actor, Grant, Vault, Zone } from "./vault/contract.ts";
import type { LakeAccess, LakeTable } from "./warehouse/index.ts";
import type { AnyRoutes, Remote } from "./web/remote.ts";
import type {
  ChildOutcome,
  DeadLetter,
  Json,
  QueueDefinition,
  ScheduleDefinition,
  WorkflowDefinition,
  Workflows,
} from "./workflow/contract.ts";

/** What the app hands a module to build on. */
export interface PlatformDeps<Settings> {
  /** The module's own section. */
  readonly settings: Settings;
  readonly database: Database;
  readonly objects: ObjectStore;
  readonly vault: Vault;
  /** Asks sealed tables by SQL; keeps what the next question can use. */
  readonly lake: LakeAccess;
  /** The pool of threads that all modules share. */
  readonly compute: Compute;
  /** Opens a further pool of the module's own; the app closes it. */
  openCompute(threads: number): Compute;
  readonly postNotice: PostNotice;
  readonly clock: Clock;
  readonly log: Log;
  /** Where a page or answer of the app is found, as a reader of a notice would type it: `/runs` -> `http://host:8080/runs`. */
  readonly link: (path: string) => string;
}

/** A module at work in an open app. */
export interface ModuleParts<Deps> {
  /** What its workflows, routes, commands and tables are given. */
  readonly deps: Deps;
  readonly workflows: readonly WorkflowDefinition<Json>[];
  readonly queues: readonly QueueDefinition[];
  readonly subscriptions: readonly Subscription[];
  readonly schedules: readonly ScheduleDefinition[];
  /** The keys under which objects are of use to this module; hints of uploads are made of them. */
  readonly awaited: readonly KeyPattern[];
  /**
   * What to tell whoever stored an object that is waited for and does not count as the settings are; undefined when all is well. `isStored`
   * false: it is about to be stored, and is judged by its key alone.
   */
  remark?(key: string, isStored: boolean): Promise<string | undefined>;
  /** How the columns of a stored object are read, in at most ten lines; undefined where there is nothing to tell. */
  understand?(key: string): Promise<readonly string[] | undefined>;
  /** What becomes of its facts when a run ends otherwise than done; each in the transaction that ends it. Told of every run, its own or not. */
  readonly ends?: RunEnds;
}

export interface RunEnds {
  dead?(tx: Tx, letter: DeadLetter): Promise<void>;
  cancelled?(tx: Tx, workflows: Pick<Workflows, "startIn">, runIds: readonly string[]): Promise<void>;
  revived?(tx: Tx, runId: string): Promise<void>;
}

/** A number for `GET /metrics` that a query of the module's own tables counts, at each scrape: it must be cheap. */
export interface GaugeQuery {
  /** `stockroom_NAME_...` */
  readonly name: string;
  readonly help: string;
  /** Columns that become labels: of few values, never keys or items. */
  readonly labels: readonly string[];
  /** Gives the labels as text and `value`; no row, no number. */
  readonly sql: string;
}

/** An open app as a module's routes and commands see it. */
export interface ModuleApp<Deps> {
  readonly deps: Deps;
  readonly workflows: Workflows;
}

/** From where settings are read: folder, environment, flags by path, and the file when it was named. */
export interface SettingsPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly file?: string | undefined;
}

/** A server that commands ask instead of an app: what its module's routes answer, and what every command may want of it. */
export interface RemoteServer<Routes extends AnyRoutes> extends Remote<Routes> {
  /** Waits until a run has ended, as `workflows.outcome` does. */
  outcome(runId: string): Promise<ChildOutcome<unknown>>;
  /** The name by which the server knows the caller; undefined: nobody signed in. */
  callerName(): Promise<string | undefined>;
  /** Whether any object's key begins so. */
  hasObjects(prefix: string): Promise<boolean>;
}

/** The one place where a command asks: the app on this machine, or with `--server` that server. */
export interface Asking<App, Server> {
  /**
   * Gives what `here` finds in the app, opened for it, or what `there` finds over HTTP. Both give the same: what is printed is made of it once.
   *
   * @example
   * const runs = await tools.ask(
   *   async ({ workflows }) => await workflows.list({ limit }),
   *   async (server) => await takeRows(server.pages("GET /api/runs"), ({ runs }) => runs, limit),
   * );
   */
  ask<Here, There>(here: (app: App) => Promise<Here>, there: (server: Server) => Promise<There>): Promise<Here | There>;
}

/** The command line as a module's commands see it. */
export interface ModuleTools<Deps, Settings = unknown>
  extends
    AppCommandTools<ModuleApp<Deps>>,
    // oxlint-disable-next-line typescript/no-explicit-any -- each module knows its own routes (cli/tools.ts); here they may be any
    Asking<ModuleApp<Deps>, RemoteServer<any>> {
  /** Reads the module's own settings without opening anything; other modules' sections stay unread. */
  settings(): OwnSettings<Settings>;
}

/** The settings a module reads when it stands alone. */
export interface OwnSettings<Settings> extends SettingsPlace {
  readonly own: Settings;
  readonly server: BaseSettings["server"];
  readonly log: BaseSettings["log"];
  /** From where relative places in the settings file are meant: the file's folder. */
  readonly folder: string;
}

/** What answers below `/NAME/` of the app's port before any framework sees the request. */
export interface Front {
  listener(request: IncomingMessage, response: ServerResponse): void;
  /** Pages about the front itself, which the server's token guards: `/NAME/metrics`. Everything else below is for everyone. */
  isGuarded(url: string): boolean;
  /** Adds its numbers to the app's. */
  measure(registry: Registry): void;
  close(): Promise<void>;
}

/** A module that can be served without the rest of the app: no database, no durable runs. */
export interface Alone<Settings> {
  /** Further flags of `stockroom up NAME`. */
  readonly args: Flags;
  /** Settings that flags of those give, by path. */
  readonly flags: Readonly<Record<string, string>>;
  /** Opens it; `words` are the words of the command line, for flags that may be given again. */
  open(settings: OwnSettings<Settings>, words: readonly string[]): Promise<OpenAlone>;
}

export interface OpenAlone {
  readonly url: string;
  /** One line for whoever started it. */
  readonly about: string;
  close(): Promise<void>;
}

/** What putting a sample in needs of an open app. */
export interface SampleTools {
  readonly objects: Pick<ObjectStore, "put" | "head">;
  readonly workflows: Pick<Workflows, "idle" | "list">;
  readonly actor: Actor;
  readonly signal: AbortSignal;
  /** One line about what is being done now. */
  say(text: string): void;
  /** How far the runs are; called often. */
  progress(done: number, total: number, note: string): void;
}

export interface Sample {
  /** Puts the sample in and follows it through; again, it changes nothing. `stored`: files that were new. */
  seed(tools: SampleTools): Promise<{ readonly stored: number; readonly files: number }>;
  /** What to look at afterwards: a command and what it shows. */
  readonly tour: readonly (readonly [command: string, shows: string])[];
}

/** Commands that stand under a noun of their own. */
export interface Noun<Deps, Settings> {
  make(tools: ModuleTools<Deps, Settings>): Promise<Command>;
}

/** A system of the product. */
export interface Module<Name extends string, Schema extends z.ZodType, Deps> {
  /** Of its section in `stockroom.yaml`, its commands, its routes (`/api/NAME`, `/NAME`), its queues and events. */
  readonly name: Name;
  /** One line for `stockroom --help`. */
  readonly about: string;
  /** The section `NAME` of the settings. */
  readonly settings: Schema;
  /** Applied in order after the platform's; append, never change one that was applied. */
  readonly migrations: readonly Migration[];
  /** Parts of the store with a key of their own. */
  readonly zones: readonly Zone[];
  /** Zones that reports rest on: no version in them goes by itself. */
  readonly records?: readonly string[];
  /** Who may read and write which zone, the roles `operator` and `inbox` included. */
  readonly grants: readonly Grant[];
  /** Builds what works; starts nothing. */
  make(platform: PlatformDeps<z.output<Schema>>): Promise<ModuleParts<Deps>>;
  /** Mounts `/api/NAME` and its pages. */
  routes?(server: FastifyInstance, app: ModuleApp<Deps>): Promise<void>;
  /** Its pages for people, as the app's first page leads there. */
  readonly page?: { readonly path: string; readonly name: string; readonly about: string };
  /** What it answers by itself; undefined when the settings ask for nothing. Opened by an app that serves. */
  front?(given: FrontGiven<z.output<Schema>>): Promise<Front | undefined>;
  readonly alone?: Alone<z.output<Schema>>;
  /** The commands below `stockroom NAME`. */
  commands(tools: ModuleTools<Deps, z.output<Schema>>): Promise<Commands>;
  /** What it has of its own beside them, by their nouns: `stockroom forecasts list`. */
  readonly nouns?: Readonly<Record<string, Noun<Deps, z.output<Schema>>>>;
  /** Its commands by the words they had before, from the first word on. */
  readonly formerWords?: readonly FormerWords[];
  /** Its commands that no server elsewhere is asked for, by their words after its name. */
  readonly staysHere?: Readonly<Record<string, StaysHere>>;
  /** Which of its commands a file is for that stands in a command's place: `stockroom forecast sales.csv`. */
  readonly forFiles?: string;
  /** What it could do with a table as it was found, in lines for a person; none when nothing. */
  look?(profile: FileProfile): Promise<readonly string[]>;
  /** The same as plain JSON, for programs; undefined when nothing. */
  propose?(profile: FileProfile): Promise<unknown>;
  /** What can be asked by SQL, as `actor` may read it. */
  tables?(deps: Deps, actor: Actor): Promise<readonly LakeTable[]>;
  /** Kinds of events after which those tables have other rows. */
  readonly tablesChange?: readonly string[];
  readonly sample?: Sample;
  /** Its numbers for Prometheus. */
  readonly gauges?: readonly GaugeQuery[];
  /** Examples for the help of the platform's own commands, by their names: `{ put: ["stockroom put ..."] }`. */
  readonly examples?: Readonly<Record<string, readonly string[]>>;
}

export interface FrontGiven<Settings> {
  readonly settings: Settings;
  /** From where relative places in the settings file are meant. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/** A module of any kind. What `make` gave as `deps` goes back to the same module's functions alone. */
export type AnyModule = Module<string, z.ZodType, unknown>;

/**
 * Declares a module; its types follow from the value.
 *
 * @example
 * export const returns = defineModule({
 *   name: "returns", about: "Goods that come back", settings: z.strictObject({}), migrations: [], zones: [], grants: [],
 *   make: async (deps) => ({ deps, workflows: [], queues: [], subscriptions: [], schedules: [], awaited: [] }),
 *   commands: async () => ({}),
 * });
 */
export function defineModule<const Name extends string, Schema extends z.ZodType, Deps>(
  module: Module<Name, Schema, Deps>,
): Module<Name, Schema, Deps> {
  return module;
}

/** A text of an event's facts; "" when it has none, which a module's own events never lack. */
export function textOf(event: Pick<StoredEvent, "data">, name: string): string {
  const value = event.data[name];
  return typeof value === "string" ? value : "";
}

/** Which version of which object an event of the store is about. */
export const storedObject = (event: Pick<StoredEvent, "data">): { readonly key: string; readonly version: string } => ({
  key: textOf(event, "key"),
  version: textOf(event, "version"),
});
