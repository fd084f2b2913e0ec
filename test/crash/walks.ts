// Walks: a child process on a place, to its end or to the fault point that kills it.

import { spawn } from "node:child_process";
import process from "node:process";
import { makePlace, type TestPlace } from "../kit/app.ts";

export interface Walk {
  readonly signal: string | null;
  /** The last line of its standard output. */
  readonly last: string;
  readonly errors: string;
}

export async function walk(script: string, place: TestPlace, settings: Readonly<Record<string, string>> = {}): Promise<Walk> {
  const child = spawn(process.execPath, [script], {
    cwd: place.home,
    env: { ...process.env, ...place.env, ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const signal = await new Promise<string | null>((resolve) => {
    child.on("close", (_code, by) => {
      resolve(by);
    });
  });
  return { signal, last: out.trim().split("\n").at(-1) ?? "", errors };
}

/** Kills a walk at a point and walks again on the same place. */
export async function walkTwice(
  script: string,
  point: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<{ readonly killed: Walk; readonly resumed: Walk }> {
  const place = await makePlace();
  try {
    const killed = await walk(script, place, { ...settings, STOCKROOM_FAULT: point });
    return { killed, resumed: await walk(script, place, settings) };
  } finally {
    await place.remove();
  }
}
