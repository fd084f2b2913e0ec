// Every route there is, mounted over nothing: for what can be said of routes before a request comes.

import { fastify, type FastifyInstance } from "fastify";
import { makeLog } from "../../src/platform/log.ts";
import { modules } from "../../src/modules.ts";
import type { Needs, RouteSpec } from "../../src/platform/web/route.ts";
import { mountRoutes } from "../../src/server/server.ts";

export interface Mounted {
  readonly method: string;
  readonly url: string;
  /** Absent for a page. */
  readonly route: RouteSpec | undefined;
  readonly needs: Needs | undefined;
}

/** Mounts everything; the caller closes the server. */
export async function mountAll(): Promise<{ readonly server: FastifyInstance; readonly mounted: readonly Mounted[] }> {
  const deps = { log: makeLog({ level: "silent" }), database: {}, objects: {}, workflows: {}, events: {}, notices: {} };
  const server = fastify({ exposeHeadRoutes: false });
  const mounted: Mounted[] = [];
  server.addHook("onRoute", ({ method, url, config }) => {
    for (const each of [method].flat()) mounted.push({ method: each, url, route: config?.route, needs: config?.needs });
  });
  await mountRoutes(server, {
    deps: deps as never,
    settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1 },
    version: "test",
    modules: modules.map((module) => ({ module, parts: { deps: {} }, isOpen: true, front: undefined })),
  });
  return { server, mounted };
}
