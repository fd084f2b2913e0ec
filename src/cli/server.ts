// Server: the Stockroom elsewhere that `--server` names, as commands ask it.
//
//   S1. A token never goes in the clear to another machine unless somebody says so, and never stands on a command line.
//   S2. Before anything is asked, the server has said that it is a Stockroom, and of which version.
//   S3. What the server refuses is told as the command's own error, with its code and the exit code of its kind.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { makeClient, type Client } from "../client/client.ts";
import type { Answer, Routes } from "../client/routes.ts";
import type { GlobalFlags } from "../platform/command/parse.ts";
import { isLoopback } from "../platform/config/index.ts";
import { codeOf, isStockroomError, StockroomError } from "../platform/errors.ts";
import type { RemoteServer } from "../platform/module.ts";
import type { ChildOutcome } from "../platform/workflow/contract.ts";

/** What the platform's own commands ask of a server. */
export type AskedServer = Client & Omit<RemoteServer<never>, "call" | "pages">;

export interface ServerPlace {
  readonly flags: Pick<GlobalFlags, "server" | "tokenFile" | "insecure">;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly version: string;
  readonly signal: AbortSignal;
  /** A word to whoever called, beside the result. */
  say(text: string): void;
}

const filled = (text: string | undefined): string | undefined => (text?.trim() === "" ? undefined : text?.trim());

/** The address that was named, by the flag or by STOCKROOM_SERVER. */
const namedServer = ({ flags, env }: Pick<ServerPlace, "flags" | "env">): string | undefined =>
  flags.server ?? filled(env["STOCKROOM_SERVER"]);

/**
 * Opens the server that was named. Throws `input` `SERVER_URL_BAD`, `SERVER_INSECURE`, `TOKEN_FILE_BAD`, `busy` `SERVER_UNREACHABLE`, and `input`
 * `SERVER_NO_STOCKROOM` where something else answers.
 */
export async function openServer(place: ServerPlace): Promise<AskedServer> {
  const { flags, signal, version } = place;
  const url = readUrl(namedServer(place) ?? "");
  const token = await readToken(place);
  if (token !== undefined && url.protocol === "http:" && !isLoopback(url.hostname) && !flags.insecure) {
    throw new StockroomError(
      "input",
      "SERVER_INSECURE",
      `Expected https because a token goes to ${url.host} but received http: whoever is on the way would read it. Name the address with https, or say --insecure where the way is your own.`,
    );
  }
  const ask: typeof fetch = async (input, init) =>
    await fetch(input, { ...init, signal: init?.signal == null ? signal : AbortSignal.any([signal, init.signal]) });
  const client = makeClient({ url: url.href, token, fetch: ask });
  const theirs = await versionOf(client, url);
  signal.throwIfAborted();
  if (theirs !== version)
    place.say(`note: ${url.host} is Stockroom ${theirs}, this command is of ${version}: what one of them lacks is refused`);
  const told = (error: unknown): unknown => {
    signal.throwIfAborted();
    return inWords(error, { token: token !== undefined, theirs, version });
  };
  const call = async (name: never, given: never): Promise<unknown> => {
    try {
      return await client.call(name, given);
    } catch (error) {
      throw told(error);
    }
  };
  async function* pages(name: never, given: never): AsyncGenerator {
    try {
      yield* client.pages(name, given);
    } catch (error) {
      throw told(error);
    }
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the client's own types over what only adds words to its errors
  const asked = { ...client, call, pages } as unknown as Client;
  return { ...asked, ...waiting(asked, signal) };
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const bare = url !== undefined && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  if (url !== undefined && bare && (url.protocol === "http:" || url.protocol === "https:")) return url;
  // What stands before an @ may be a password: it is not repeated.
  const shown = text.replace(/\/\/[^/]*@/, "//[secret]@");
  throw new StockroomError(
    "input",
    "SERVER_URL_BAD",
    `Expected the address of a Stockroom such as https://stockroom.example.org or http://127.0.0.1:8080 but received "${shown}". A token goes into STOCKROOM_TOKEN or a file (--token-file).`,
  );
}

async function readToken({ flags, env, cwd }: ServerPlace): Promise<string | undefined> {
  const name = flags.tokenFile ?? (filled(env["STOCKROOM_TOKEN"]) === undefined ? filled(env["STOCKROOM_TOKEN_FILE"]) : undefined);
  if (name === undefined) return filled(env["STOCKROOM_TOKEN"]);
  const bad = (why: string, cause?: unknown): StockroomError =>
    new StockroomError(
      "input",
      "TOKEN_FILE_BAD",
      `Expected a token alone in the file ${name} but ${why}. Make one with \`stockroom tokens add\` and put it there, readable for you alone.`,
      { cause },
    );
  const text = await readFile(path.resolve(cwd, name), "utf8").catch((cause: unknown) => {
    throw bad(`the system says ${codeOf(cause) ?? "that it cannot be read"}`, cause);
  });
  const token = text.trim();
  if (/^[!-~]+$/.test(token)) return token;
  throw bad(token === "" ? "it is empty" : "it holds more than one word");
}

async function versionOf(client: Client, url: URL): Promise<string> {
  const other = (cause?: unknown): StockroomError =>
    new StockroomError(
      "input",
      "SERVER_NO_STOCKROOM",
      `Expected Stockroom at ${url.href} but something else answers there. Check host, port and path; \`stockroom up\` prints the address it has.`,
      { cause },
    );
  const live = await client.call("GET /health/live").catch((error: unknown) => {
    if (isStockroomError(error) && error.code === "SERVER_UNREACHABLE") throw error;
    throw other(error);
  });
  const { version }: { version?: unknown } = live;
  if (typeof version === "string") return version;
  throw other();
}

/** What a server refused, with what to do about it at a shell. */
function inWords(
  error: unknown,
  { token, theirs, version }: { readonly token: boolean; readonly theirs: string; readonly version: string },
): unknown {
  if (!isStockroomError(error)) return error;
  const { kind, code, message, facts } = error;
  if (code === "TOKEN_WANTED") {
    const remedy = token
      ? "Check the token in STOCKROOM_TOKEN or --token-file; it may have ended: `stockroom tokens list` beside the server tells."
      : "Put one into STOCKROOM_TOKEN, or name a file that holds it: --token-file FILE.";
    const came = token ? "the one that was sent does not hold" : "none was given";
    return new StockroomError(kind, code, `Expected a token that holds at the server but ${came}. ${remedy}`, { facts, cause: error });
  }
  if (theirs === version || !["ROUTE_MISSING", "QUERY_BAD", "BODY_BAD", "SERVER_ANSWER"].includes(code)) return error;
  const words = `${message} The server is Stockroom ${theirs}, this command is of ${version}: use the one of the server's version.`;
  return new StockroomError(kind, code, words, { facts, cause: error });
}

const pollMs = 500;

/** What needs more than one call. */
function waiting(client: Client, signal: AbortSignal): Pick<RemoteServer<never>, "outcome" | "callerName" | "hasObjects"> {
  return {
    outcome: async (runId) => {
      for (;;) {
        const outcome = ended(await client.call("GET /api/runs/:id", { params: { id: runId } }));
        if (outcome !== undefined) return outcome;
        await pause(pollMs, undefined, { signal });
      }
    },
    callerName: async () => (await client.call("GET /api/me")).name,
    hasObjects: async (prefix) => (await client.call("GET /objects", { query: { prefix, limit: 1 } })).objects.length > 0,
  };
}

function ended({ state, output, error }: Answer<Routes["GET /api/runs/:id"]>): ChildOutcome<unknown> | undefined {
  if (state === "done") return { kind: "done", value: output };
  if (state === "cancelled") return { kind: "cancelled" };
  if ((state === "failed" || state === "dead") && error !== undefined) return { kind: "failed", error };
  return undefined;
}
