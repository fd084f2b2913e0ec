// Walks: a child process on a place, to its end or to the fault point that kills it.

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
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

/** Walks undisturbed, and gives the names of the fault points it passed, in their order. */
export async function walkRecorded(
  script: string,
  place: TestPlace,
  settings: Readonly<Record<string, string>> = {},
): Promise<{ readonly walk: Walk; readonly passed: readonly string[] }> {
  const file = path.join(place.home, "passed.txt");
  const ended = await walk(script, place, { ...settings, STOCKROOM_FAULT: `>${file}` });
  return { walk: ended, passed: await readPassed(file) };
}

export async function readPassed(file: string): Promise<readonly string[]> {
  return (await readFile(file, "utf8")).trim().split("\n");
}

/** Points of the platform that a walk is killed at, too; its own tests know the others. */
const ofPlatform = /^(?:objects\.(?:staged|promoted|written|committed)|workflow\.(?:step\.(?:before|recorded)|run\.done))$/;

/**
 * The points to kill a walk at, from those that an undisturbed one passed: every step and point whose name begins with `own`, so that none that there is
 * can be forgotten, and some of the platform's.
 *
 * `every`: names that are killed at in each of their passes. Others are in the middle one, and of names that differ by a number (pages, batches)
 * the middle one, so that the crashes hit different runs.
 */
export function pointsOf(
  passed: readonly string[],
  own: string,
  { every = /^$/, platform = false }: { readonly every?: RegExp; readonly platform?: boolean } = {},
): readonly string[] {
  const times = new Map<string, number>();
  const families = new Map<string, string[]>();
  for (const name of passed) {
    if (!name.startsWith(own) && !(platform && ofPlatform.test(name))) continue;
    const time = (times.get(name) ?? 0) + 1;
    times.set(name, time);
    const family = every.test(name) ? `${name}#${time}` : name.replace(/-\d+$/, "");
    const known = families.get(family);
    if (known === undefined) families.set(family, [`${name}#${time}`]);
    else known.push(`${name}#${time}`);
  }
  // Each thread counts its own passes: of the platform's points, which many threads pass, only an early one is sure to come again.
  return [...families].flatMap(([family, points]) => points[(points.length - 1) >> (ofPlatform.test(family) ? 3 : 1)] ?? []);
}
