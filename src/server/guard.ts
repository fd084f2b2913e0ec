// Guard: who may speak to the server at all.
//
// Owns: the binding rule, the token, the Host and Origin checks, the headers every answer carries. Does not own: grants (vault).
//   G1. An address others can reach is never served without a token.
//   G2. With a token, everything but /health asks for it; comparing takes the same time whatever was sent.
//   G3. On loopback, a web page elsewhere can neither reach us by a name of its own (DNS rebinding) nor make the browser act for it (CSRF).

import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { isLoopback } from "../platform/config/index.ts";
import { StockroomError } from "../platform/errors.ts";
import { badHost, findHostProblem, hostName, isForeign } from "../platform/web/hosts.ts";
import type { ServerSettings } from "./deps.ts";

/** The error of a missing or wrong token; the one error that is answered with 401. */
export const tokenWanted = "TOKEN_WANTED";

const tokenMinChars = 16;

/** Refuses settings that would serve strangers: `input` `SERVER_TOKEN_MISSING` and `SERVER_TOKEN_SHORT`. */
export function checkBinding(settings: ServerSettings): void {
  if (settings.token === undefined) {
    if (isLoopback(settings.host)) return;
    throw new StockroomError(
      "input",
      "SERVER_TOKEN_MISSING",
      `Expected a token because ${settings.host} can be reached from other machines but there is none. Set STOCKROOM_SERVER_TOKEN, or bind to 127.0.0.1.`,
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

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Puts the guard in front of every route of `app`, those that do not exist included. */
export function guard(server: FastifyInstance, settings: ServerSettings): void {
  const wanted = settings.token === undefined ? undefined : digest(settings.token);
  const local = isLoopback(settings.host);

  server.addHook("onRequest", async (request, reply) => {
    reply.headers({
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
      "cache-control": "no-store",
    });
    const host = request.headers.host ?? "";
    const problem = findHostProblem(request.raw);
    if (problem !== undefined) throw badHost(problem);
    if (local && !isLoopback(hostName(host))) {
      throw new StockroomError(
        "denied",
        "HOST_FORBIDDEN",
        "Expected a Host header that names this machine (localhost or 127.0.0.1) but another came. Open the address that `stockroom up` printed.",
      );
    }
    if (isForeign(request.raw) && !["GET", "HEAD"].includes(request.method)) {
      throw new StockroomError(
        "denied",
        "ORIGIN_FORBIDDEN",
        "Expected a request of our own pages or of a program but another web page sent it.",
      );
    }
    if (wanted === undefined || isHealth(request.url)) return;
    const token = tokenOf(request.headers.authorization);
    if (timingSafeEqual(digest(token), wanted)) return;
    reply.header("www-authenticate", "Bearer");
    throw new StockroomError(
      "denied",
      tokenWanted,
      `Expected the server's token but ${token === "" ? "none came" : "another came"}. Send the header: Authorization: Bearer TOKEN`,
    );
  });
}

const tokenOf = (authorization: string | undefined): string => /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1] ?? "";

/** Whether a request may see what the token guards, for pages that are answered in front of the routes. */
export function mayEnter(authorization: string | undefined, settings: Pick<ServerSettings, "token">): boolean {
  return settings.token === undefined || timingSafeEqual(digest(tokenOf(authorization)), digest(settings.token));
}

const isHealth = (url: string): boolean => /^\/health(\/live|\/ready)?(\?|$)/.test(url);
