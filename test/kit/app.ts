// A whole app for tests: a fresh database, a fresh home folder, and the patience to wait for a state instead of a time.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { makeLog } from "../../src/platform/log.ts";
import { openApp, type App } from "../../src/app.ts";
import { openServer, type OpenServer, type ServerSettings } from "../../src/server/index.ts";
import { testDatabase } from "./database.ts";

export interface TestPlace {
  readonly home: string;
  readonly databaseUrl: string;
  readonly env: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/** A home folder and a database that nobody else uses. */
export async function makePlace(settings: Readonly<Record<string, string>> = {}): Promise<TestPlace> {
  const postgres = await testDatabase();
  const home = await mkdtemp(path.join(tmpdir(), "stockroom-home-"));
  return {
    home,
    databaseUrl: postgres.url,
    env: {
      STOCKROOM_HOME: home,
      DATABASE_URL: postgres.url,
      STOCKROOM_LOG_LEVEL: "error",
      STOCKROOM_WORKFLOW_LIVENESS_INTERVAL_MS: "200",
      ...settings,
    },
    remove: async () => {
      await postgres.drop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Opens an app in a place. `quiet` hides what it logs. */
export async function openAt(place: TestPlace, options: { readonly work: boolean; readonly quiet?: boolean }): Promise<App> {
  return await openApp({
    cwd: place.home,
    env: place.env,
    work: options.work,
    ...(options.quiet === true ? { log: makeLog({ level: "silent" }) } : {}),
  });
}

/** Waits until `look` gives something; fails with `what` after a bound far beyond what a slow machine needs. */
export async function waitFor<T>(what: string, look: () => Promise<T | undefined | false>, boundMs = 120_000): Promise<T> {
  const start = Date.now();
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() - start > boundMs) throw new Error(`Waited ${boundMs / 1000} s in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until the app has nothing left to do. */
export async function settled(app: App): Promise<void> {
  await waitFor("the house to have nothing left to do", async () => await app.workflows.idle());
}

/** Serves an app with all its modules, on a port of the system's choice. */
export async function serve(app: App, settings: Partial<ServerSettings> = {}): Promise<OpenServer> {
  return await openServer({
    deps: app,
    settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000_000, ...settings },
    version: "1.2.3",
    modules: app.modules,
  });
}

/** A place, an app at work in it and its server; closing ends all three. */
export interface ServedApp {
  readonly place: TestPlace;
  readonly app: App;
  readonly server: OpenServer;
  close(): Promise<void>;
}

export async function openServed(settings: Readonly<Record<string, string>> = {}): Promise<ServedApp> {
  const place = await makePlace(settings);
  const app = await openAt(place, { work: true, quiet: true });
  const server = await serve(app);
  const close = async (): Promise<void> => {
    await server.close();
    await app.close();
    await place.remove();
  };
  return { place, app, server, close };
}

export const operator = { role: "operator", purpose: "test" } as const;

export const textBytes = (text: string): Uint8Array => Buffer.from(text);
