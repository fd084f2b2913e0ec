// Home: which home folder this is, and whether it is the one that the database knows.
//
// A home that was copied (cp -a, a snapshot, a restored backup) brings its database or its DATABASE_URL along. Two of them at work would
// start every schedule, send every notice and deliver to the ERP twice. So a home carries an id, and the database knows where the home of
// that id lies.
//   P1. The same folder is known again after a rename, a reboot and in a new container; a folder put back at the same path is the same home.
//   P2. A home that is somewhere else than the database knows takes no work until a person says what it is (`adoptHome`).
//   P3. A home made of a backup, elsewhere, is quiet: it works, but what acts on others (schedules, notices, deliveries) rests.

import { randomUUID } from "node:crypto";
import { readFile, realpath, stat } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { z } from "zod";
import { codeOf, StockroomError } from "../errors.ts";
import { createFileAtomically, writeFileAtomically } from "../files/index.ts";
import type { Database, Tx } from "./contract.ts";

const fileName = "home-id";
const fileShape = z.object({ id: z.uuid(), restored: z.boolean().optional() });
type HomeFile = z.output<typeof fileShape>;

/** Where a home lies, as far as one can tell. */
interface Place {
  readonly host: string;
  readonly path: string;
  /** Of the folder, as text: they may be larger than a number holds. */
  readonly device: string;
  readonly inode: string;
}

interface HomeRow extends Place {
  readonly id: string;
  readonly mode: "active" | "quiet";
}

/** `copied`: the database knows this home at `elsewhere`. */
export type HomeStanding = "active" | "quiet" | "copied";

export interface Home {
  readonly id: string;
  readonly standing: HomeStanding;
  /** Where the database knows the home this one was made of. */
  readonly elsewhere: string | undefined;
}

/** `moved`: this is the home now. `copy`: a copy beside the original, quiet. `beside`: one more machine on the same database and store. */
export type Adoption = "moved" | "copy" | "beside";

const columns = "id, host, path, device, inode, mode";

async function placeOf(home: string): Promise<Place> {
  const about = await stat(home, { bigint: true });
  return { host: hostname(), path: await realpath(home), device: String(about.dev), inode: String(about.ino) };
}

/** P1. A host's name alone says nothing (containers change it), nor does a device's number (reboots do). */
function isSamePlace(one: Place, other: Place): boolean {
  if (one.path === other.path) return one.host === other.host || one.inode === other.inode;
  return one.host === other.host && one.inode === other.inode && one.device === other.device;
}

async function readFileOf(home: string): Promise<HomeFile | undefined> {
  const file = path.join(home, fileName);
  try {
    return fileShape.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT" || codeOf(thrown) === "ENOTDIR") return undefined;
    if (codeOf(thrown) !== "" && !(thrown instanceof SyntaxError)) throw thrown;
    throw new StockroomError(
      "input",
      "HOME_ID_BROKEN",
      `Expected the id of this home in ${file} but it cannot be read. Remove that file; the home is known again by its place.`,
      { cause: thrown, facts: { file } },
    );
  }
}

/** The id of the home at `home`, if it has one. Changes nothing. */
export async function readHomeId(home: string): Promise<string | undefined> {
  return (await readFileOf(home))?.id;
}

async function replaceFile(home: string, content: HomeFile): Promise<void> {
  await writeFileAtomically(path.join(home, fileName), `${JSON.stringify(content)}\n`, { mode: 0o600 });
}

/** Marks a home as made of a backup (P3). */
export async function markRestored(home: string): Promise<void> {
  await replaceFile(home, { id: randomUUID(), restored: true });
}

/** Gives a home its id unless it has one; whoever comes first wins. */
async function ensureHomeFile(home: string): Promise<HomeFile> {
  const found = await readFileOf(home);
  if (found !== undefined) return found;
  await createFileAtomically(path.join(home, fileName), `${JSON.stringify({ id: randomUUID() })}\n`, { mode: 0o600 });
  return (await readFileOf(home)) ?? ensureHomeFile(home);
}

const readHomes = (tx: Tx): Promise<HomeRow[]> => tx.query<HomeRow>(`select ${columns} from stockroom.home order by since, id`);

const where = (row: Place): string => `${row.path} on ${row.host}`;

/** What the database says of a home, without writing. `isOwn`: the database belongs to this home alone (it is embedded). */
function judge(
  file: HomeFile | undefined,
  here: Place,
  rows: readonly HomeRow[],
  isOwn: boolean,
): Omit<Home, "id"> & { readonly row?: HomeRow } {
  const byId = rows.find(({ id }) => id === file?.id);
  const byPlace = rows.find((row) => isSamePlace(row, here));
  const row = byId !== undefined && isSamePlace(byId, here) ? byId : isOwn || file === undefined ? byPlace : undefined;
  if (row !== undefined) return { standing: row.mode, elsewhere: undefined, row };
  if (byId !== undefined) return { standing: "copied", elsewhere: where(byId) };
  const first = rows.find(({ mode }) => mode === "active");
  if (file?.restored === true) return { standing: "quiet", elsewhere: first === undefined ? undefined : where(first) };
  // A database of several homes takes a new one; an embedded one that knows only others has been carried here.
  if (isOwn && first !== undefined) return { standing: "copied", elsewhere: where(first) };
  return { standing: "active", elsewhere: undefined };
}

/** Looks at what a home is, and writes nothing. `missing` table: a database from before homes were known. */
export async function inspectHome(tx: Tx, home: string, isOwn: boolean): Promise<Home | undefined> {
  const [there] = await tx.query<{ there: boolean }>("select to_regclass('stockroom.home') is not null as there");
  if (!there?.there) return undefined;
  const file = await readFileOf(home);
  const { standing, elsewhere, row } = judge(file, await placeOf(home), await readHomes(tx), isOwn);
  return { id: row?.id ?? file?.id ?? "", standing, elsewhere };
}

/** Finds out what this home is and, unless it is a copy, writes down where it lies. `home` is a folder that is there. */
export async function identifyHome(database: Database, home: string): Promise<Home> {
  const isOwn = database.about().kind === "embedded";
  const file = await ensureHomeFile(home);
  const here = await placeOf(home);
  return database.transaction(async (tx) => {
    await lockHomes(tx);
    const { standing, elsewhere, row } = judge(file, here, await readHomes(tx), isOwn);
    if (standing === "copied") return { id: file.id, standing, elsewhere };
    if (row !== undefined && row.id !== file.id) await tx.query("delete from stockroom.home where id = $1", [row.id]);
    await writeHome(tx, file.id, here, standing);
    return { id: file.id, standing, elsewhere };
  });
}

/**
 * A person's word on what this home is.
 *
 * Throws `input` `HOME_ADOPTION` when the word does not fit the database: a copy needs a database of its own, a machine beside a common one.
 */
export async function adoptHome(database: Database, home: string, as: Adoption): Promise<Home> {
  const isOwn = database.about().kind === "embedded";
  if (as === "copy" && !isOwn) {
    throw new StockroomError(
      "input",
      "HOME_ADOPTION",
      "Expected a copy to have a database of its own but DATABASE_URL names the original's. Give it another database, or say --beside for one more machine.",
    );
  }
  if (as === "beside" && isOwn) {
    throw new StockroomError(
      "input",
      "HOME_ADOPTION",
      "Expected DATABASE_URL for one more machine but this home has a database of its own. Name the common database, or say --copy.",
    );
  }
  const before = await ensureHomeFile(home);
  const id = as === "moved" ? before.id : randomUUID();
  const here = await placeOf(home);
  const mode = as === "copy" ? "quiet" : "active";
  await database.transaction(async (tx) => {
    await lockHomes(tx);
    // An embedded database belongs to this home now, whoever's it was.
    if (isOwn) await tx.query("delete from stockroom.home");
    await writeHome(tx, id, here, mode);
  });
  await replaceFile(home, { id });
  return { id, standing: mode, elsewhere: undefined };
}

async function lockHomes(tx: Tx): Promise<void> {
  await tx.query("select pg_advisory_xact_lock(hashtextextended('stockroom.home', 0))");
}

async function writeHome(tx: Tx, id: string, at: Place, mode: "active" | "quiet"): Promise<void> {
  await tx.query(
    `insert into stockroom.home (id, host, path, device, inode, mode) values ($1, $2, $3, $4, $5, $6)
     on conflict (id) do update set host = excluded.host, path = excluded.path, device = excluded.device, inode = excluded.inode,
       mode = excluded.mode, seen_at = clock_timestamp()`,
    [id, at.host, at.path, at.device, at.inode, mode],
  );
}

/** The refusal of P2. */
export function copiedHome(home: string, elsewhere: string | undefined): StockroomError {
  return new StockroomError(
    "conflict",
    "HOME_COPIED",
    `Expected the home that the database knows${elsewhere === undefined ? "" : ` (${elsewhere})`} but ${home} is a copy of it; both at work would start schedules, send notices and deliver twice. ` +
      "If the home has moved here and the other will not work again: stockroom home adopt. If this is to be a copy beside it: stockroom home adopt --copy. " +
      "If it is one more machine on the same database and store: stockroom home adopt --beside.",
    { facts: { home, elsewhere } },
  );
}
