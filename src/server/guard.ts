// Guard: who may speak to the server at all, and who may do what.
//
// Owns: the binding rule, the Host and Origin checks, the role of every route, the headers every answer carries. Does not own: who is who (identity
// part), which role a route needs (its declaration), what a role may read of the store (vault).
//   G1. An address others can reach is never served without a way to sign in.
//   G2. A route is answered for whoever has the role that it declares, and for nobody else; one that declares none does not exist (route.ts).
//   G3. On loopback, a web page elsewhere can neither reach us by a name of its own (DNS rebinding) nor make the browser act for it (CSRF).
//   G4. What a browser sends by itself, its cookie, changes nothing unless the browser says that a page of ours sent the request.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { isLoopback } from "../platform/config/index.ts";
import { StockroomError } from "../platform/errors.ts";
import type { Caller } from "../platform/web/caller.ts";
import { framed, pageHeaders } from "../platform/web/frame.ts";
import { badHost, findHostProblem, hostName, isForeign, isOwn } from "../platform/web/hosts.ts";
import { href, html } from "../platform/web/html.ts";
import { may, type Needs } from "../platform/web/roles.ts";
import type { ServerSettings } from "./deps.ts";
import { bearerOf, type Entrance } from "./identity/entrance.ts";
import { signInPath } from "./identity/pages.ts";

/** The error of a missing or wrong token; the one error that is answered with 401. */
export const tokenWanted = "TOKEN_WANTED";

const tokenMinChars = 16;

/** Of every answer that does not say otherwise: nothing of it runs, is framed, guessed at, shared or kept. */
export const usualHeaders = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "cache-control": "no-store",
} as const;

/** Refuses settings that would serve strangers: `input` `SERVER_TOKEN_MISSING` and `SERVER_TOKEN_SHORT`. */
export function checkBinding(settings: ServerSettings, entrance?: Pick<Entrance, "identity">): void {
  if (settings.token === undefined) {
    const { password = false, provider } = entrance?.identity.ways() ?? {};
    if (isLoopback(settings.host) || password || provider !== undefined) return;
    throw new StockroomError(
      "input",
      "SERVER_TOKEN_MISSING",
      `Expected a token because ${settings.host} can be reached from other machines but there is none. Set STOCKROOM_SERVER_TOKEN, add users (stockroom users add), or bind to 127.0.0.1.`,
      { facts: { host: settings.host } },
    );
  }
  if (settings.token.length < tokenMinChars) {
    throw new StockroomError(
      "input",
      "SERVER_TOKEN_SHORT",
      `Expected a token of at least ${tokenMinChars} characters but it has ${settings.token.length}. Make one with: openssl rand -hex 32`,
    );
  }
}

/** Puts the guard in front of every route of `app`, those that do not exist included. */
export function guard(server: FastifyInstance, settings: ServerSettings, entrance: Entrance): void {
  const local = isLoopback(settings.host);

  server.addHook("onRequest", async (request, reply) => {
    reply.headers(usualHeaders);
    const problem = findHostProblem(request.raw);
    if (problem !== undefined) throw badHost(problem);
    const host = hostName(request.headers.host ?? "");
    if (local && !isLoopback(host) && host !== entrance.publicHost) {
      throw new StockroomError(
        "denied",
        "HOST_FORBIDDEN",
        "Expected a Host header that names this machine (localhost or 127.0.0.1) but another came. Open the address that `stockroom up` printed.",
      );
    }
    const { origin } = entrance.see(request.raw);
    const changes = !["GET", "HEAD"].includes(request.method);
    if (changes && isForeign(request.raw, origin)) throw foreign();
    const needs = request.routeOptions.config.needs ?? "viewer";
    if (needs === "anyone") return undefined;
    const caller = await entrance.findCaller(request.raw);
    if (caller === undefined) return await sendToSignIn(entrance, request, reply);
    if (changes && caller.session !== undefined && !isOwn(request.raw, origin)) throw foreign();
    if (!may(caller.roles, needs)) return await refuseRole(caller, needs, request, reply);
    request.caller = caller;
    return undefined;
  });
}

const foreign = (): StockroomError =>
  new StockroomError(
    "denied",
    "ORIGIN_FORBIDDEN",
    "Expected a request of our own pages or of a program with a token but another web page sent it, or the browser does not say which.",
  );

/** Whether a person looks at the answer; programs and scripts ask below /api or for something else than a page. */
const isPage = ({ method, url, headers }: FastifyRequest): boolean =>
  ["GET", "HEAD"].includes(method) && /\btext\/html\b/.test(headers.accept ?? "") && !/^\/(?:api|objects|metrics)(?:[/?]|$)/.test(url);

/** A person goes to the sign-in and comes back; a program is told. */
async function sendToSignIn({ identity }: Entrance, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const token = bearerOf(request.raw);
  if (isPage(request) && token === undefined) return await reply.redirect(href(signInPath, { next: request.url }), 303);
  reply.header("www-authenticate", "Bearer");
  const { password, provider } = identity.ways();
  const orSignIn = password || provider !== undefined ? `, or sign in at ${signInPath}` : "";
  throw new StockroomError(
    "denied",
    tokenWanted,
    `Expected a token that holds here but ${token === undefined || token === "" ? "none came" : "another came"}. Send the header: Authorization: Bearer TOKEN${orSignIn}`,
  );
}

async function refuseRole(caller: Caller, needs: Needs, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const message = `Expected the role ${needs} for this but ${caller.name ?? "the caller"} is ${caller.roles.join(", ")}. Ask an administrator for it.`;
  if (!isPage(request)) throw new StockroomError("denied", "ROLE_WANTED", message, { facts: { needs } });
  const body = html`<p class="note bad" role="alert">${message}</p>
    <p class="dim">Code ROLE_WANTED. <a href="${signInPath}">Who I am</a></p>`;
  return await reply
    .code(403)
    .headers(pageHeaders)
    .send(framed("Not allowed", "", [{ path: "/", name: "Stockroom" }], body));
}
