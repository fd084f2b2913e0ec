// Kept: how labelled files of a sender are read, from one to the next, and how each version was.
//
// Owns: what a look is given, what is kept of it, answers and forgetting. Does not own: the tables (platform/mappings, store/readings), looking (intake).
//   K1. A mapping is kept once a file was read by it and had labels; an answer at once.
//   K2. An answer lets the run go on that asked. Of a file that was read already it starts a new look, and trains again on what comes of it.

import type { Tx } from "../../platform/database/contract.ts";
import { StockroomError, isStockroomError } from "../../platform/errors.ts";
import { mappingsOf } from "../../platform/mappings/held.ts";
import { type KeptMapping, type MappingPlace, prefixOfKey } from "../../platform/mappings/mappings.ts";
import { fileOfObject, isQuick, tooLargeNow } from "../../platform/mappings/quick.ts";
import type { ObjectEntry } from "../../platform/objects/contract.ts";
import { type Workflows, isWorkedAt, redriveAsked } from "../../platform/workflow/index.ts";
import { type ObjectRef, prefixes, readKey } from "../store/keys.ts";
import { findReading, listAskedAbout, putReading } from "../store/readings.ts";
import { listSchemes } from "../store/schemes.ts";
import { actAs, type ClassifyDeps, timeOf } from "./deps.ts";
import type { TakenLabelled } from "./intake/canonical.ts";
import type { CatalogueBlock } from "./intake/said.ts";
import {
  blockOfTaken,
  isStrictlyLabelled,
  isWithoutCodes,
  type KeptLabelled,
  type LabelledLook,
  type LabelledWords,
  lookAtLabelled,
  questionAbout,
} from "./intake/take-in.ts";

const mappings = mappingsOf<Omit<KeptLabelled, "shape">, CatalogueBlock>("classify");

type Deps = Pick<ClassifyDeps, "database" | "objects" | "settings">;

/** What a look at a labelled object is given; null for one that our own extraction wrote: it is read as it stands. */
export async function wordsFor(
  deps: Deps,
  entry: Pick<ObjectEntry, "key" | "labels" | "writtenBy" | "sha256">,
): Promise<LabelledWords | null> {
  if (entry.labels["extract"] !== undefined) return null;
  const place = readKey(entry.key);
  const found = await mappings.findAccepted(deps.database, entry);
  return {
    country: place.kind === "labelled" ? (place.country ?? null) : null,
    columns: deps.settings.columns,
    schemes: (await listSchemes(deps.database)).map(({ scheme: { scheme, country, versions } }) => ({
      scheme,
      country,
      codes: [...new Set(versions.flatMap(({ codes }) => codes.map(({ code }) => code)))],
    })),
    answer: found?.answer ?? null,
    kept: found?.kept === undefined ? null : { taken: found.kept.taken, shape: found.kept.shape },
  };
}

/** A version that was looked at. */
export interface LookedAt {
  readonly object: ObjectRef;
  /** Undefined where it was removed since: of such a file nothing is kept for the next one. */
  readonly entry: ObjectEntry | undefined;
  readonly look: LabelledLook;
}

/**
 * Keeps how a version was read: with it, and for the next file of its sender. Holds the audit log's lock until the transaction ends, so nothing here asks
 * the store: it would wait for a second connection while others wait for the lock on theirs.
 */
export async function keepReading(
  tx: Tx,
  deps: Pick<ClassifyDeps, "clock" | "vault">,
  runId: string,
  { object: { key, version }, entry, look: { by, taken, shape } }: LookedAt,
): Promise<void> {
  const at = timeOf(deps);
  await putReading(tx, deps.vault, { key, version, taken, runId, at });
  if (entry !== undefined) await mappings.keepRead(tx, { entry, by, kept: { taken }, shape, at }, await mappings.findFor(tx, entry));
}

/** How a version with columns of its own was read; undefined where it was read as it stands, or not yet. */
export async function findTaken(tx: Tx, object: ObjectRef): Promise<TakenLabelled | undefined> {
  const taken = (await findReading(tx, object))?.taken ?? undefined;
  // Written by keepReading alone.
  return taken as TakenLabelled | undefined; // oxlint-disable-line typescript/no-unsafe-type-assertion
}

/** How the columns of a labelled object are read, in at most ten lines and a question; undefined where it names its schemes, or is no such file. */
export async function understandLabelled(deps: Deps, key: string): Promise<readonly string[] | undefined> {
  if (readKey(key).kind !== "labelled") return undefined;
  const entry = await deps.objects.head(key);
  const words = entry === undefined ? null : await wordsFor(deps, entry);
  if (entry === undefined || words === null) return undefined;
  const file = fileOfObject(deps.objects, actAs("train", "upload"), entry);
  const { signal } = new AbortController();
  try {
    if (await isStrictlyLabelled(file, words.columns.encoding, signal)) return undefined;
    if (!isQuick([entry])) return [tooLargeNow(key)];
    const look = await lookAtLabelled(file, words, signal);
    if (isWithoutCodes(look, words.columns)) return undefined;
    const question = questionAbout(key, look);
    return [...look.lines, ...(question === undefined ? [] : [`question: ${question.message}`])];
  } catch (error) {
    if (!isStockroomError(error) || error.kind !== "input") throw error;
    return [error.message];
  }
}

/** A mapping as it is listed. */
export interface ListedMapping {
  readonly row: KeptMapping;
  /** In the words of settings. */
  readonly intake: CatalogueBlock;
}

/** Key or prefix as a person types it: with or without `classify/labelled/` and endings. */
export const prefixTyped = (typed: string): string =>
  prefixOfKey(typed.startsWith(prefixes.labelled) ? typed : `${prefixes.labelled}${typed}`);

/** All mappings, or those of the files under one prefix. */
export async function listKept(tx: Tx, typed?: string): Promise<readonly ListedMapping[]> {
  return (await mappings.list(tx))
    .filter(([row]) => typed === undefined || row.prefix === prefixTyped(typed))
    .map(([row, held]) => ({ row, intake: "answer" in held ? held.answer : blockOfTaken(held.kept.taken) }));
}

/** Says how the files under a prefix are read that come from the sender of the newest one (K2). Throws `missing` `LABELLED_MISSING`. */
export async function answerFor(
  deps: Pick<ClassifyDeps, "database" | "objects" | "clock">,
  workflows: Pick<Workflows, "deadLetters" | "redrive" | "start">,
  typed: string,
  block: CatalogueBlock,
): Promise<{ readonly place: MappingPlace; readonly key: string; readonly goesOn: boolean }> {
  const prefix = prefixTyped(typed);
  const own = (await deps.objects.list(prefixes.labelled, { limit: 1_000_000 })).filter((entry) => prefixOfKey(entry.key) === prefix);
  const newest = own.toSorted((a, b) => (a.version < b.version ? 1 : -1))[0];
  if (newest === undefined) {
    throw new StockroomError(
      "missing",
      "LABELLED_MISSING",
      `Expected a labelled file such as ${prefix}.csv in the store but there is none. Name one that lies there (stockroom ls ${prefixes.labelled}).`,
    );
  }
  const { key, version } = newest;
  const place = await mappings.keepAnswer(deps.database, newest, block, timeOf(deps));
  const reading = await findReading(deps.database, { key, version });
  if (reading !== undefined && (await goOnAsked(workflows, reading.runId))) return { place, key, goesOn: true };
  if (reading === undefined) {
    // A look that has begun may have asked for words before these were there; one that has not will read by them.
    if (!(await isWorkedAt(deps.database, { workflow: "classify.intake", key, version }))) return { place, key, goesOn: false };
  } else if (reading.taken === null) return { place, key, goesOn: false };
  const again = timeOf(deps);
  await workflows.start("classify.intake", { key, version, again }, { id: `intake/${key}@${version}/again/${again}` });
  return { place, key, goesOn: true };
}

const goOnAsked = async (workflows: Pick<Workflows, "deadLetters" | "redrive">, runId: string): Promise<boolean> =>
  await redriveAsked(workflows, runId, /^(?:INTAKE|LABELS|ITEM|TABLE|TOO_MANY)_/);

/** Forgets how files under a prefix are read. Runs that asked about them go on without. Throws `missing` `CLASSIFY_MAPPING_MISSING`. */
export async function forgetFor(
  deps: Pick<ClassifyDeps, "database" | "objects">,
  workflows: Pick<Workflows, "deadLetters" | "redrive">,
  typed: string,
  sender: string | undefined,
): Promise<{ readonly forgotten: number; readonly goesOn: boolean }> {
  const found = (await listKept(deps.database, typed)).filter(({ row }) => sender === undefined || row.sender === sender);
  const forgotten = await mappings.forget(
    deps.database,
    found.map(({ row }) => row),
  );
  if (forgotten === 0) {
    throw new StockroomError(
      "missing",
      "CLASSIFY_MAPPING_MISSING",
      `Expected a mapping of ${prefixTyped(typed)} but none is kept. \`stockroom classify mappings list\` shows those there are.`,
    );
  }
  let goesOn = false;
  for (const { key, version, runId } of await listAskedAbout(deps.database)) {
    const isCurrent = prefixOfKey(key) === prefixTyped(typed) && (await deps.objects.head(key))?.version === version;
    if (isCurrent && (await goOnAsked(workflows, runId))) goesOn = true;
  }
  return { forgotten, goesOn };
}
