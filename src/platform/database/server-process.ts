// Server process: is that process our server, and under whose name may it run?
//
//   S1. A number in a pid file proves nothing: numbers are reused, and a zombie still has one. A process counts as the server of
//       a data folder only if it works in that folder.

import { execFile } from "node:child_process";
import { readFile, readlink, realpath, stat } from "node:fs/promises";
import process from "node:process";
import { promisify } from "node:util";
import { StockroomError } from "../errors.ts";
import { isAlive } from "../files/index.ts";
import type { ServerUser } from "./binaries.ts";

/** Whether `pid` is a living PostgreSQL server on the data folder `data`. */
export async function isPostmasterOf(pid: number, data: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform === "linux") {
    // pid (name) state ...: the name may hold spaces and brackets.
    const state = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const after = state.slice(state.lastIndexOf(")") + 2);
    if (after === "" || after.startsWith("Z") || after.startsWith("X")) return false;
    const folder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
    return folder !== undefined && folder === (await realpath(data).catch(() => data));
  }
  if (process.platform === "win32") {
    const { stdout } = await promisify(execFile)("tasklist", ["/fi", `pid eq ${pid}`, "/fo", "csv", "/nh"]).catch(() => ({ stdout: "" }));
    return /postgres/i.test(stdout);
  }
  const { stdout } = await promisify(execFile)("ps", ["-o", "command=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  return stdout.includes("postgres") && stdout.includes(data);
}

/**
 * Under which user the server runs: `undefined` for our own. As root: the owner of the data or of the home if that is not root,
 * else a system user made for such things.
 *
 * Throws `denied` `RECORDS_FOREIGN_HOME` when an ordinary user opens somebody else's home.
 */
export async function chooseServerUser(places: { readonly root: string; readonly data: string }): Promise<ServerUser | undefined> {
  const own = process.geteuid?.();
  if (own === undefined) return undefined;
  const owners = [await stat(places.data).catch(() => undefined), await stat(places.root)];
  if (own !== 0) {
    const stranger = owners.find((owner) => owner !== undefined && owner.uid !== own);
    if (stranger === undefined) return undefined;
    throw new StockroomError(
      "denied",
      "RECORDS_FOREIGN_HOME",
      `Expected ${places.root} to belong to us (user id ${own}) but it belongs to user id ${stranger.uid}. Run as that user, or choose another STOCKROOM_HOME.`,
      { facts: { folder: places.root, own, owner: stranger.uid } },
    );
  }
  for (const owner of owners) if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  if (process.platform !== "linux") {
    throw new StockroomError(
      "input",
      "RECORDS_ROOT_REFUSED",
      "Expected an ordinary user, because PostgreSQL refuses to run as root. Run as one, give the home folder to one, or set DATABASE_URL.",
    );
  }
  const passwd = await readFile("/etc/passwd", "utf8").catch(() => "");
  for (const wanted of ["stockroom", "postgres", "nobody"]) {
    const fields = passwd
      .split("\n")
      .map((line) => line.split(":"))
      .find(([name]) => name === wanted);
    // initdb looks its user up by number, so one without a line there will not do.
    if (fields?.[2] !== undefined && fields[3] !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new StockroomError(
    "input",
    "RECORDS_ROOT_REFUSED",
    "Expected a user for the database server (stockroom, postgres or nobody in /etc/passwd), because PostgreSQL refuses to run as root. Add one, run as an ordinary user, or set DATABASE_URL.",
  );
}
