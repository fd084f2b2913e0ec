// The test's side of the fleet: starts its processes and sees them die.

import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import process from "node:process";

export interface Member {
  readonly pid: number;
  /** Resolves when it is at work. Rejects when it died before. */
  readonly ready: Promise<void>;
  /** The signal it died of, or undefined when it ended by itself. */
  readonly end: Promise<NodeJS.Signals | undefined>;
  isDead(): boolean;
  kill(): void;
  /** Asks it to end cleanly. */
  leave(): void;
}

const members = new Set<Member>();

/** Starts a process of the fleet. `fault`: where it is to kill itself. `program`: its file, beside this one. */
export function join(url: string, executorId: string, task: readonly string[] = [], fault?: string, program = "workflow-app.ts"): Member {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, program), url, executorId, ...task], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, NODE_NO_WARNINGS: "1", STOCKROOM_FAULT: fault ?? "" },
  });
  const end = once(child, "close").then(() => {
    members.delete(member);
    const { exitCode, signalCode } = child;
    if (exitCode !== 0 && signalCode === null) throw new Error(`${executorId} ended with ${exitCode}`);
    return signalCode ?? undefined;
  });
  const ready = Promise.race([
    once(child.stdout, "data").then(() => undefined),
    end.then((signal) => {
      throw new Error(`${executorId} died of ${signal ?? "nothing"} before it was ready`);
    }),
  ]);
  // A test that looks at one of them only must not fail for the other.
  ready.catch(() => undefined);
  end.catch(() => undefined);
  child.stdin.on("error", () => undefined);
  const member: Member = {
    pid: child.pid ?? 0,
    ready,
    end,
    isDead: () => !members.has(member),
    kill: () => void child.kill("SIGKILL"),
    leave: () => void child.stdin.end(),
  };
  members.add(member);
  return member;
}

/** Kills what a failed test left behind. */
export async function disband(): Promise<void> {
  const left = [...members];
  for (const member of left) member.kill();
  await Promise.allSettled(left.map((member) => member.end));
}
