// Memory: what a process of this machine holds, looked at from outside.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Of a process of this machine; 0 when it is gone or the system does not say. */
export async function residentMb(pid: number): Promise<number> {
  if (process.platform === "linux") {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    return Number(/^RssAnon:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) / 1_024;
  }
  if (process.platform === "win32") return 0;
  const { stdout } = await run("ps", ["-o", "rss=", "-p", String(pid)]).catch(() => ({ stdout: "0" }));
  return Number(stdout.trim()) / 1_024;
}
