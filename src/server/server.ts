// Server: the app over HTTP. Put together here; each route's part stands beside.
//
// Owns: listening, limits and timeouts, the shape of errors, the access log. Does not own: what the routes do.
//   S1. Every answer that is not the thing asked for is a problem (problem.ts); a fault's words stay in the log, its code goes out.
//   S2. Headers come within ten seconds, a small body within 30, an upload and a reader keep a pace: nobody holds a connection for nothing.

import { createServer, type RequestListener } from "node:http";
import { Readable } from "node:stream";
import { fastify } from "fastify";
import type { FastifyError, FastifyInstance } from "fastify";
import type { AnyModule, Front } from "../platform/module.ts";
import { logAccess } from "../platform/web/access.ts";
import { makeConnections } from "../platform/web/connections.ts";
import { closeWithin, listenError, urlOf } from "../platform/web/listen.ts";
import { mountOpenApi } from "../platform/web/openapi.ts";
import { may } from "../platform/web/roles.ts";
import { proveDeclared } from "../platform/web/route.ts";
import { readBodies } from "./bodies.ts";
import { mountConsole } from "./console.ts";
import { answerError, answerUnread, badMethod, noRoute, pathOf } from "./failures.ts";
import { checkBinding, guard, usualHeaders } from "./guard.ts";
import { mountHealth } from "./health.ts";
import { usualEntrance, type Entrance } from "./identity/entrance.ts";
import { mountSignIn } from "./identity/pages.ts";
import { mountIdentity } from "./identity/routes.ts";
import { makeMetrics } from "./metrics.ts";
import { noteMethods } from "./methods.ts";
import { mountLook } from "./look.ts";
import { mountObjects } from "./objects.ts";
import { mountPage } from "./page.ts";
import type { Probe, ServerDeps, ServerSettings } from "./deps.ts";
import { mountPlatform } from "./platform.ts";
import { mountSql } from "./sql.ts";
import { mountStream } from "./stream.ts";
import { mountPlace, mountVault } from "./vault.ts";

export interface ServerOptions {
  readonly deps: ServerDeps;
  readonly settings: ServerSettings;
  readonly version: string;
  /** Who is who. Default: the one token of the settings; on this machine without one, nobody is asked. */
  readonly entrance?: Entrance;
  /** Further proofs of readiness, and replacements of ours (`database`, `store`, `workflows`). */
  readonly probes?: Readonly<Record<string, Probe>>;
  /** The app's modules; those that are open have their routes mounted and their fronts before them. */
  readonly modules?: readonly ServedModule[];
}

/** A module as the server sees it; `OpenModule` in app.ts is one of these. */
export interface ServedModule {
  readonly module: AnyModule;
  readonly parts: { readonly deps: unknown };
  readonly isOpen: boolean;
  readonly front: Front | undefined;
}

/** A server that listens. */
export interface OpenServer {
  readonly url: string;
  close(): Promise<void>;
}

const headersMs = 10_000;
const smallBodyMs = 30_000;
const smallBodyBytes = 1024 * 1024;

const serverOptions = {
  headersTimeout: headersMs,
  maxHeaderSize: 16 * 1024,
  connectionsCheckingInterval: 1_000,
  requestTimeout: 0,
  keepAliveTimeout: 10_000,
};

/**
 * Fronts answer below `/NAME/`, before guard and routes: what they serve is for everyone, and a framework costs a hit more than the hit. What
 * is guarded elsewhere is guarded there too.
 */
function withFronts(routes: RequestListener, { modules = [], deps }: ServerOptions, entrance: Entrance): RequestListener {
  const fronts = modules.flatMap(({ module, front }) => (front === undefined ? [] : [{ prefix: `/${module.name}/`, front }]));
  if (fronts.length === 0) return routes;
  return (request, response) => {
    const url = request.url ?? "";
    for (const { prefix, front } of fronts) {
      if (!url.startsWith(prefix)) continue;
      if (!front.isGuarded(url)) {
        front.listener(request, response);
        return;
      }
      // Whoever may not enter is answered by the routes: they know no such page, and ask who it is first.
      entrance.findCaller(request).then(
        (caller) => (may(caller?.roles ?? [], "viewer") ? front.listener(request, response) : routes(request, response)),
        (error: unknown) => {
          deps.log.error("request failed", { method: request.method ?? "", path: url.split("?", 1)[0] ?? "", error });
          routes(request, response);
        },
      );
      return;
    }
    routes(request, response);
  };
}

/** Makes the server without listening. */
export async function makeServer(options: ServerOptions): Promise<FastifyInstance> {
  const { deps, settings } = options;
  const entrance = options.entrance ?? usualEntrance(settings, deps);
  const connections = makeConnections({ most: 1_000, headersMs, always: (path) => /^\/(?:health(?:\/live|\/ready)?|metrics)$/.test(path) });
  const server = fastify({
    logger: false,
    bodyLimit: smallBodyBytes,
    // An upload may take hours; it is held to a pace instead (objects.ts), and every other body to `smallBodyMs` below.
    serverFactory: (routes: RequestListener) => {
      const server = createServer(serverOptions, connections.listener(withFronts(routes, options, entrance)));
      connections.watch(server);
      return server;
    },
    routerOptions: { maxParamLength: 4_096 },
    clientErrorHandler: answerUnread,
    // Before the guard: a path that cannot be read is nobody's.
    frameworkErrors: (error, request, reply) => void answerError(deps, error, request, reply.headers(usualHeaders)),
  });
  server.setErrorHandler((error: FastifyError, request, reply) => answerError(deps, error, request, reply));
  const methods = noteMethods(server);
  server.setNotFoundHandler(async (request, reply) => {
    const allowed = methods.of(pathOf(request));
    if (allowed.length > 0) reply.header("allow", allowed.join(", "));
    if (allowed.length > 0 && request.method === "OPTIONS") return await reply.code(204).send();
    return answerError(deps, allowed.length > 0 ? badMethod(request, allowed) : noRoute(request), request, reply);
  });
  guard(server, settings, entrance);
  readBodies(server);
  sendNoBodies(server);
  holdSmallBodies(server);
  writeAccessLog(server, deps);

  await mountRoutes(server, { ...options, entrance });
  return server;
}

/** Mounts every route there is: the platform's own, then those of the modules that are open. */
export async function mountRoutes(server: FastifyInstance, options: ServerOptions): Promise<void> {
  const { deps, settings, version, entrance = usualEntrance(settings, deps), modules = [] } = options;
  proveDeclared(server);
  await mountOpenApi(server, version);
  const metrics = makeMetrics(
    deps,
    version,
    modules.flatMap(({ module, isOpen }) => (isOpen ? (module.gauges ?? []) : [])),
  );
  for (const { front } of modules) front?.measure(metrics.registry);
  metrics.mount(server);
  mountHealth(
    server,
    {
      database: () => deps.database.query("select 1"),
      store: () => deps.objects.list("", { limit: 1 }),
      workflows: () => deps.workflows.list({ limit: 1 }),
      ...options.probes,
    },
    { version, ...(deps.home === undefined ? {} : { home: deps.home.id }) },
  );
  await mountObjects(server, deps, settings, metrics.traffic);
  await mountLook(server, modules);
  mountPlatform(server, deps);
  mountIdentity(server, entrance, deps.log);
  await mountSignIn(server, entrance);
  mountVault(server, deps);
  const open = modules.filter(({ isOpen }) => isOpen);
  mountPlace(server, deps, { version, modules: open.map(({ module }) => module.name) });
  mountSql(server, deps, modules);
  mountStream(server, deps, entrance);
  mountConsole(server);
  mountPage(server, deps, {
    version,
    pages: open.flatMap(({ module }) => module.page ?? []),
  });
  for (const { module, parts } of open) await module.routes?.(server, { deps: parts.deps, workflows: deps.workflows });
}

/**
 * Opens the server. Throws `input` `SERVER_TOKEN_MISSING`, `SERVER_TOKEN_SHORT`, and `conflict` `SERVER_PORT_TAKEN`, `input` `SERVER_HOST_BAD`,
 * `denied` `SERVER_PORT_DENIED`.
 */
export async function openServer(options: ServerOptions): Promise<OpenServer> {
  const { settings, deps } = options;
  checkBinding(settings, options.entrance);
  const server = await makeServer(options);
  try {
    await server.listen({ host: settings.host, port: settings.port });
  } catch (error) {
    await server.close();
    throw listenError(error, settings);
  }
  const url = urlOf(server.server, settings.host);
  deps.log.info("server listens", { url, token: settings.token !== undefined });
  return {
    url,
    close: async () => await closeWithin(server.server, async () => await server.close()),
  };
}

/** HEAD is GET without its body: what would stream is let go instead of being read to its end for nobody. */
function sendNoBodies(server: FastifyInstance): void {
  server.addHook("onSend", async (request, _reply, payload) => {
    if (request.method !== "HEAD" || !(payload instanceof Readable)) return payload;
    payload.destroy();
    return Readable.from([]);
  });
}

/** Ends a request whose small body does not come. Uploads are held to a pace of their own. */
function holdSmallBodies(server: FastifyInstance): void {
  server.addHook("onRequest", async (request) => {
    if (request.method === "GET" || request.method === "HEAD" || request.routeOptions.url === "/objects/*") return;
    const timer = setTimeout(() => request.raw.destroy(), smallBodyMs);
    request.raw.once("end", () => clearTimeout(timer)).once("close", () => clearTimeout(timer));
  });
}

function writeAccessLog(server: FastifyInstance, { log }: ServerDeps): void {
  const http = log.child({ part: "http" });
  const access = logAccess(http);
  server.addHook("onResponse", async (request, reply) => {
    const { method, url, ip } = request;
    access.write({ method, target: url, status: reply.statusCode, ms: reply.elapsedTime, from: ip });
  });
  server.addHook("onRequestAbort", async (request) => {
    http.info("request broken off by the caller", { method: request.method, path: pathOf(request), from: request.ip });
  });
}
