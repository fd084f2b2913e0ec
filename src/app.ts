// The app: the one place where everything is wired, config -> parts -> { start, stop }.
//
// Owns: the order in which parts open and close, whose grants are whose, the start-up proof that every part is there.
// Does not own: what any part does. It knows no module by name; modules.ts lists them.
//   H1. Parts open from the ground up and close in the opposite order, also when opening fails half way.
//   H2. An app that works takes runs, sweeps and watches the inbox; a client app reads, writes and starts runs (relaying is harmless anywhere).
//   H3. Settings are read once, here; every problem with them is told at once.
//   H4. Every module is known: its tables, zones, subscriptions and workflows. Only one that is open here (`open`) has its runs taken, its
//       schedules started and its front opened by this process; what waits for the others stays in their queues.

import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { availableParallelism, hostname } from "node:os";
import path from "node:path";
import process from "node:process";
import type { z } from "zod";
import { modules as allModules } from "./modules.ts";
import type { AnyModule, Front, Module, ModuleParts, PlatformDeps, SettingsPlace } from "./platform/module.ts";
import { systemClock, type Clock } from "./platform/time.ts";
import { openCompute, type Compute } from "./platform/compute/index.ts";
import { type LakeAccess, openLake } from "./platform/warehouse/index.ts";
import { checkConfig, readConfig, settingsFileName, type BaseSettings, type Config, type Sections } from "./platform/config/index.ts";
import { isStockroomError, StockroomError } from "./platform/errors.ts";
import { openEvents, type Events } from "./platform/events/index.ts";
import { identityMigrations } from "./platform/identity/migrations.ts";
import { makeLog, type Log } from "./platform/log.ts";
import { makeNotify, notifyMigrations, postNotice, type Notices } from "./platform/notify/notify.ts";
import { hintOf } from "./platform/objects/awaited.ts";
import type { ObjectEntry, ObjectStore, ReconcileReport } from "./platform/objects/contract.ts";
import { proveFreeSpace } from "./platform/objects/disk.ts";
import { folderOf } from "./platform/objects/drivers/open.ts";
import { openTracing } from "./platform/tracing/export.ts";
import { openInbox } from "./platform/objects/inbox.ts";
import { objectsMigrations } from "./platform/objects/migrations.ts";
import { mappingMigrations } from "./platform/mappings/mappings.ts";
import { openObjectStore } from "./platform/objects/store.ts";
import type { Database, Migration, Tx } from "./platform/database/contract.ts";
import { databaseMigrations } from "./platform/database/outbox.ts";
import { copiedHome, openDatabase, identifyHome, type Home } from "./platform/database/index.ts";
import type { Access, Actor, Grant, Vault, Zone } from "./platform/vault/contract.ts";
import { vaultMigrations } from "./platform/vault/migrations.ts";
import { openVault } from "./platform/vault/vault.ts";
import { makePublish, publishActor, publishGrants, publishQueue } from "./platform/publish/publish.ts";
import { tablesOf } from "./platform/publish/tables.ts";
import { makeMaintenance, maintenanceGrants, maintenanceMigrations, type Keep } from "./platform/maintenance/maintenance.ts";
import {
  openWorkflows,
  workflowMigrations,
  type DeadLetter,
  type OpenWorkflows,
  type OpenWorkflowsOptions,
  type WorkflowDefinition,
  type WorkflowSetup,
} from "./platform/workflow/index.ts";

type Modules = typeof allModules;
type Named<All extends readonly AnyModule[], Name> = Extract<All[number], { readonly name: Name }>;
type SectionsOf<All extends readonly AnyModule[]> = { readonly [Name in All[number]["name"]]: Named<All, Name>["settings"] };
type DepsOf<One> = One extends Module<string, z.ZodType, infer Deps> ? Deps : never;
type PartsOf<All extends readonly AnyModule[]> = { readonly [Name in All[number]["name"]]: ModuleParts<DepsOf<Named<All, Name>>> };

/** The sections of the settings that modules declare, by their names. */
export function sectionsOf<const All extends readonly AnyModule[]>(modules: All): SectionsOf<All> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made of the list at run time, so only here can it be known
  return Object.fromEntries(modules.map(({ name, settings }) => [name, settings])) as SectionsOf<All>;
}

export const moduleSections = sectionsOf(allModules);

export type Settings = BaseSettings & { readonly [Name in keyof typeof moduleSections]: z.infer<(typeof moduleSections)[Name]> };

export interface AppOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Settings by path, e.g. `{ "server.port": "9000" }`. */
  readonly flags?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly file?: string | undefined;
  /** True: takes runs (`up`, `worker`). False: a command beside it. */
  readonly work: boolean;
  /** True: the fronts of its modules are opened too, for a server that answers (`up`). Default: not. */
  readonly serves?: boolean | undefined;
  /** Names of the modules that are at work here (H4). Default: all. */
  readonly open?: readonly string[] | undefined;
  readonly clock?: Clock;
  /** Default: to standard error, as the settings say. */
  readonly log?: Log;
  readonly signal?: AbortSignal;
}

/** A module of an open app. */
export interface OpenModule {
  readonly module: AnyModule;
  readonly parts: ModuleParts<unknown>;
  /** Whether it is at work in this process. */
  readonly isOpen: boolean;
  /** What it answers by itself; only in an app that serves. */
  readonly front: Front | undefined;
}

/** What every open app has, whatever its modules. */
export interface OpenApp {
  readonly settings: BaseSettings;
  readonly config: Config<Sections>;
  readonly clock: Clock;
  readonly log: Log;
  /** Which home this is; a quiet one (a copy, a restored backup) starts no schedules and sends nothing out. */
  readonly home: Home;
  readonly database: Database;
  readonly vault: Vault;
  readonly objects: ObjectStore;
  /** Asks sealed tables by SQL; keeps what the next question can use. */
  readonly lake: LakeAccess;
  readonly compute: Compute;
  readonly workflows: OpenWorkflows;
  readonly events: Events;
  readonly notices: Notices;
  /** In the order of the list. */
  readonly modules: readonly OpenModule[];
  /** What to tell whoever stored an object that nothing waits for, or that does not count as it is. */
  hintOf(key: string): Promise<string | undefined>;
  /** How the columns of a stored object are read, in lines; undefined where there is nothing to tell. */
  understoodOf(key: string): Promise<readonly string[] | undefined>;
  /** What was found amiss in the store at opening. Empty for a client. */
  readonly warnings: readonly string[];
  close(): Promise<void>;
}

/** An open app; each module's parts under its name. */
export type AppOf<All extends readonly AnyModule[]> = OpenApp & PartsOf<All>;
export type App = AppOf<Modules>;

/** Whom the command line and HTTP act as in the rest of the store; modules grant for their own zones. */
const generalGrants: readonly Grant[] = [
  { role: "operator", zone: "general", access: "read" },
  { role: "operator", zone: "general", access: "write" },
  // The inbox folder may put what an operator may put, and read nothing.
  { role: "inbox", zone: "general", access: "write" },
];

const zonesOf = (modules: readonly AnyModule[]): readonly Zone[] => [
  ...modules.flatMap(({ zones }) => zones),
  { name: "general", prefixes: [""] },
];

const migrationsOf = (modules: readonly AnyModule[]): readonly Migration[] => [
  ...vaultMigrations,
  ...objectsMigrations,
  ...mappingMigrations,
  ...workflowMigrations,
  ...notifyMigrations,
  ...maintenanceMigrations,
  ...identityMigrations,
  ...modules.flatMap((module) => module.migrations),
];

const recordsOf = (modules: readonly AnyModule[]): readonly string[] => modules.flatMap(({ records = [] }) => records);

/** What reports rest on: no version of it goes by itself. */
export const recordZones: readonly string[] = recordsOf(allModules);

/** How long things are kept, as the settings say. */
export function keepOf({ retention }: Pick<BaseSettings, "retention">): Keep {
  const or = (ms: number): number | undefined => (ms === 0 ? undefined : ms);
  return {
    formerVersions: or(retention.formerVersions),
    removedObjects: or(retention.removedObjects),
    staging: or(retention.staging),
    keyUses: or(retention.keyUses),
    notices: or(retention.notices),
    deadLetters: or(retention.deadLetters),
    runs: or(retention.runs),
    events: or(retention.events),
  };
}

/** For ever is a thousand years. */
const daysOf = (ms: number): number => (ms === 0 ? 365_000 : ms / 86_400_000);

/** The changes to the database that this program knows, by id. */
export const knownMigrations: readonly string[] = [...databaseMigrations, ...migrationsOf(allModules)].map(({ id }) => id);

/** Proofs of readiness beyond the server's own: that runs are taken, and that there is room to write. */
export function appProbes({ workflows, settings }: Pick<OpenApp, "workflows" | "settings">): Readonly<Record<string, () => Promise<void>>> {
  const { home, objects, vault, disk } = settings;
  const folders = [home, path.join(home, "postgres"), folderOf(objects), path.dirname(vault.keyFile)];
  return {
    workflows: async () => {
      if (workflows.taking) return;
      throw new StockroomError(
        "busy",
        "WORKFLOWS_NOT_TAKING",
        "Expected this process to take runs but it does not now: it lost its sign of life.",
      );
    },
    disk: () => proveFreeSpace(folders, disk.minFree),
  };
}

/** Reads the settings of everything; throws one `input` error with all problems. */
export function readSettings(options: SettingsPlace): Config<typeof moduleSections> {
  return readConfig({ sections: moduleSections, cwd: options.cwd, env: options.env, flags: options.flags ?? {}, file: options.file });
}

/** The same without throwing, for `stockroom config check`. */
export function checkSettings(options: SettingsPlace): ReturnType<typeof checkConfig<typeof moduleSections>> {
  return checkConfig({ sections: moduleSections, cwd: options.cwd, env: options.env, flags: options.flags ?? {}, file: options.file });
}

/** Makes the log the settings ask for. */
export function logOf(settings: Pick<BaseSettings, "log">): Log {
  const { level, format } = settings.log;
  return makeLog({ level, format: format === "auto" ? (process.stderr.isTTY ? "pretty" : "json") : format });
}

/**
 * Opens the app. Throws what the parts throw: `input` for settings, `conflict` for a taken executor id, `busy` for an unreachable database.
 *
 * @example
 * const app = await openApp({ cwd: process.cwd(), env: process.env, work: true });
 * await app.objects.put(actor, "notes/june.csv", body);
 * await app.close();
 */
export async function openApp(options: AppOptions): Promise<App> {
  return await openAppOf(allModules, options);
}

/** The same with modules of the caller's. Throws `input` `USAGE` for a name in `open` that none of them has. */
export async function openAppOf<const All extends readonly AnyModule[]>(modules: All, options: AppOptions): Promise<AppOf<All>> {
  const { cwd, env, flags = {}, file } = options;
  const config: Config<Sections> = readConfig({ sections: sectionsOf<readonly AnyModule[]>(modules), cwd, env, flags, file });
  const app = await open(modules, config, options);
  const byName = Object.fromEntries(app.modules.map(({ module, parts }) => [module.name, parts]));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made of the list at run time, so only here can it be known
  return { ...app, ...byName } as unknown as AppOf<All>;
}

async function open(modules: readonly AnyModule[], config: Config<Sections>, options: AppOptions): Promise<OpenApp> {
  const log = options.log ?? logOf(config.values);
  for (const warning of config.warnings) log.warn(warning);
  const closers = makeClosers();
  try {
    return await openInOrder(modules, config, { ...options, log }, closers);
  } catch (error) {
    await closers.close().catch((second: unknown) => log.warn("closing after a failed opening failed too", { error: second }));
    throw error;
  }
}

/** What has been opened, closed in the opposite order (H1). */
interface Closers {
  readonly keep: <Part>(part: Part, close: (part: Part) => Promise<void>) => Part;
  readonly close: () => Promise<void>;
}

function makeClosers(): Closers {
  const opened: (() => Promise<void>)[] = [];
  return {
    keep: (part, close) => {
      opened.push(() => close(part));
      return part;
    },
    close: async () => {
      const problems: unknown[] = [];
      for (const one of opened.splice(0).toReversed()) {
        await one().catch((error: unknown) => problems.push(error));
      }
      if (problems.length > 0) throw problems[0];
    },
  };
}

type OpenOptions = AppOptions & { readonly log: Log };

async function openInOrder(
  modules: readonly AnyModule[],
  config: Config<Sections>,
  options: OpenOptions,
  { keep, close }: Closers,
): Promise<OpenApp> {
  const settings: BaseSettings = config.values;
  const { log, clock = systemClock } = options;
  const tracing = await openTracing({ settings: settings.tracing, env: options.env, instance: `${hostname()}/${process.pid}`, log });
  if (tracing !== undefined) keep(tracing, async (part) => await part.close());
  const { database, home, vault, objects } = await openStore(modules, settings, options, keep);
  const quiet = home.standing !== "active";
  const openThreads = (threads: number): Compute => keep(openCompute({ log, threads }), async (pool) => await pool.close());
  const compute = openThreads(settings.workflow.threads ?? availableParallelism());
  const lake = keep(openLake(), async (part) => await part.close());
  const link = linkOf(settings.server);
  const platform = { database, objects, vault, lake, compute, openCompute: openThreads, postNotice, clock, log, link };
  const made = await makeModules(modules, config, platform, options.open);
  const all = made.map(({ parts }) => parts);
  const notices = makeNotify({ database, ...settings.notify, log, clock, outward: !quiet });
  const publish = makePublish({
    settings: settings.publish,
    lake,
    tables: async () => await tablesOf(made, publishActor),
    kinds: modules.flatMap(({ tablesChange = [] }) => tablesChange),
  });
  const upkeep = makeMaintenance({
    database,
    objects,
    log,
    clock,
    keep: keepOf(settings),
    recordZones: recordsOf(modules),
    bytesPerSecond: settings.upkeep.scrubBytesPerSecond,
    scrubCron: settings.upkeep.scrubSchedule,
  });
  const workflows: OpenWorkflows = keep(
    await openWorkflowsOf(options.work, settings, {
      ...workflowSetupOf({ made, settings, quiet, notices, upkeep, publish, reconcile: reconcileOf(objects, log) }),
      ...endsOf(all, settings, () => workflows),
      database,
      log,
      clock,
      livenessMs: settings.workflow.livenessIntervalMs,
      misses: settings.workflow.livenessMisses,
      crashLimit: settings.workflow.crashLimit,
      keepDays: daysOf(settings.retention.runs),
    }),
    async (part) => await part.close(),
  );
  if (options.work && !quiet) await notices.publishTopics();
  const events = keep(
    await openEvents({
      database,
      workflows,
      subscriptions: [...all.flatMap((parts) => parts.subscriptions), ...notices.subscriptions, ...publish.subscriptions],
      log,
      serves: options.work,
      keepDays: daysOf(settings.retention.events),
    }),
    async (part) => await part.close(),
  );
  const hint = makeHint(all);
  const warnings = options.work ? tellStore(await objects.reconcile(), log) : [];
  if (options.work) {
    const inbox = await openInbox({
      folder: settings.inbox.folder,
      unchangedMs: settings.inbox.settleMs,
      store: objects,
      actor: { role: "inbox", purpose: "inbox folder" } satisfies Actor,
      // The notice is kept with the commit, so it is written before.
      hintOf: async (key) => await hint(key, false),
      tell: tellHint,
      clock,
      log,
    });
    keep(inbox, async (part) => await part.close());
  }
  const openModules = await openFronts(made, config, options, keep);
  return {
    settings,
    config,
    clock,
    log,
    home,
    database,
    vault,
    objects,
    lake,
    compute,
    workflows,
    events,
    notices,
    modules: openModules,
    hintOf: async (key) => await hint(key, true),
    understoodOf: async (key) => await understoodOf(all, key),
    warnings,
    close,
  };
}

/** The database, whose home it is, the keys and the objects. */
async function openStore(
  modules: readonly AnyModule[],
  settings: BaseSettings,
  { work, log, clock = systemClock, signal }: OpenOptions,
  keep: Closers["keep"],
): Promise<Pick<OpenApp, "database" | "home" | "vault" | "objects">> {
  await mkdir(settings.home, { recursive: true, mode: 0o700 });
  const database = keep(
    await openDatabase({
      url: settings.database.url,
      home: settings.home,
      log,
      migrations: migrationsOf(modules),
      signal,
      poolSize: settings.database.poolSize,
    }),
    async (part) => await part.close(),
  );
  const home = await knowHome(database, settings.home, work, log);
  const zones = zonesOf(modules);
  const usual = [...modules.flatMap(({ grants }) => grants), ...generalGrants, ...maintenanceGrants(zones), ...publishGrants(zones)];
  const grants = overriddenGrants(usual, settings.vault.grants);
  const vault = await openVault({ keyFile: settings.vault.keyFile, zones, grants, database, clock, log });
  const driver = { kind: settings.objects.driver, root: settings.objects.root };
  const objects = keep(await openObjectStore({ driver, vault, database, clock, log }), async (part) => await part.close());
  return { database, home, vault, objects };
}

type MadeModule = Omit<OpenModule, "front">;

async function makeModules(
  modules: readonly AnyModule[],
  config: Config<Sections>,
  platform: Omit<PlatformDeps<unknown>, "settings">,
  open: AppOptions["open"],
): Promise<readonly MadeModule[]> {
  const made: MadeModule[] = [];
  for (const module of modules) {
    const settings: unknown = config.values[module.name];
    made.push({ module, parts: await module.make({ ...platform, settings }), isOpen: open?.includes(module.name) ?? true });
  }
  return made;
}

interface WorkflowSources {
  readonly made: readonly MadeModule[];
  readonly settings: BaseSettings;
  /** Whether this home is a copy, which starts no schedules and sends nothing out. */
  readonly quiet: boolean;
  readonly notices: Notices;
  readonly upkeep: ReturnType<typeof makeMaintenance>;
  readonly publish: ReturnType<typeof makePublish>;
  readonly reconcile: WorkflowDefinition;
}

/** Queues, workflows and schedules of the platform and of all modules; which queues rest because their module is not open here (H4). */
function workflowSetupOf({ made, settings, quiet, notices, upkeep, publish, reconcile }: WorkflowSources): WorkflowSetup {
  const all = made.map(({ parts }) => parts);
  const here = made.filter(({ isOpen }) => isOpen).map(({ parts }) => parts);
  const queues = [
    ...all.flatMap((parts) => parts.queues),
    notices.queue,
    { name: "house", perWorker: 1, overall: 1 },
    { name: "upkeep", perWorker: 1, overall: 1 },
    publishQueue,
  ];
  const workflows = [
    ...all.flatMap((parts) => parts.workflows),
    ...notices.workflows,
    reconcile,
    ...upkeep.workflows,
    ...publish.workflows,
  ];
  return {
    queues: queues.map((queue) => ({ ...queue, perWorker: settings.workflow.concurrency[queue.name] ?? queue.perWorker })),
    workflows: workflows.map((workflow) => (quiet && workflow.outward === true ? quieted(workflow) : workflow)),
    schedules: [
      ...(quiet ? [] : here.flatMap(({ schedules }) => schedules)),
      ...upkeep.schedules,
      ...(quiet ? [] : publish.schedules),
      { name: "app.reconcile", cron: "17 */6 * * *", workflow: "app.reconcile", input: null },
    ],
    resting: new Set(made.filter(({ isOpen }) => !isOpen).flatMap(({ parts }) => parts.queues.map(({ name }) => name))),
  };
}

/** What the modules, and whoever reads notices, are told of ends that are not the run's own. */
function endsOf(
  all: readonly ModuleParts<unknown>[],
  settings: BaseSettings,
  workflows: () => OpenWorkflows,
): Pick<OpenWorkflowsOptions, "onDead" | "onCancelled" | "onRevived"> {
  return {
    onDead: async (tx, letter) => {
      await tellDead(tx, letter, linkOf(settings.server)(`/api/runs/${encodeURIComponent(letter.runId)}`));
      for (const { ends } of all) await ends?.dead?.(tx, letter);
    },
    onCancelled: async (tx, runIds) => {
      for (const { ends } of all) await ends?.cancelled?.(tx, workflows(), runIds);
    },
    onRevived: async (tx, runId) => {
      for (const { ends } of all) await ends?.revived?.(tx, runId);
    },
  };
}

async function understoodOf(all: readonly ModuleParts<unknown>[], key: string): Promise<readonly string[] | undefined> {
  for (const parts of all) {
    const lines = await parts.understand?.(key);
    if (lines !== undefined) return lines;
  }
  return undefined;
}

function makeHint(all: readonly ModuleParts<unknown>[]): (key: string, isStored: boolean) => Promise<string | undefined> {
  const awaited = all.flatMap((parts) => parts.awaited);
  return async (key, isStored) => {
    if (path.posix.basename(key) === settingsFileName)
      return `nothing waits for such a key; the settings of an installation are the file ${settingsFileName} in its home folder`;
    const meant = hintOf(awaited, key);
    if (meant !== undefined) return meant;
    for (const parts of all) {
      const remark = await parts.remark?.(key, isStored);
      if (remark !== undefined) return remark;
    }
    return undefined;
  };
}

/** The fronts of the modules that are open here, in an app that serves. */
async function openFronts(
  made: readonly MadeModule[],
  config: Config<Sections>,
  { cwd, env, log, serves }: OpenOptions,
  keep: Closers["keep"],
): Promise<readonly OpenModule[]> {
  const folder = config.file === undefined ? cwd : path.dirname(config.file);
  const openModules: OpenModule[] = [];
  for (const one of made) {
    const given = { settings: config.values[one.module.name], folder, env, log: log.child({ part: one.module.name }) };
    const front = serves === true && one.isOpen ? await one.module.front?.(given) : undefined;
    if (front !== undefined) keep(front, async (part) => await part.close());
    openModules.push({ ...one, front });
  }
  return openModules;
}

/** Finds out which home this is. A copy takes no work; a command beside it is told. */
async function knowHome(database: Database, folder: string, work: boolean, log: Log): Promise<Home> {
  const home = await identifyHome(database, folder);
  if (home.standing === "copied") {
    const refusal = copiedHome(folder, home.elsewhere);
    if (work) throw refusal;
    log.warn(refusal.message);
  }
  if (home.standing === "quiet" && work) {
    log.warn(
      "this home is a copy or a restored backup: schedules, notices and deliveries rest. When it is to take the original's place: stockroom home adopt",
      { home: folder, original: home.elsewhere },
    );
  }
  return home;
}

/** What acts on others ends at once in a copy, as a dead letter that says so. */
function quieted(workflow: WorkflowDefinition): WorkflowDefinition {
  return {
    ...workflow,
    tries: 1,
    run: async () => {
      throw new StockroomError(
        "conflict",
        "HOME_QUIET",
        `Expected the home itself to run ${workflow.name} but this is a copy or a restored backup, and the original may do it. If this one takes its place: stockroom home adopt, start it anew, then redrive.`,
      );
    },
  };
}

/** Defaults of all parts, then what the settings say of a role and zone instead. */
function overriddenGrants(usual: readonly Grant[], overrides: BaseSettings["vault"]["grants"]): readonly Grant[] {
  const grants = new Map(usual.map((grant) => [`${grant.role} ${grant.zone} ${grant.access}`, grant]));
  for (const [role, byZone] of Object.entries(overrides)) {
    for (const [zone, allowed] of Object.entries(byZone)) {
      for (const access of ["read", "write"] satisfies Access[]) {
        const id = `${role} ${zone} ${access}`;
        if (allowed === access || allowed === "read-write") grants.set(id, { role, zone, access });
        else grants.delete(id);
      }
    }
  }
  return [...grants.values()];
}

/** A slot that is held answers at once; only one just left may need a moment. */
const slotPatienceMs = 250;

/** Without an id in the settings, a process takes the first free one of its home and host: stable over restarts, distinct beside others. */
async function openWorkflowsOf(work: boolean, settings: BaseSettings, options: OpenWorkflowsOptions): Promise<OpenWorkflows> {
  if (!work) return await openWorkflows({ ...options, work: false, executorId: `client-${hostname()}-${process.pid}` });
  const given = settings.workflow.executorId;
  if (given !== undefined) return await openWorkflows({ ...options, executorId: given });
  const place = createHash("sha256").update(settings.home).digest("hex").slice(0, 8);
  const most = 64;
  for (let slot = 0; slot < most; slot++) {
    try {
      return await openWorkflows({ ...options, executorId: `${hostname()}-${place}-${slot}`, patienceMs: slotPatienceMs });
    } catch (error) {
      if (!isStockroomError(error) || error.code !== "WORKFLOW_EXECUTOR_TAKEN") throw error;
    }
  }
  throw new StockroomError(
    "conflict",
    "EXECUTOR_SLOTS",
    `Expected fewer than ${most} processes of one home on this host but all names are taken. Set workflow.executorId (STOCKROOM_WORKFLOW_EXECUTOR_ID).`,
  );
}

/** An address of the app as a reader of its notices would type it. */
function linkOf({ host, port }: BaseSettings["server"]): (path: string) => string {
  const name = host === "0.0.0.0" || host === "::" ? hostname() : host.includes(":") ? `[${host}]` : host;
  return (at) => `http://${name}:${port}${at}`;
}

/** Whoever drops a file into a folder gets no answer: what an upload would have been told is a notice. */
async function tellHint(tx: Tx, { key, version }: ObjectEntry, hint: string): Promise<void> {
  await postNotice(tx, {
    topic: "uploads",
    id: `upload.hint/${key}@${version}`,
    severity: "warning",
    title: `${key} was stored, but ${hint}`,
    body: `${key} came through the inbox folder. It was stored, but ${hint}${hint.endsWith("?") ? "" : "."} \`stockroom put FILE KEY\` stores it under another key, \`stockroom rm '${key}'\` takes this one away.`,
    facts: { key, version },
  });
}

async function tellDead(tx: Tx, letter: DeadLetter, link: string): Promise<void> {
  await postNotice(tx, {
    topic: "mlops",
    id: `dead/${letter.id}`,
    severity: "alarm",
    title: `Given up: ${letter.title}`,
    body: `${letter.error.message}\n\nAfter ${letter.tries} tries and ${letter.crashes} crashes it lies in the dead letters (${link}). When the cause is repaired: \`stockroom dead redrive ${letter.id}\`.`,
    facts: { run: letter.runId, workflow: letter.workflow, code: letter.error.code, deadLetter: letter.id, link },
  });
}

/** Every few hours, because bytes without a row may only be swept once they have been seen lying there for a day. */
function reconcileOf(objects: ObjectStore, log: Log): WorkflowDefinition<null, { readonly swept: number; readonly amiss: number }> {
  return {
    name: "app.reconcile",
    queue: "house",
    title: () => "compare the store's files with its catalogue",
    run: async (context) =>
      await context.step("reconcile", async () => {
        const report = await objects.reconcile();
        tellStore(report, log);
        return { swept: report.sweptStaging, amiss: report.missingBytes.length + report.unknownFiles.length };
      }),
  };
}

function tellStore(report: ReconcileReport, log: Log): readonly string[] {
  const warnings = [
    ...report.missingBytes.map((name) => `the bytes of ${name} are gone: restore them from a backup`),
    ...report.unknownFiles.map((name) => `${name} is not an object of ours and is left alone`),
  ];
  for (const warning of warnings.slice(0, 20)) log.warn("store", { warning });
  return warnings;
}
