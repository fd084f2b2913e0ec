// Client: Stockroom over HTTP for programs, typed by the very declarations the server answers by. No code is generated; it needs `fetch` alone.
//
//   L1. What the server refuses is a StockroomError with its code, kind and facts; what never reached it is one of kind `busy`.
//   L2. Nothing is tried again by itself but a stream, which goes on where it was cut.

import { codeOf, reviveError, StockroomError } from "../platform/errors.ts";
import type { Problem } from "../platform/web/problem.ts";
import type { Remote } from "../platform/web/remote.ts";
import type { Routes, Told, Upload } from "./routes.ts";

export interface ClientOptions {
  /** `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly token?: string | undefined;
  /** Default: the runtime's own. */
  readonly fetch?: typeof fetch;
}

export interface StreamOptions {
  readonly of?: "events" | "runs";
  /** Only events of this kind. */
  readonly kind?: string;
  /** The id of the last message that came before; absent: from now on. */
  readonly after?: string;
  readonly signal?: AbortSignal;
}

export interface Client extends Remote<Routes> {
  /** What happens, as it happens, until the signal aborts; after a cut it goes on behind the last message. */
  stream(options?: StreamOptions): AsyncGenerator<Told, void, undefined>;
}

/** Makes a client of a server. Throws `input` `CLIENT_URL` for an address that is none. */
export function makeClient({ url, token, fetch: ask = fetch }: ClientOptions): Client {
  if (!URL.canParse(url))
    throw new StockroomError("input", "CLIENT_URL", `Expected an address such as http://127.0.0.1:8080 but received "${url}".`);
  const base = url.replace(/\/+$/, "");

  const send = async (name: string, call: AnyCall): Promise<Response> => {
    const [method = "GET", path = "/"] = name.split(" ");
    const headers = new Headers(call.headers);
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    let body: Upload | undefined;
    if (call.contentType !== undefined) headers.set("content-type", call.contentType);
    if (isUpload(call.body)) body = call.body;
    else if (call.body !== undefined) {
      body = JSON.stringify(call.body);
      headers.set("content-type", "application/json");
    }
    let answer: Response;
    try {
      answer = await ask(`${base}${fill(path, call.params ?? {})}${queryOf(call.query ?? {})}`, {
        method,
        headers,
        redirect: "error",
        ...(body === undefined ? {} : { body, duplex: "half" }),
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      });
    } catch (cause) {
      call.signal?.throwIfAborted();
      throw new StockroomError(
        "busy",
        "SERVER_UNREACHABLE",
        `Expected ${base} to answer but it cannot be reached. Is \`stockroom up\` running there?`,
        {
          facts: { url: base, reason: codeOf(cause instanceof Error ? cause.cause : undefined) },
          cause,
        },
      );
    }
    if (answer.ok || answer.status === 304) return answer;
    throw await errorOf(answer, `${method} ${path}`);
  };

  const call = async (name: string, given: AnyCall = {}): Promise<unknown> => {
    const answer = await send(name, given);
    if (answer.status === 204) return undefined;
    return answer.headers.get(bytesHeader) === null ? await answer.json() : answer;
  };

  async function* pages(name: string, given: AnyCall = {}): AsyncGenerator<unknown, void, undefined> {
    let cursor: unknown = given.query?.["cursor"];
    do {
      const page = await call(name, { ...given, query: { ...given.query, ...(cursor === undefined ? {} : { cursor }) } });
      yield page;
      cursor = typeof page === "object" && page !== null && "next" in page ? page.next : undefined;
    } while (cursor !== undefined);
  }

  async function* stream({ of, kind, after, signal }: StreamOptions = {}): AsyncGenerator<Told, void, undefined> {
    let place = after;
    let waitMs = 0;
    const isOver = (): boolean => signal?.aborted === true;
    while (!isOver()) {
      if (waitMs > 0) await pause(waitMs, signal);
      try {
        const headers = place === undefined ? {} : { "last-event-id": place };
        const answer = await send("GET /api/stream", { query: { of, kind }, headers, ...(signal === undefined ? {} : { signal }) });
        waitMs = 0;
        for await (const { event, id, data } of messagesOf(answer)) {
          if (id !== undefined) place = id;
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as the server's declaration says
          if (event !== undefined && data !== undefined) yield { event, id: place ?? "", data: JSON.parse(data) } as Told;
        }
      } catch (error) {
        if (isOver()) return;
        // What the server refuses does not change by asking again; what was cut may.
        if (error instanceof StockroomError && error.kind !== "busy") throw error;
      }
      waitMs = Math.min(30_000, Math.max(500, waitMs * 2));
    }
  }

  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the types of the declarations over code that knows none of them
  return { call, pages, stream } as unknown as Client;
}

/** As the server marks what is a file, also where it is JSON (platform/web/route.ts). */
const bytesHeader = "x-stockroom-bytes";

interface AnyCall {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const isUpload = (body: unknown): body is Upload =>
  typeof body === "string" || body instanceof Uint8Array || body instanceof Blob || body instanceof ReadableStream;

const fill = (path: string, params: Readonly<Record<string, string>>): string =>
  path.replaceAll(/:([A-Za-z]+)|\*/g, (hole, name: string | undefined) =>
    hole === "*" ? (params["*"] ?? "").split("/").map(encodeURIComponent).join("/") : encodeURIComponent(params[name ?? ""] ?? ""),
  );

function queryOf(query: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, typeof value === "string" ? value : JSON.stringify(value)] as const],
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(Object.fromEntries(given)).toString()}`;
}

/** The error a server told, as its own class; one that is no problem of ours came from something before it. */
async function errorOf(answer: Response, what: string): Promise<StockroomError> {
  const text = await answer.text().catch(() => "");
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked below as far as it is used
    const told = JSON.parse(text) as Problem;
    if (typeof told.code === "string" && typeof told.message === "string") return reviveError(told);
  } catch {
    // Told below.
  }
  return new StockroomError(
    answer.status >= 500 ? "busy" : "input",
    "SERVER_ANSWER",
    `Expected an answer of Stockroom to ${what} but received ${answer.status} ${answer.statusText}. Is a proxy before it?`,
    { facts: { status: answer.status } },
  );
}

interface Message {
  readonly event: string | undefined;
  readonly id: string | undefined;
  readonly data: string | undefined;
}

/** Takes server-sent events apart (HTML standard, section 9.2.6), as far as ours use them. */
async function* messagesOf(answer: Response): AsyncGenerator<Message> {
  if (answer.body === null) return;
  let rest = "";
  for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(
        block
          .split("\n")
          .flatMap((row) => (row.startsWith(":") ? [] : [[row.slice(0, row.indexOf(":")), row.slice(row.indexOf(":") + 2)] as const])),
      );
      yield { event: fields.get("event"), id: fields.get("id"), data: fields.get("data") };
    }
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
