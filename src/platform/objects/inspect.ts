// Look: the store's folder compared with the catalogue, for `stockroom doctor`. Reads names and sizes, never bytes, and changes nothing.

import type { Stats } from "node:fs";
import { lstat, opendir, stat } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import type { Tx } from "../database/contract.ts";
import { findId } from "./names.ts";

/** So many of one kind, the first few by name. */
export interface Lot {
  count: number;
  readonly first: string[];
}

interface StoreInspection {
  /** Objects the catalogue has bytes for; absent without a catalogue. */
  readonly objects: number | undefined;
  /** Files under the folder. */
  readonly files: number;
  readonly missing: Lot;
  /** The file is longer or shorter than what was stored. */
  readonly misfit: Lot;
  /** Folders and files that their owner cannot read. */
  readonly unreadable: Lot;
  /** Folders and files that others on this machine can read, or that belong to another user than the folder of the store. */
  readonly exposed: Lot;
  readonly foreign: Lot;
  readonly unknown: Lot;
  /** Files without a row, unchanged for more than a day: a sweep should have taken them. */
  readonly stale: Lot;
}

const pageSize = 1_000;
const dayMs = 86_400_000;
const shown = 3;

const lot = (): Lot => ({ count: 0, first: [] });

function add(to: Lot, name: string): void {
  to.count++;
  if (to.first.length < shown) to.first.push(name);
}

/** Compares the folder `root` with the catalogue in `tx`; without `tx` looks at the folder alone. */
export async function inspectStore(root: string, tx: Tx | undefined, nowMs: number): Promise<StoreInspection> {
  const look = { missing: lot(), misfit: lot(), unreadable: lot(), exposed: lot(), foreign: lot(), unknown: lot(), stale: lot() };
  const owner = (await stat(root).catch(() => undefined))?.uid;
  let files = 0;
  let page: string[] = [];
  const check = async (): Promise<void> => {
    const strays = await withoutRow(tx, page);
    for (const name of strays) add(look.stale, name);
    page = [];
  };
  for await (const entry of walk(root, "", look.unreadable)) {
    const { name, about } = entry;
    if (process.platform !== "win32") {
      const needed = about.isDirectory() ? 0o500 : 0o400;
      if ((about.mode & needed) !== needed) add(look.unreadable, name);
      if ((about.mode & 0o077) !== 0) add(look.exposed, name);
      if (about.uid !== owner) add(look.foreign, name);
    }
    if (about.isDirectory()) continue;
    files++;
    if (findId(name) === undefined) add(look.unknown, name);
    else if (nowMs - about.mtimeMs > dayMs) page.push(name);
    if (page.length >= pageSize) await check();
  }
  await check();
  const objects = tx === undefined ? undefined : await compare(root, tx, look);
  return { ...look, files, objects };
}

async function* walk(root: string, at: string, unreadable: Lot): AsyncGenerator<{ name: string; about: Stats }> {
  let entries;
  try {
    entries = await opendir(path.join(root, at));
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT")) add(unreadable, at === "" ? root : at);
    return;
  }
  for await (const entry of entries) {
    const name = at === "" ? entry.name : `${at}/${entry.name}`;
    const about = await lstat(path.join(root, name)).catch(() => undefined);
    if (about === undefined) continue;
    yield { name, about };
    if (about.isDirectory()) yield* walk(root, name, unreadable);
  }
}

async function withoutRow(tx: Tx | undefined, files: readonly string[]): Promise<readonly string[]> {
  if (tx === undefined || files.length === 0) return [];
  const rows = await tx.query<{ path: string }>("select path from stockroom.object where path = any($1)", [files]);
  const known = new Set(rows.map((row) => row.path));
  return files.filter((name) => !known.has(name));
}

async function compare(root: string, tx: Tx, look: Pick<StoreInspection, "missing" | "misfit" | "unreadable">): Promise<number> {
  let objects = 0;
  let after = "";
  for (;;) {
    const rows = await tx.query<{ name: string; path: string; bytes: number }>(
      `select key || '@' || version as name, path, sealed_bytes::float8 as bytes from stockroom.object
       where path > $1 and state in ('current', 'former') order by path limit $2`,
      [after, pageSize],
    );
    for (const row of rows) {
      objects++;
      try {
        const about = await stat(path.join(root, row.path));
        if (about.size !== row.bytes) add(look.misfit, row.name);
      } catch (thrown) {
        const code = thrown instanceof Error && "code" in thrown ? thrown.code : "";
        add(code === "ENOENT" || code === "ENOTDIR" ? look.missing : look.unreadable, row.name);
      }
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageSize) return objects;
    after = last.path;
  }
}

/** Objects and sealed bytes by zone and state. */
export async function sizesByZone(tx: Tx): Promise<readonly { zone: string; state: string; objects: number; bytes: number }[]> {
  return tx.query(
    `select zone, state, count(*)::float8 as objects, sum(sealed_bytes)::float8 as bytes from stockroom.object group by 1, 2 order by 1, 2`,
  );
}
