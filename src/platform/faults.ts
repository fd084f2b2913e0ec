// Faults: named points at which a test can kill the process, so that "nothing is lost" is a tested claim.
//
// Owns: the list of points passed and the one switch. In production the switch is off and a point costs one comparison.
//   F1. A point's name is stable: `part.what-has-just-been-done`, kebab-case.
//   F2. `STOCKROOM_FAULT=name` kills at the first pass, `name#3` at the third; nothing else about the process changes.
//   F3. `STOCKROOM_FAULT=>file` kills nobody and appends the name of every point that is passed to the file, a line each: so a test learns from an
//       undisturbed walk which points there are, and no new one can be forgotten.

import { appendFileSync } from "node:fs";
import process from "node:process";

const given = process.env["STOCKROOM_FAULT"];
const record = given?.startsWith(">") === true ? given.slice(1) : undefined;
const wanted = record === undefined ? parseFault(given) : undefined;
let passes = 0;

interface Fault {
  readonly name: string;
  readonly pass: number;
}

function parseFault(text: string | undefined): Fault | undefined {
  if (text === undefined || text === "") return undefined;
  const [name = "", pass = "1"] = text.split("#");
  return { name, pass: Number(pass) };
}

/** Marks a place where a crash must do no harm. Kills the process with SIGKILL if this is the place asked for. */
export function faultPoint(name: string): void {
  if (record !== undefined) appendFileSync(record, `${name}\n`);
  if (wanted === undefined || wanted.name !== name) return;
  passes += 1;
  if (passes === wanted.pass) process.kill(process.pid, "SIGKILL");
}
