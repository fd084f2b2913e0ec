// A session with an SAP system: credentials, tokens, cookies, and how often one request is tried.
//
// Owns: authorisation (basic, OAuth 2 client credentials), CSRF tokens, Retry-After, repeats. Does not own: one exchange (exchange.ts), what is asked.
//   S1. A request that may have been carried out is repeated only when repeating it is harmless: a read, or one with a `RequestID` of its own.
//   S2. No credential and no token reaches an error, a log or an object.
//   S3. Pauses end at once when the caller's signal aborts.
// One session serves one caller at a time.

import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { isStockroomError, StockroomError } from "../../../platform/errors.ts";
import { readErrorText } from "./wire.ts";
import { exchange, placeOf, type Cookies, type ExchangeOptions, type SapAnswer } from "./exchange.ts";

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

export interface Session {
  /**
   * Gives the answer, of whatever status below 500 but 401, 403 for a stale CSRF token, and 429, which are dealt with here.
   * Throws `busy` `SAP_BUSY` after the last try, `denied` `SAP_DENIED`, `busy` `SAP_UNSURE` (S1).
   */
  send(url: string, request: SapRequest, signal: AbortSignal): Promise<SapAnswer>;
}

/** Longest pause the server may ask for within a step; the run's own retries wait longer. */
const longestPauseMs = 60_000;

/** What is wrong with an answer that another try may put right. */
interface Failure {
  readonly kind: "failed";
  readonly reason: string;
  readonly pauseMs: number | undefined;
  readonly carriedOut: boolean;
  /** Somebody must change something: more tries do not help. */
  readonly isDenied?: boolean;
}

/** What a session knows between requests. */
interface SessionState {
  readonly options: SessionOptions;
  readonly cookies: Cookies;
  bearer: string | undefined;
  csrf: { readonly token: string; readonly from: string } | undefined;
}

/** Opens a session; nothing is sent before the first request. */
export function openSession(options: SessionOptions): Session {
  const state: SessionState = { options, cookies: new Map(), bearer: undefined, csrf: undefined };
  return {
    async send(url, request, signal) {
      let denied = 0;
      for (let attempt = 1; ; attempt++) {
        const result = await sendOnce(state, url, request, signal);
        if ("status" in result) return result;
        if (result.carriedOut && !request.repeatable) {
          const where = placeOf(url);
          throw new StockroomError(
            "busy",
            "SAP_UNSURE",
            `Expected an answer from ${where} but ${result.reason}; it may have been carried out all the same.`,
            { facts: { where } },
          );
        }
        if (result.isDenied === true) denied += 1;
        if (attempt >= options.tries || denied >= 3) throw lastFailure(placeOf(url), result, { attempt, isDenied: denied >= 3 });
        const grown = options.pauseMs * 2 ** (attempt - 1);
        await pause(Math.min(result.pauseMs ?? grown, longestPauseMs), undefined, { signal });
      }
    },
  };
}

function lastFailure(where: string, { reason }: Failure, ended: { readonly attempt: number; readonly isDenied: boolean }): StockroomError {
  const [kind, code, advice] = ended.isDenied
    ? (["denied", "SAP_DENIED", "Check the credentials object and the user's authorisations in SAP."] as const)
    : (["busy", "SAP_BUSY", "It is tried again later."] as const);
  return new StockroomError(kind, code, `Expected an answer from ${where} but ${reason}, ${ended.attempt} times. ${advice}`, {
    facts: { where, attempts: ended.attempt },
  });
}

async function sendOnce(state: SessionState, url: string, request: SapRequest, signal: AbortSignal): Promise<SapAnswer | Failure> {
  let sent = false;
  try {
    if (request.csrfFrom !== undefined) {
      const failure = await fetchCsrf(state, request.csrfFrom, signal);
      if (failure !== undefined) return failure;
    }
    const headers = await headersOf(state, request, signal);
    if (request.csrfFrom !== undefined && state.csrf !== undefined) headers["x-csrf-token"] = state.csrf.token;
    sent = true;
    const body = request.body === undefined ? {} : { body: request.body };
    const answer = await exchange(url, { method: request.method, headers, ...body }, exchangeOptions(state, signal));
    if (request.isFinal?.(answer) === true) return answer;
    return failureOf(state, answer, true) ?? answer;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (isStockroomError(error)) throw error;
    const reason = reasonOf(error, state.options.timeoutMs);
    const isDenied = error instanceof TokenRefused && (error.status === 401 || error.status === 403);
    return { kind: "failed", reason, pauseMs: undefined, carriedOut: sent && !neverReached(error), isDenied };
  }
}

const exchangeOptions = ({ options, cookies }: SessionState, signal: AbortSignal): ExchangeOptions => ({
  timeoutMs: options.timeoutMs,
  cookies,
  signal,
});

const basicOf = (user: string, password: string): string => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

async function authorisation(state: SessionState, signal: AbortSignal): Promise<string | undefined> {
  const { credentials } = state.options;
  if (credentials === undefined) return undefined;
  if (credentials.kind === "basic") return basicOf(credentials.user, credentials.password);
  if (state.bearer === undefined) {
    const form = new URLSearchParams({ grant_type: "client_credentials" });
    if (credentials.scope !== undefined) form.set("scope", credentials.scope);
    const headers = {
      authorization: basicOf(encodeURIComponent(credentials.clientId), encodeURIComponent(credentials.clientSecret)),
      "content-type": "application/x-www-form-urlencoded",
      accept: "application/json",
    };
    const init = { method: "POST", headers, body: form.toString() };
    const answer = await exchange(credentials.tokenUrl, init, exchangeOptions(state, signal));
    state.bearer = tokenOf(answer);
    if (state.bearer === undefined) throw new TokenRefused(answer.status);
  }
  return `Bearer ${state.bearer}`;
}

async function headersOf(state: SessionState, request: Pick<SapRequest, "headers">, signal: AbortSignal): Promise<Record<string, string>> {
  const { options, cookies } = state;
  const headers: Record<string, string> = { ...options.headers, ...options.credentials?.headers, ...request.headers };
  const authorised = await authorisation(state, signal);
  if (authorised !== undefined) headers["authorization"] = authorised;
  if (cookies.size > 0) headers["cookie"] = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  return headers;
}

/** Has a CSRF token ready for a change. */
async function fetchCsrf(state: SessionState, from: string, signal: AbortSignal): Promise<Failure | undefined> {
  if (state.csrf?.from === from) return undefined;
  const headers = await headersOf(state, { headers: { "x-csrf-token": "Fetch", accept: "application/json" } }, signal);
  const answer = await exchange(from, { method: "GET", headers }, exchangeOptions(state, signal));
  const token = answer.headers.get("x-csrf-token");
  if (answer.status < 300 && token !== null && token !== "") {
    state.csrf = { token, from };
    return undefined;
  }
  const reason = `no CSRF token came (status ${answer.status})`;
  return failureOf(state, answer, false) ?? { kind: "failed", reason, pauseMs: undefined, carriedOut: false };
}

/** Reads an answer for what another try may put right, and forgets the token that was refused. */
function failureOf(state: SessionState, answer: SapAnswer, carriedOut: boolean): Failure | undefined {
  // A refusal comes before the work; only a failure of the server leaves in doubt whether the work was done.
  const failed = (reason: string): Failure => ({ kind: "failed", reason, pauseMs: retryAfterMs(answer.headers), carriedOut: false });
  const denied = (reason: string): Failure => ({ ...failed(reason), isDenied: true });
  const said = wordsOf(state, answer);
  if (answer.status === 401) {
    state.bearer = undefined;
    return denied(`the credentials were refused (401${said})`);
  }
  if (answer.status === 403 && /required/i.test(answer.headers.get("x-csrf-token") ?? "")) {
    state.csrf = undefined;
    return failed("the CSRF token had expired (403)");
  }
  if (answer.status === 403) return denied(`access was refused (403${said})`);
  if (answer.status === 408) return { ...failed(`the request took too long for the server (408${said})`), carriedOut };
  if (answer.status === 429) return failed(`too many requests (429${said})`);
  if (answer.status >= 500) return { ...failed(`the server failed (${answer.status}${said})`), carriedOut };
  return undefined;
}

/** What an answer says of itself, for people: its messages, or the title of a page. */
function wordsOf({ options: { credentials }, bearer }: SessionState, answer: SapAnswer): string {
  const messages = readErrorText(answer.text).map((message) => message.text);
  const title = /<title[^>]*>([^<]{1,120})/i.exec(answer.text)?.[1]?.trim();
  const secrets = [
    credentials?.kind === "basic" ? credentials.password : credentials?.clientSecret,
    bearer,
    ...Object.values(credentials?.headers ?? {}),
  ];
  let words = messages.length > 0 ? messages.join("; ") : (title ?? "");
  // A server that repeats what it was sent (S2); what is shorter is in every other word.
  for (const secret of secrets) if (secret !== undefined && secret.length > 3) words = words.replaceAll(secret, "...");
  return words === "" ? "" : `: ${words.slice(0, 300)}`;
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
