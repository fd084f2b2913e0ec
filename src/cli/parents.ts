// Parents: who started this process only to run it, and whether they still live.
//
// Owns: finding the launcher (bin/stockroom under an older Node, npm) among the parents, noticing its end. Does not own: what follows (main.ts).
//   N1. A launcher that is killed cannot pass the signal on; what it ran would stay behind as a server nobody knows of.
//   N2. A shell, a session or a service manager is no launcher: what was put into the background there on purpose stays.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);
const lookMs = 500;
const mostGenerations = 6;

interface Seen {
  readonly parent: number;
  readonly command: string;
}

/** Undefined when there is no such process, or the system does not tell. */
async function look(pid: number): Promise<Seen | undefined> {
  if (process.platform === "linux") {
    try {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8");
      // The name in the second field may hold blanks and brackets.
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      return { parent, command: (await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " ") };
    } catch {
      return undefined;
    }
  }
  if (process.platform === "win32") return undefined;
  const { stdout } = await run("ps", ["-o", "ppid=,args=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  const [, parent, command = ""] = /^\s*(\d+)\s+(.*)/.exec(stdout) ?? [];
  return parent === undefined ? undefined : { parent: Number(parent), command };
}

const runner = /(?:^|[\s/])(?:npm|npx|pnpm|pnpx|yarn|yarnpkg|bunx?)(?:-cli|-exec)?(?:\.c?js)?(?:\s|$)/;

/** The processes from this one's parent to the launcher, nearest first; none when nobody launched it. */
async function findLaunchers(env: Readonly<Record<string, string | undefined>>): Promise<readonly number[]> {
  const launcher = Number(env["STOCKROOM_LAUNCHER"] ?? Number.NaN);
  const byRunner = env["npm_lifecycle_event"] !== undefined;
  if (Number.isNaN(launcher) && !byRunner) return [];
  const chain: number[] = [];
  let known: readonly number[] = [];
  for (let pid = process.ppid; pid > 1 && chain.length < mostGenerations;) {
    const seen = await look(pid);
    chain.push(pid);
    if (pid === launcher || (byRunner && seen !== undefined && runner.test(seen.command))) known = [...chain];
    if (seen === undefined) break;
    pid = seen.parent;
  }
  return known;
}

/**
 * Calls `onGone` once when a launcher has ended before this process; never when there is none. Resolves once the launchers are known.
 *
 * It looks at who is whose parent, not at whether the launcher can be signalled: a killed process that nobody has waited for yet still can.
 */
export async function watchLaunchers(env: Readonly<Record<string, string | undefined>>, onGone: () => void): Promise<void> {
  const chain = await findLaunchers(env);
  if (chain.length === 0) return;
  const stands = async (): Promise<boolean> => {
    if (process.ppid !== chain[0]) return false;
    for (const [at, pid] of chain.slice(0, -1).entries()) {
      if ((await look(pid))?.parent !== chain[at + 1]) return false;
    }
    return true;
  };
  const again = (): void => {
    setTimeout(() => {
      void stands().then((isThere) => (isThere ? again() : onGone()));
    }, lookMs).unref();
  };
  again();
}
