// HTTP: originals from web servers that the settings name, asked so that no key and no answer of theirs can turn us against our own network.
//
//   W1. Only hosts on the allow-list are asked, redirects included; a key cannot leave the base address of its source.
//   W2. The address connected to is the address judged: the name is resolved once, inside the connecting, and only public addresses are kept.
//       A name that answers differently the second time (rebinding) gains nothing, because there is no second time.
//   W3. Time, size and redirects are bounded in total; an origin that dribbles bytes is cut off like one that is silent.
//   W4. Nothing of the caller's goes to the origin: no cookie, no header, no credentials but those of the settings.

import { lookup as systemLookup } from "node:dns";
import type { LookupAddress, LookupOptions } from "node:dns";
import { isIP } from "node:net";
import type { LookupFunction } from "node:net";
import { Agent, request as ask } from "undici";
import type { Dispatcher } from "undici";
import { isStockroomError, StockroomError } from "../../../platform/errors.ts";
import { isPublicAddress } from "./addresses.ts";
import type { Source, SourceObject } from "./contract.ts";
import { gatherWithin, refuseLarge } from "./limits.ts";
import type { SourceLimits } from "./limits.ts";

export interface HttpSourceOptions {
  /** Where keys are looked up: `https://host/base`. */
  readonly url: string;
  /** Further hosts that may be asked, for keys that are whole URLs and for redirects: `img.example.com`, `*.example.com`. */
  readonly hosts?: readonly string[];
  /** Whether the hosts may have private addresses: an origin in our own network, on purpose. Default false. */
  readonly allowPrivate?: boolean;
  readonly limits: SourceLimits;
  /** How names become addresses; a test's own. Default: the system's. */
  readonly lookup?: ResolveAll;
}

/** Gives all addresses of a name. */
export type ResolveAll = (name: string, done: (error: Error | null, addresses: readonly LookupAddress[]) => void) => void;

const mostRedirects = 3;
const fromSystem: ResolveAll = (name, done) => systemLookup(name, { all: true }, done);

const refusedAddress = (host: string): StockroomError =>
  new StockroomError(
    "denied",
    "ImageSource::AddressForbidden",
    `Expected an origin on the public internet but ${host} is none. If it is meant, allow private addresses for this source.`,
    { facts: { status: 403 } },
  );

const refusedHost = (host: string): StockroomError =>
  new StockroomError(
    "denied",
    "ImageSource::HostForbidden",
    `Expected an allowed origin but ${host} is not one. Add it to the source's hosts.`,
    {
      facts: { status: 403 },
    },
  );

/** An origin that fails us is told as 424: the request was right, what it depends on is not. Tried again later it may work. */
const originFailed = (code: string, message: string, cause?: unknown): StockroomError =>
  new StockroomError("busy", code, message, { facts: { status: 424 }, cause });

/** A lookup for sockets that keeps only addresses a picture may come from (W2). */
export function guardedLookup(resolveAll: ResolveAll, allowPrivate: boolean): LookupFunction {
  return (hostname: string, options: LookupOptions, callback) => {
    resolveAll(hostname, (error, addresses) => {
      const family = options.family === 4 || options.family === 6 ? options.family : undefined;
      const usable = addresses?.filter((one) => family === undefined || one.family === family) ?? [];
      // One private address among public ones is an attack or a mistake; either way not the one to pick.
      const bad = allowPrivate ? undefined : usable.find((one) => !isPublicAddress(one.address));
      const [first] = usable;
      if (error !== null) callback(error, "", 0);
      else if (bad !== undefined || first === undefined) callback(refusedAddress(hostname), "", 0);
      else if (options.all === true) callback(null, [...usable]);
      else callback(null, first.address, first.family);
    });
  };
}

/** Serves what lies below a web address. Throws `input` `IMAGE_SOURCE_URL` for one that cannot be used. */
export function openHttp(options: HttpSourceOptions): Source & { takes(url: string): boolean } {
  const { limits, allowPrivate = false } = options;
  const base = readBase(options.url);
  const check = makeCheck(base, options.hosts ?? [], allowPrivate);
  const agent = new Agent({
    connect: { lookup: guardedLookup(options.lookup ?? fromSystem, allowPrivate), timeout: Math.min(5_000, limits.timeoutMs) },
    connections: 32,
    pipelining: 1,
    keepAliveTimeout: 10_000,
    headersTimeout: limits.timeoutMs,
    bodyTimeout: limits.timeoutMs,
    maxHeaderSize: 32 * 1024,
  });
  const readUnless = async (
    key: string,
    known: string | undefined,
    signal: AbortSignal,
  ): Promise<SourceObject | "unchanged" | undefined> => {
    const timeout = AbortSignal.timeout(limits.timeoutMs);
    const either = AbortSignal.any([signal, timeout]);
    const first = addressOf(key, base);
    if (first === undefined) return undefined;
    try {
      for (let url = first, hops = 0; ; hops++) {
        check(url);
        const answer = await ask(url, { dispatcher: agent, signal: either, headers: headersFor(known) });
        if (!redirects.has(answer.statusCode)) return await objectOf(answer, { known, limits, signal: either });
        discard(answer);
        url = nextAddress(url, headerOf(answer, "location"), hops);
      }
    } catch (error) {
      throw explain(error, { callerGone: signal.aborted, late: timeout.aborted, limits });
    }
  };
  return {
    takes: (text) => URL.canParse(text) && accepts(() => check(new URL(text))),
    read: async (key, signal) => (await readUnless(key, undefined, signal)) as SourceObject | undefined,
    readIfChanged: async (key, version, signal) => await readUnless(key, version, signal),
    close: async () => await agent.destroy(),
  };
}

/** The allow-list and the judgement of literal addresses, which no lookup ever sees (W1). Throws `denied`. */
function makeCheck(base: URL, more: readonly string[], allowPrivate: boolean): (url: URL) => void {
  const hosts = [base.host, ...more].map((host) => host.toLowerCase());
  return (url) => {
    if (url.protocol !== "https:" && url.protocol !== "http:") throw refusedHost(`${url.protocol}//`);
    if (url.username !== "" || url.password !== "") throw refusedHost("an address with a user name");
    const host = url.host.toLowerCase();
    if (!hosts.some((allowed) => allowed === host || (allowed.startsWith("*.") && matchesBelow(url, allowed)))) throw refusedHost(host);
    const literal = url.hostname.replace(/^\[|\]$/g, "");
    if (isIP(literal) !== 0 && !allowPrivate && !isPublicAddress(literal)) throw refusedAddress(host);
    // An origin reached safely may not send us on over an open wire.
    if (base.protocol === "https:" && url.protocol !== "https:") throw refusedHost(`http://${host}`);
  };
}

type Answer = Dispatcher.ResponseData;

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const headerOf = ({ headers }: Answer, name: string): string | undefined => [headers[name]].flat()[0];
const discard = ({ body }: Answer): void => void body.on("error", () => undefined).destroy();

/** What is asked of an origin; `known` is a version it gave before (W4: nothing of the caller's is in it). */
function headersFor(known: string | undefined): Record<string, string> {
  return {
    accept: "image/*,*/*;q=0.1",
    "accept-encoding": "identity",
    "user-agent": "stockroom-images",
    ...(known?.startsWith("etag ") === true ? { "if-none-match": known.slice(5) } : {}),
    ...(known?.startsWith("date ") === true ? { "if-modified-since": known.slice(5).split(" | ")[0] ?? "" } : {}),
  };
}

/** Where a redirect leads; throws past `mostRedirects`, and for one that leads nowhere. */
function nextAddress(from: URL, location: string | undefined, hops: number): URL {
  if (location !== undefined && hops < mostRedirects && URL.canParse(location, from.href)) return new URL(location, from);
  throw originFailed(
    "ImageSource::Redirects",
    `Expected at most ${mostRedirects} redirects to a picture but the origin sends on and on. Look at the origin.`,
  );
}

/** The original in an answer that is no redirect. */
async function objectOf(
  answer: Answer,
  { known, limits, signal }: { readonly known: string | undefined; readonly limits: SourceLimits; readonly signal: AbortSignal },
): Promise<SourceObject | "unchanged" | undefined> {
  const { statusCode: status } = answer;
  const header = (name: string): string | undefined => headerOf(answer, name);
  const contentType = header("content-type")?.split(";")[0]?.trim().toLowerCase();
  try {
    if (status === 304 && known !== undefined) return "unchanged";
    if (status === 404 || status === 410) return undefined;
    if (status !== 200)
      throw originFailed("ImageSource::Refused", `Expected the origin to answer 200 but it answered ${status}. Look at the origin.`);
    checkContent(contentType, header("content-encoding"));
    refuseLarge(Number(header("content-length") ?? 0), limits);
    const body = await gatherWithin(answer.body, limits, signal);
    return {
      body,
      contentType,
      cacheControl: header("cache-control"),
      expires: header("expires"),
      lastModified: header("last-modified"),
      version: versionOf(header("etag"), header("last-modified"), body.byteLength),
    };
  } finally {
    discard(answer);
  }
}

function accepts(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

function matchesBelow(url: URL, pattern: string): boolean {
  const suffix = pattern.slice(1);
  return url.host.toLowerCase().endsWith(suffix) && url.host.length > suffix.length;
}

function readBase(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol) || url.search !== "" || url.hash !== "" || url.username !== "") {
    throw new StockroomError(
      "input",
      "IMAGE_SOURCE_URL",
      `Expected a source such as https://host/folder but received ${text}. Correct it.`,
    );
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** What looks like a whole URL in a key; a proxy on the way may have merged its two slashes. */
const wholeUrl = /^(https?):\/{1,2}(?=[^/])/i;

/** Whether a key is itself a web address, as thumbor and ipx allow. */
export const isWebKey = (key: string): boolean => wholeUrl.test(key);

/** The web address a key is itself, its slashes repaired. */
export const webAddress = (key: string): string => key.replace(wholeUrl, (_all, scheme: string) => `${scheme.toLowerCase()}://`);

/** The address of a key below the base, or the address it is itself; undefined for one that would climb out. */
function addressOf(key: string, base: URL): URL | undefined {
  if (isWebKey(key)) return URL.canParse(webAddress(key)) ? new URL(webAddress(key)) : undefined;
  if (key === "" || key.length > 2048 || /[\0\\\r\n\t]/.test(key)) return undefined;
  const names = key.split("/");
  // An encoded dot would be a dot to some servers.
  if (names.some((name) => /^(\.|%2e){1,2}$/i.test(name))) return undefined;
  const url = new URL(base);
  url.pathname += names.map((name) => encodeURIComponent(name)).join("/");
  return url.pathname.startsWith(base.pathname) ? url : undefined;
}

function checkContent(type: string | undefined, encoding: string | undefined): void {
  const plain = encoding === undefined || encoding === "" || encoding.toLowerCase() === "identity";
  if (plain && (type === undefined || type === "" || type.startsWith("image/") || /^(application|binary)\/octet-stream$/.test(type)))
    return;
  const received = plain ? `the type ${JSON.stringify(type?.slice(0, 80))}` : `the encoding ${JSON.stringify(encoding?.slice(0, 40))}`;
  throw new StockroomError(
    "input",
    "InstantiationError",
    `Expected a picture from the origin but received ${received}. Look at the origin.`,
    {
      facts: { status: 400 },
    },
  );
}

function versionOf(etag: string | undefined, lastModified: string | undefined, length: number): string | undefined {
  if (etag !== undefined && etag !== "") return `etag ${etag}`;
  // A date alone has whole seconds: with the length, a second edit within one is nearly always seen.
  return lastModified === undefined ? undefined : `date ${lastModified} | ${length}`;
}

function explain(error: unknown, seen: { callerGone: boolean; late: boolean; limits: SourceLimits }): unknown {
  for (let at = error; at instanceof Error; at = at.cause) if (isStockroomError(at)) return at;
  if (seen.callerGone) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (seen.late || /TIMEOUT|TIMEDOUT/.test(code)) {
    return originFailed(
      "ImageSource::TimedOut",
      `Expected the original within ${seen.limits.timeoutMs} ms but the origin was slower. Try again, or raise images.limits.sourceTimeoutMs.`,
      error,
    );
  }
  return originFailed("ImageSource::Unreachable", "Expected the origin to answer but it cannot be reached. Look at the origin.", error);
}
