// Log: structured lines for machines and for people, with every secret taken out before a line is made.
//
// Owns: the `Log` interface, concealment, the two formats. Does not own: where a line goes after the stream; who alarms on it.
//   L1. A value under a secret's name (password, token, authorization, ...) never leaves this file, at any depth.
//   L2. A password inside a connection string, a bearer token and a Slack hook are taken out of any text, messages and stacks included.
//   L3. Logging never throws: a value that cannot be read becomes a note that it could not.
//   L4. In a line for people nothing hides (text.ts).
//   L5. Whoever listens to a piece of work is told each line of `info` and above that is written in it, whatever the log's own level.

import { AsyncLocalStorage } from "node:async_hooks";
import { pino } from "pino";
import { visible } from "./text.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Facts of a line; nested values are fine, secrets in them are concealed. */
export type LogFacts = Readonly<Record<string, unknown>>;

/** What the app writes its story to. Safe to call from anywhere at any time. */
export interface Log {
  debug(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  error(message: string, facts?: LogFacts): void;
  /** A log that adds `facts` to every line; the line's own facts win. */
  child(facts: LogFacts): Log;
}

export interface LogOptions {
  /** Default `info`. */
  readonly level?: LogLevel;
  /** `json`: one object a line. `pretty`: one plain line for people. Default `json`. */
  readonly format?: "json" | "pretty";
  /** A stream, or the path of a file to append to. Default: standard error, because standard output belongs to results. */
  readonly destination?: { write(line: string): unknown } | string;
}

const masked = "[secret]";

const secretWords = new Set([
  "password",
  "passwords",
  "passwd",
  "passphrase",
  "pwd",
  "pass",
  "secret",
  "secrets",
  "token",
  "tokens",
  "authorization",
  "cookie",
  "credential",
  "credentials",
  "apikey",
]);
const secretPairs = ["wrappingkey", "privatekey", "accesskey", "apikey", "signingkey", "datakey", "masterkey", "mackey", "webhookurl"];

/** Whether a value under this name is a secret, however the name is written (`apiKey`, `API_KEY`, `x-api-key`). */
export function isSecretName(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  const joined = words.join("");
  return words.some((word) => secretWords.has(word)) || secretPairs.some((pair) => joined.includes(pair));
}

/** Takes the passwords of connection strings, bearer tokens, `password=...` pairs, Slack hooks and signatures of URLs out of a text. */
export function concealText(text: string): string {
  // Most lines hold none of these marks; the check keeps the hot path free of regular expressions.
  if (!/:\/\/|[=:]|bearer|basic/i.test(text)) return text;
  return (
    text
      // Up to the last @ before the path, because people do put an unescaped @ or / into a password.
      .replace(/\b([a-z][a-z0-9+.-]*:\/\/)([^\s/:@"'<>]*):([^\s"'<>]*)@/gi, `$1$2:${masked}@`)
      .replace(/\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}/gi, `$1 ${masked}`)
      .replace(/(https:\/\/hooks\.slack\.com\/)[^\s"'<>]+/gi, `$1${masked}`)
      // As Teams and Azure sign: who has the URL may use it.
      .replace(/([?&](?:sig|x-amz-signature)=)[^\s"'<>&]+/gi, `$1${masked}`)
      .replace(
        /(["']?\b(?:[a-z0-9]+[_-])*(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|secret[_-]?access[_-]?key)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&"'}\])]+)/gi,
        `$1${masked}`,
      )
  );
}

const maxDepth = 8;
const maxItems = 100;

/** Makes a printable copy of any value with every secret concealed; bytes become their count, errors their plain record. */
export function conceal(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return concealText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function" || typeof value === "symbol") return `[${typeof value}]`;
  if (typeof value !== "object" || value === null) return value;
  if (depth >= maxDepth) return "[too deep]";
  try {
    if (value instanceof Error) return concealError(value, depth);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[invalid date]" : value.toISOString();
    if (value instanceof URL) return concealText(value.href);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
    if (value instanceof Map)
      return concealEntries(
        [...value].map(([key, inner]) => [String(key), inner]),
        depth,
      );
    if (Array.isArray(value) || value instanceof Set) {
      const items = [...value];
      const shown = items.slice(0, maxItems).map((item) => conceal(item, depth + 1));
      return items.length > maxItems ? [...shown, `[${items.length - maxItems} more]`] : shown;
    }
    return concealEntries(Object.entries(value), depth);
  } catch {
    return "[unreadable]";
  }
}

function concealEntries(entries: readonly (readonly [string, unknown])[], depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [key, inner] of entries) {
    if (inner === undefined) continue;
    const plain = inner === null || typeof inner === "boolean";
    copy[key] = !plain && isSecretName(key) ? masked : conceal(inner, depth + 1);
  }
  return copy;
}

function concealFacts(facts: LogFacts): Record<string, unknown> {
  try {
    return concealEntries(Object.entries(facts), 0);
  } catch {
    return { facts: "[unreadable]" };
  }
}

function concealError(error: Error, depth: number): Record<string, unknown> {
  const own = concealEntries(
    Object.entries(error).filter(([key]) => key !== "cause" && key !== "message" && key !== "stack"),
    depth,
  );
  const copy: Record<string, unknown> = { name: error.name, message: concealText(error.message), ...own };
  if (error.stack !== undefined) copy["stack"] = concealText(error.stack);
  if (error.cause !== undefined) copy["cause"] = conceal(error.cause, depth + 1);
  return copy;
}

/** Makes a log. Writing is synchronous, so that the last lines before a crash are there. */
export function makeLog(options: LogOptions = {}): Log {
  const target =
    options.destination === undefined || typeof options.destination === "string"
      ? pino.destination({ dest: options.destination ?? 2, mkdir: true, sync: true })
      : options.destination;
  const stream = options.format === "pretty" ? { write: (line: string) => target.write(prettyLine(line)) } : target;
  const sink = pino(
    {
      level: options.level ?? "info",
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: "message",
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return overSink(
    (level, message, facts) => sink[level](facts, message),
    (level) => sink.isLevelEnabled(level),
    {},
  );
}

type WritingLevel = Exclude<LogLevel, "silent">;

/** Told of lines as they are written, concealed; called in the middle of the work, so it must be quick. */
export type LogListener = (line: LogLine) => void;

const listeners = new AsyncLocalStorage<LogListener>();

/** Does `work`, and tells `listener` of the lines that any log of this process writes in it (L5), instead of whoever listens around it. */
export const listenedTo = <Result>(listener: LogListener, work: () => Result): Result => listeners.run(listener, work);

function overSink(
  write: (level: WritingLevel, message: string, facts: Record<string, unknown>) => void,
  wanted: (level: WritingLevel) => boolean,
  bound: Record<string, unknown>,
): Log {
  const at =
    (level: WritingLevel) =>
    (message: string, facts?: LogFacts): void => {
      const isWritten = wanted(level);
      const listener = level === "debug" ? undefined : listeners.getStore();
      if (!isWritten && listener === undefined) return;
      const own = facts === undefined ? {} : concealFacts(facts);
      // A fact may not pass itself off as the line's own time, level or message.
      const { time, level: factLevel, message: factMessage, ...rest } = { ...bound, ...own };
      const kept: Record<string, unknown> = rest;
      if (time !== undefined) kept["fact_time"] = time;
      if (factLevel !== undefined) kept["fact_level"] = factLevel;
      if (factMessage !== undefined) kept["fact_message"] = factMessage;
      const text = concealText(message);
      try {
        if (isWritten) write(level, text, kept);
        listener?.({ level, message: text, facts: kept });
      } catch {
        // L3: a full disk under the log must not stop the work it tells of.
      }
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (facts) => overSink(write, wanted, { ...bound, ...concealFacts(facts) }),
  };
}

function prettyLine(line: string): string {
  const fields: Record<string, unknown> = JSON.parse(line);
  const { time, level, message, ...facts } = fields;
  const shown = Object.entries(facts).map(([key, value]) => {
    if (typeof value === "object" && value !== null && "message" in value) {
      const code = "code" in value && typeof value.code === "string" ? `${value.code}: ` : "";
      return `${key}=${JSON.stringify(`${code}${String(value.message)}`)}`;
    }
    return `${key}=${typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`;
  });
  // L4: a line of others' text neither moves the cursor nor looks like the next line.
  return `${visible([String(time).slice(11, 23), String(level).padEnd(5), String(message), ...shown].join(" ").replaceAll(/[\r\n]+/g, "\\n"))}\n`;
}

/** One line as a test sees it. */
export interface LogLine {
  readonly level: WritingLevel;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface MemoryLog extends Log {
  /** All lines so far, concealed as they would be written. */
  readonly lines: readonly LogLine[];
}

/**
 * Makes a log that keeps its lines, for tests.
 *
 * @testing
 */
export function makeMemoryLog(): MemoryLog {
  const lines: LogLine[] = [];
  const log = overSink(
    (level, message, facts) => {
      lines.push({ level, message, facts });
    },
    () => true,
    {},
  );
  return { ...log, lines };
}
