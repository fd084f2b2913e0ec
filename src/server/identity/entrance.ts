// Entrance: who a request comes from: its way, its credentials, its cookies.
//
// Owns: the session's cookie, the origin of our pages, where somebody may be sent after a sign-in. Does not own: proving who it is (identity part),
// what the guard does with the answer.
//   E1. The session's cookie is out of reach of scripts (HttpOnly), of other sites' forms (SameSite=Lax) and, over https, of other hosts (`__Host-`).
//   E2. Nobody is sent elsewhere: `next` is a path of ours or nothing.

import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { BaseSettings } from "../../platform/config/index.ts";
import { isLoopback } from "../../platform/config/index.ts";
import type { Tx } from "../../platform/database/contract.ts";
import type { Identity, SignedIn } from "../../platform/identity/contract.ts";
import { makeIdentity } from "../../platform/identity/identity.ts";
import { makeProvider, type Provider } from "../../platform/identity/oidc.ts";
import type { Log } from "../../platform/log.ts";
import type { Clock } from "../../platform/time.ts";
import type { Vault } from "../../platform/vault/contract.ts";
import type { Caller } from "../../platform/web/caller.ts";
import { cookieOf } from "../../platform/web/forms.ts";
import { hostName } from "../../platform/web/hosts.ts";
import { makeWays } from "../../platform/web/proxies.ts";
import type { ServerSettings } from "../deps.ts";

/** How a request reached us, as its sender sees it. */
export interface Seen {
  readonly address: string;
  /** Of our pages: `https://stockroom.example.com`. */
  readonly origin: string;
  readonly isSecure: boolean;
}

export interface Entrance {
  readonly identity: Identity;
  readonly provider: Provider | undefined;
  /** The host of the address where people reach us, beside this machine's own names. */
  readonly publicHost: string | undefined;
  see(request: IncomingMessage): Seen;
  /** Who it comes from; undefined when nobody proved anything. `isUse` false: asked again of a request that goes on, which keeps no session open. */
  findCaller(request: IncomingMessage, options?: { readonly isUse: boolean }): Promise<Caller | undefined>;
  /** The session's secret as it came. */
  sessionOf(request: IncomingMessage): string | undefined;
  /** The cookie that keeps a sign-in, or with nothing the one that ends it. */
  cookieFor(request: IncomingMessage, signedIn: SignedIn | undefined): string;
}

export interface EntranceOptions {
  readonly identity: Identity;
  readonly provider?: Provider | undefined;
  readonly publicUrl?: string | undefined;
  readonly trustedProxies?: readonly string[];
}

const sessionCookie = "stockroom_session";
/** What comes as a secret of ours; anything else is asked of no database. */
const isSecret = (text: string): boolean => /^[\w-]{20,100}$/.test(text);

export const bearerOf = ({ headers }: Pick<IncomingMessage, "headers">): string | undefined =>
  headers.authorization === undefined ? undefined : (/^bearer +(\S+) *$/i.exec(headers.authorization)?.[1] ?? "");

export function makeEntrance({ identity, provider, publicUrl, trustedProxies = [] }: EntranceOptions): Entrance {
  const wayOf = makeWays(trustedProxies);
  const outside = publicUrl === undefined ? undefined : new URL(publicUrl);
  const local: Caller = { id: "local", roles: ["administrator"], via: "local" };
  const see = (request: IncomingMessage): Seen => {
    const { scheme, address } = wayOf(request);
    const host = (request.headers.host ?? "").toLowerCase();
    const origin = outside !== undefined && host === outside.host ? outside.origin : `${scheme}://${host}`;
    return { address, origin, isSecure: origin.startsWith("https:") };
  };
  // A browser takes the `__Host-` name over https alone: there no other is looked at.
  const cookieName = (isSecure: boolean): string => (isSecure ? `__Host-${sessionCookie}` : sessionCookie);
  const sessionOf = (request: IncomingMessage): string | undefined => {
    const value = cookieOf(request, cookieName(see(request).isSecure));
    return value !== undefined && isSecret(value) ? value : undefined;
  };
  return {
    identity,
    provider,
    publicHost: outside === undefined ? undefined : hostName(outside.host),
    see,
    sessionOf,
    findCaller: async (request, { isUse } = { isUse: true }) => {
      if (identity.isOpen()) return local;
      return await identity.identify({ bearer: bearerOf(request), session: sessionOf(request), isUse });
    },
    cookieFor: (request, signedIn) => {
      const { isSecure } = see(request);
      const parts = [`${cookieName(isSecure)}=${signedIn?.secret ?? ""}`, "Path=/", "HttpOnly", "SameSite=Lax"];
      if (isSecure) parts.push("Secure");
      parts.push(signedIn === undefined ? "Max-Age=0" : `Expires=${new Date(signedIn.expiresAt).toUTCString()}`);
      return parts.join("; ");
    },
  };
}

/** What opening the entrance of an app needs of it. */
export interface EntranceDeps {
  readonly settings: Pick<BaseSettings, "server" | "auth">;
  readonly database: Tx;
  readonly clock: Clock;
  readonly log: Log;
  readonly vault: Pick<Vault, "mac">;
}

/** The entrance as the settings have it. */
export function openEntrance({ settings: { server, auth }, database, clock, log, vault }: EntranceDeps): Entrance {
  const provider = auth.oidc === undefined ? undefined : makeProvider({ settings: auth.oidc, database, clock, log });
  const isLocal = isLoopback(server.host) && (auth.publicUrl === undefined || isLoopback(hostName(new URL(auth.publicUrl).host)));
  const identity = makeIdentity({
    database,
    clock,
    log,
    macKey: vault.mac("identity.forms", "key"),
    usersFile: auth.usersFile,
    serverToken: server.token,
    provider: provider?.label,
    times: { idleMs: auth.sessionIdleMs, longestMs: auth.sessionLongestMs },
    isLocal,
  });
  return makeEntrance({ identity, provider, publicUrl: auth.publicUrl, trustedProxies: auth.trustedProxies });
}

/** The entrance of a server without settings of its own for it: the one token, or on this machine nobody asked. */
export function usualEntrance(
  settings: ServerSettings,
  { database, clock, log }: Pick<EntranceDeps, "database" | "clock" | "log">,
): Entrance {
  const identity = makeIdentity({
    database,
    clock,
    log,
    macKey: createHash("sha256").update(randomBytes(32)).digest(),
    usersFile: undefined,
    serverToken: settings.token,
    times: { idleMs: 12 * 3_600_000, longestMs: 7 * 86_400_000 },
    isLocal: isLoopback(settings.host),
  });
  return makeEntrance({ identity });
}

/** Where to go on after a sign-in: a path of this server and nothing that a browser could read as another's. */
export function safeNext(text: string | undefined): string {
  const home = "/";
  // oxlint-disable-next-line no-control-regex
  if (text === undefined || text.length > 2_000 || !/^\/(?![/\\])/.test(text) || /[\u0000-\u0020\u007f\\]/.test(text)) return home;
  const base = "http://stockroom.invalid";
  if (!URL.canParse(text, base)) return home;
  const { origin, pathname, search } = new URL(text, base);
  const isOurs = origin === base && !pathname.startsWith("//") && !/^\/sign-(?:in|out)(?:\/|$)/.test(pathname);
  return isOurs ? `${pathname}${search}` : home;
}
