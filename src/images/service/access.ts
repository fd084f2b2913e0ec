// Access: one JSON line a request, written in batches so that a cache hit does not pay for a system call of its own.
//
//   access-log.A1. A signature is a permission: it is never in a line.
//   access-log.A2. Lines wait at most a tenth of a second; closing writes the rest.

import type { Asked, Reply } from "./contract.ts";

export interface AccessLog {
  write(asked: Pick<Asked, "method" | "target">, reply: Reply, ms: number, from: string): void;
  close(): void;
}

const flushMs = 100;
const mostPendingChars = 64 * 1024;

/** Makes an access log over `destination`, which gets whole lines, several at a time. */
export function makeAccessLog(destination: (lines: string) => void): AccessLog {
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
    write({ method, target }, reply, ms, from) {
      if (timer === undefined) {
        at = new Date().toISOString();
        timer = setTimeout(flush, flushMs);
        timer.unref();
      }
      const code = reply.code === undefined ? "" : `,"code":${JSON.stringify(reply.code)}`;
      pending += `{"level":"info","time":"${at}","room":"images","message":"picture","method":${JSON.stringify(method)},"target":${JSON.stringify(concealed(target))},"status":${reply.status},"outcome":"${reply.outcome}"${code},"bytes":${reply.body?.byteLength ?? 0},"ms":${Math.round(ms * 10) / 10},"from":${JSON.stringify(from)}}\n`;
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
