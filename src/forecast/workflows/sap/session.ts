// A session with an SAP system: credentials, tokens, cookies, and how often one request is tried.
//
// Owns: authorisation (basic, OAuth 2 client credentials), CSRF tokens, Retry-After, time-outs. Does not own: what is asked.
//   S1. A request that may have been carried out is repeated only when repeating it is harmless: a read, or one with a `RequestID` of its own.
//   S2. No credential and no token reaches an error, a log or an object.
//   S3. Pauses end at once when the caller's signal aborts.
// One session serves one caller at a time.

import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { isStockroomError, StockroomError } from "../../../platform/errors.ts";

/** For gateways in front of the gateway: `{ "APIKey": "..." }`. */
const secretHeaders = z.record(z.string().min(1), z.string()).optional();

const credentialsSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("basic"), user: z.string().min(1), password: z.string(), headers: secretHeaders }),
  z.strictObject({
    kind: z.literal("oauth2"),
    tokenUrl: z.url({ protocol: /^https?$/ }),
    clientId: z.string().min(1),
    clientSecret: z.string().min(1),
    scope: z.string().min(1).optional(),
    headers: secretHeaders,
  }),
]);

export type Credentials = z.infer<typeof credentialsSchema>;

/** Reads the object that holds credentials. Throws `input` `SAP_CREDENTIALS` without repeating any of it. */
export function parseCredentials(bytes: Uint8Array, key: string): Credentials {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    value = undefined;
  }
  const parsed = credentialsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map((issue) => issue.path.join(".") || "the whole").join(", ");
  throw new StockroomError(
    "input",
    "SAP_CREDENTIALS",
    `Expected ${key} to hold JSON such as { "kind": "basic", "user": ..., "password": ... } or { "kind": "oauth2", "tokenUrl": ..., "clientId": ..., "clientSecret": ... } but this is wrong: ${where}. Put it again with \`stockroom put\`.`,
    { facts: { key } },
  );
}

export interface SessionOptions {
  readonly credentials: Credentials | undefined;
  /** Sent with every request to the service; those of the credentials go before them. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly tries: number;
  readonly pauseMs: number;
  readonly timeoutMs: number;
}

export interface SapRequest {
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Where a CSRF token is to be had before a change; absent: none is needed. */
  readonly csrfFrom?: string;
  /** True: the server knows a repeated request, or it changes nothing (S1). */
  readonly repeatable: boolean;
  /** Whether a failed answer is the receiver's last word, not to be tried again: a SOAP fault comes with status 500. */
  readonly isFinal?: (answer: SapAnswer) => boolean;
}

export interface SapAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The line died before the end of the answer. */
  readonly isCut: boolean;
}

export interface Session {
  /**
   * Gives the answer, of whatever status below 500 but 401, 403 for a stale CSRF token, and 429, which are dealt with here.
   * Throws `busy` `SAP_BUSY` after the last try, `denied` `SAP_DENIED`, `busy` `SAP_UNSURE` (S1).
   */
  send(url: string, request: SapRequest, signal: AbortSignal): Promise<SapAnswer>;
}

/** Longest pause the server may ask for within a step; the run's own retries wait longer. */
const longestPauseMs = 60_000;
const largestAnswerBytes = 512 * 1024 * 1024;

type Failure = { readonly kind: "failed"; readonly reason: string; readonly pauseMs: number | undefined; readonly carriedOut: boolean };

/** Opens a session; nothing is sent before the first request. */
export function openSession(options: SessionOptions): Session {
  let bearer: string | undefined;
  let csrf: { readonly token: string; readonly from: string } | undefined;
  const cookies = new Map<string, string>();

  function keepCookies(headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const [pair = ""] = line.split(";", 1);
      const at = pair.indexOf("=");
      if (at > 0) cookies.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim());
    }
  }

  async function exchange(url: string, init: RequestInit, signal: AbortSignal): Promise<SapAnswer> {
    const timeout = AbortSignal.timeout(options.timeoutMs);
    const response = await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.any([signal, timeout]) });
    keepCookies(response.headers);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    let broken: unknown;
    try {
      for await (const chunk of response.body ?? []) {
        bytes += chunk.length;
        if (bytes > largestAnswerBytes) break;
        chunks.push(chunk);
      }
    } catch (error) {
      if (init.method === "GET" || signal.aborted) throw error;
      // What was said before the line died is still worth reading: rows it answers are certain.
      broken = error;
    }
    if (bytes > largestAnswerBytes) {
      throw new StockroomError(
        "input",
        "SAP_ANSWER_TOO_LARGE",
        `Expected an answer of at most ${largestAnswerBytes / 2 ** 20} MiB from ${placeOf(url)} but it is larger. Ask for fewer rows a page (pageRows).`,
      );
    }
    const text = Buffer.concat(chunks).toString("utf8");
    const answer: SapAnswer = { status: response.status, headers: response.headers, text, isCut: broken !== undefined };
    const elsewhere = readElsewhere(url, answer);
    if (elsewhere !== undefined) throw elsewhere;
    return answer;
  }

  async function authorisation(signal: AbortSignal): Promise<string | undefined> {
    const { credentials } = options;
    if (credentials === undefined) return undefined;
    if (credentials.kind === "basic") return `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64")}`;
    if (bearer === undefined) {
      const form = new URLSearchParams({ grant_type: "client_credentials" });
      if (credentials.scope !== undefined) form.set("scope", credentials.scope);
      const answer = await exchange(
        credentials.tokenUrl,
        {
          method: "POST",
          headers: {
            authorization: `Basic ${Buffer.from(`${encodeURIComponent(credentials.clientId)}:${encodeURIComponent(credentials.clientSecret)}`).toString("base64")}`,
            "content-type": "application/x-www-form-urlencoded",
            accept: "application/json",
          },
          body: form.toString(),
        },
        signal,
      );
      bearer = tokenOf(answer);
      if (bearer === undefined) throw new TokenRefused(answer.status);
    }
    return `Bearer ${bearer}`;
  }

  async function headersOf(request: SapRequest, signal: AbortSignal): Promise<Record<string, string>> {
    const headers: Record<string, string> = { ...options.headers, ...options.credentials?.headers, ...request.headers };
    const authorised = await authorisation(signal);
    if (authorised !== undefined) headers["authorization"] = authorised;
    if (cookies.size > 0) headers["cookie"] = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    return headers;
  }

  async function settleCsrf(from: string, signal: AbortSignal): Promise<Failure | undefined> {
    if (csrf?.from === from) return undefined;
    const answer = await exchange(
      from,
      {
        method: "GET",
        headers: await headersOf(
          { method: "GET", repeatable: true, headers: { "x-csrf-token": "Fetch", accept: "application/json" } },
          signal,
        ),
      },
      signal,
    );
    const token = answer.headers.get("x-csrf-token");
    if (answer.status < 300 && token !== null && token !== "") {
      csrf = { token, from };
      return undefined;
    }
    return (
      failureOf(answer, false) ?? {
        kind: "failed",
        reason: `no CSRF token came (status ${answer.status})`,
        pauseMs: undefined,
        carriedOut: false,
      }
    );
  }

  /** What is wrong with an answer that another try may mend. */
  function failureOf(answer: SapAnswer, carriedOut: boolean): Failure | undefined {
    // A refusal comes before the work; only a failure of the server leaves in doubt whether the work was done.
    const failed = (reason: string): Failure => ({ kind: "failed", reason, pauseMs: retryAfterMs(answer.headers), carriedOut: false });
    if (answer.status === 401) {
      bearer = undefined;
      return failed("the credentials were refused (401)");
    }
    if (answer.status === 403 && /required/i.test(answer.headers.get("x-csrf-token") ?? "")) {
      csrf = undefined;
      return failed("the CSRF token had expired (403)");
    }
    if (answer.status === 403) return failed("access was refused (403)");
    if (answer.status === 429) return failed("too many requests (429)");
    if (answer.status >= 500) return { ...failed(`the server failed (${answer.status})`), carriedOut };
    return undefined;
  }

  async function once(url: string, request: SapRequest, signal: AbortSignal): Promise<SapAnswer | Failure> {
    let sent = false;
    try {
      if (request.csrfFrom !== undefined) {
        const failure = await settleCsrf(request.csrfFrom, signal);
        if (failure !== undefined) return failure;
      }
      const headers = await headersOf(request, signal);
      if (request.csrfFrom !== undefined && csrf !== undefined) headers["x-csrf-token"] = csrf.token;
      sent = true;
      const answer = await exchange(
        url,
        { method: request.method, headers, ...(request.body === undefined ? {} : { body: request.body }) },
        signal,
      );
      if (request.isFinal?.(answer) === true) return answer;
      return failureOf(answer, true) ?? answer;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (isStockroomError(error)) throw error;
      return { kind: "failed", reason: reasonOf(error, options.timeoutMs), pauseMs: undefined, carriedOut: sent && !neverReached(error) };
    }
  }

  return {
    async send(url, request, signal) {
      let denied = 0;
      for (let attempt = 1; ; attempt++) {
        const result = await once(url, request, signal);
        if ("status" in result) return result;
        const where = placeOf(url);
        if (result.carriedOut && !request.repeatable) {
          throw new StockroomError(
            "busy",
            "SAP_UNSURE",
            `Expected an answer from ${where} but ${result.reason}; it may have been carried out all the same.`,
            { facts: { where } },
          );
        }
        if (/refused/.test(result.reason)) denied += 1;
        if (attempt >= options.tries || denied >= 3) {
          const [kind, code, advice] =
            denied >= 3
              ? (["denied", "SAP_DENIED", "Check the credentials object and the user's authorisations in SAP."] as const)
              : (["busy", "SAP_BUSY", "It is tried again later."] as const);
          throw new StockroomError(kind, code, `Expected an answer from ${where} but ${result.reason}, ${attempt} times. ${advice}`, {
            facts: { where, attempts: attempt },
          });
        }
        const grown = options.pauseMs * 2 ** (attempt - 1);
        await pause(Math.min(result.pauseMs ?? grown, longestPauseMs), undefined, { signal });
      }
    },
  };
}

/** Whether a request failed before a connection stood: then nobody can have carried it out. */
function neverReached(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
  return ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"].includes(code);
}

class TokenRefused extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`no access token came (status ${status})`);
    this.status = status;
  }
}

function tokenOf(answer: SapAnswer): string | undefined {
  if (answer.status >= 300) return undefined;
  try {
    const body: unknown = JSON.parse(answer.text);
    const token = typeof body === "object" && body !== null && "access_token" in body ? body.access_token : undefined;
    return typeof token === "string" && token !== "" ? token : undefined;
  } catch {
    return undefined;
  }
}

function retryAfterMs(headers: Headers): number | undefined {
  const text = headers.get("retry-after");
  return text !== null && /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1_000 : undefined;
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof TokenRefused)
    return error.status === 401 || error.status === 403 ? `the credentials were refused (${error.status})` : error.message;
  if (error instanceof Error && error.name === "TimeoutError") return `no answer came within ${timeoutMs / 1_000} s`;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? ` (${cause.code})` : "";
  return `the connection failed${code}`;
}

/**
 * An answer that comes from somewhere else than the service: a redirect, or a page for people where data belong.
 *
 * Such a request was not carried out: it did not get as far as the service. Redirects are never followed, the credentials would go with them.
 */
function readElsewhere(url: string, answer: SapAnswer): StockroomError | undefined {
  const where = placeOf(url);
  if (answer.status >= 300 && answer.status < 400 && answer.status !== 304) {
    const location = answer.headers.get("location") ?? "";
    const target = URL.canParse(location, url) ? placeOf(new URL(location, url).href) : "nowhere";
    const isSame = target.replace(/^http:/, "https:").replace(/\/+$/, "") === where.replace(/^http:/, "https:").replace(/\/+$/, "");
    return new StockroomError(
      "denied",
      "SAP_REDIRECT",
      `Expected an answer from ${where} but it sends elsewhere (${answer.status}), to ${target}. ${
        isSame
          ? "Write that address into the settings."
          : "That is usually a logon page: let the user of the credentials log on to this service without single sign-on (basic or OAuth in transaction SICF, or the query saml2=disabled in the address)."
      }`,
      { facts: { where, status: answer.status } },
    );
  }
  const type = answer.headers.get("content-type") ?? "";
  const isHtml = /\bhtml\b/i.test(type) || /^\s*<(?:!doctype html|html)[\s>]/i.test(answer.text.slice(0, 200));
  if (answer.status >= 300 || !isHtml) return undefined;
  const title = /<title[^>]*>([^<]{1,80})/i.exec(answer.text)?.[1]?.trim();
  return new StockroomError(
    "denied",
    "SAP_LOGON_PAGE",
    `Expected data from ${where} but a page for people came${title === undefined || title === "" ? "" : ` ("${title}")`}: usually the logon page. Check the credentials object, the client (\`client\`), and that the service in transaction SICF takes this kind of logon.`,
    { facts: { where } },
  );
}

/** An address for people: without query, user or password. */
export function placeOf(url: string): string {
  const parsed = new URL(url);
  return `${parsed.origin}${parsed.pathname}`;
}
