// Access: one JSON line a request, written in batches so that a cache hit does not pay for a system call of its own.
//
//   A1. A signature is a permission: it is never in a line.
//   A2. Lines wait at most a tenth of a second; closing writes the rest.

import type { Asked, Reply } from "./service.ts";

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
      pending += `{"level":"info","time":"${at}","room":"images","message":"picture","method":${JSON.stringify(method)},"target":${JSON.stringify(concealed(target))},"status":${reply.status},"outcome":"${reply.outcome}"${code},"bytes":${reply.body?.byteLength ?? 0},"ms":${ms.toFixed(1)},"from":${JSON.stringify(from)}}\n`;
      if (pending.length > mostPendingChars) flush();
    },
    close: flush,
  };
}

/** A target as it may be written down. */
export function concealed(target: string): string {
  const text = target.length > 1_000 ? `${target.slice(0, 1_000)}...` : target;
  const unsigned =
    text.includes("signature") || text.includes("%") ? text.replaceAll(/([?&](?:s|%73)(?:i|%69)[^=&]{0,40}=)[^&]*/gi, "$1[secret]") : text;
  // Thumbor's own stands in the path.
  return unsigned.replace(/^\/[\w-]{27}=\//, "/[secret]/");
}
