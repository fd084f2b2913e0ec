// Access: what every server of ours writes down of a request. Into the log where a framework answers; in batches of ready lines where the
// answer costs less than a line of the log would.
//
//   access-log.A1. A signature is a permission: it is never in a line.
//   access-log.A2. Lines of a batch wait at most a tenth of a second; closing writes the rest.

import type { Log } from "../log.ts";

/** One answered request. */
export interface Access {
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  readonly status: number;
  readonly ms: number;
  /** The caller's address. */
  readonly from: string;
  /** How the answer came about, and the code of its error. */
  readonly outcome?: string;
  readonly code?: string | undefined;
  readonly bytes?: number;
}

export interface AccessLog {
  write(access: Access): void;
  close(): void;
}

/** Probes and scrapes come every few seconds and say nothing when all is well. */
const isProbe = (target: string): boolean => /^\/(?:health|metrics)(?:[/?]|$)/.test(target);

/** Writes each request into the log at once, without its query. */
export function logAccess(log: Log): AccessLog {
  return {
    write({ method, target, status, ms, from }) {
      const path = concealed(target.split("?", 1)[0] ?? "/");
      const facts = { method, path, status, ms: Math.round(ms), from };
      if (isProbe(target) && status < 400) log.debug("request", facts);
      else log.info("request", facts);
    },
    close: () => undefined,
  };
}

const flushMs = 100;
const mostPendingChars = 64 * 1024;

/** Writes requests of `part` as JSON lines to `destination`, which gets whole lines, several at a time. */
export function batchAccess(part: string, destination: (lines: string) => void): AccessLog {
  let pending = "";
  let timer: NodeJS.Timeout | undefined;
  // A time is asked for once a batch and not once a line.
  let at = "";
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const lines = pending;
    pending = "";
    if (lines !== "") destination(lines);
  };
  return {
    write({ method, target, status, ms, from, outcome, code, bytes }) {
      if (timer === undefined) {
        at = new Date().toISOString();
        timer = setTimeout(flush, flushMs);
        timer.unref();
      }
      const how = outcome === undefined ? "" : `,"outcome":"${outcome}"`;
      const why = code === undefined ? "" : `,"code":${JSON.stringify(code)}`;
      const size = bytes === undefined ? "" : `,"bytes":${bytes}`;
      pending += `{"level":"info","time":"${at}","part":"${part}","message":"request","method":${JSON.stringify(method)},"target":${JSON.stringify(concealed(target))},"status":${status}${how}${why}${size},"ms":${Math.round(ms * 10) / 10},"from":${JSON.stringify(from)}}\n`;
      if (pending.length > mostPendingChars) flush();
    },
    close: flush,
  };
}

/** A target as it may be written down: signatures hidden, in the query under any spelling of the name and in thumbor's place in the path. */
export function concealed(target: string): string {
  const at = target.indexOf("?");
  const path = (at < 0 ? target : target.slice(0, at)).replace(/^\/[\w-]{27}=\//, "/[secret]/");
  if (at < 0) return shortened(path);
  const pairs = target
    .slice(at + 1)
    .split("&")
    .map((pair) => (nameOf(pair) === "signature" ? "signature=[secret]" : pair));
  return shortened(`${path}?${pairs.join("&")}`);
}

const shortened = (text: string): string => (text.length > 1_000 ? `${text.slice(0, 1_000)}...` : text);

function nameOf(pair: string): string {
  const name = pair.slice(0, Math.max(0, pair.indexOf("=")));
  if (!name.includes("%")) return name.toLowerCase();
  try {
    return decodeURIComponent(name).toLowerCase();
  } catch {
    // What cannot be decoded here may be decoded elsewhere: better hidden than shown.
    return "signature";
  }
}
