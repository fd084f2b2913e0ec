// Kept: how the files of a group's senders are read, from one to the next.
//
// Owns: which mapping a file has, when one is kept, what of it makes another forecast. Does not own: the table (platform/mappings).
//   K1. A mapping is kept once files were read by it and good; by an answer at once.
//   K2. A file forecast with the mapping that was accepted for it has the content it had without one: nothing is trained twice for that.

import type { Tx } from "../../../platform/database/contract.ts";
import { type KeptFor as KeptForModule, mappingsOf } from "../../../platform/mappings/held.ts";
import type { KeptMapping, MappingPlace } from "../../../platform/mappings/mappings.ts";
import type { ObjectEntry } from "../../../platform/objects/contract.ts";
import { StockroomError } from "../../../platform/errors.ts";
import type { Workflows } from "../../../platform/workflow/contract.ts";
import { redriveAsked } from "../../../platform/workflow/index.ts";
import { runIdOf } from "../../store/runs.ts";
import type { ForecastDeps } from "../deps.ts";
import { timeOf } from "../deps.ts";
import type { InputKind } from "../inputs/schema.ts";
import { blockOf, type IntakeBlock } from "../intake/said.ts";
import type { KeptIntake } from "../intake/take-in.ts";
import { datasetKinds } from "./files.ts";
import type { IntakeRecord, Taking } from "./taking.ts";
import { findUpload } from "./uploads.ts";

const mappings = mappingsOf<Omit<KeptIntake, "shape">, IntakeBlock>("forecast");

type KeptFor = KeptForModule<Omit<KeptIntake, "shape">, IntakeBlock>;

export const findKeptFor = async (tx: Tx, entry: ObjectEntry): Promise<KeptFor | undefined> => await mappings.findFor(tx, entry);

/** What of a file's mapping makes another forecast of it; null where it was accepted for this very file (K2). */
export const contentOf = (found: KeptFor | undefined, sha256: string | undefined): string | null =>
  found === undefined || found.row.sha256 === sha256 ? null : found.row.id;

/** Keeps how a file was read, for the next one of its sender. */
export async function keepRead(
  tx: Tx,
  entry: ObjectEntry,
  { by, taken: { plan, filter, hints }, shape, maxBadShare }: IntakeRecord,
  before: KeptFor | undefined,
  at: string,
): Promise<void> {
  const kept = { plan, filter, hints, ...(maxBadShare === null ? {} : { maxBadShare }) };
  await mappings.keepRead(tx, { entry, by, kept, shape, at }, before);
}

/** A mapping as it is listed. */
export interface ListedMapping {
  readonly group: string;
  readonly kind: InputKind;
  readonly row: KeptMapping;
  /** In the words of settings. */
  readonly intake: IntakeBlock;
}

export async function listKept(tx: Tx, group?: string): Promise<readonly ListedMapping[]> {
  return (await mappings.list(tx)).flatMap(([row, held]) => {
    const upload = findUpload(row.key);
    if (upload === undefined || upload.kind === "events" || (group !== undefined && upload.group !== group)) return [];
    const intake = "answer" in held ? held.answer : blockOf(held.kept.plan, held.kept.filter, held.kept.hints);
    return [{ group: upload.group, kind: upload.kind, row, intake }];
  });
}

/** The newest file of a group's kind. Throws `missing` `FORECAST_FILE_MISSING`. */
async function newestFile(deps: Pick<ForecastDeps, "objects">, group: string, kind: InputKind, prefix: string): Promise<ObjectEntry> {
  const own = (await deps.objects.list(prefix, { limit: 1_000_000 })).filter(({ key }) => {
    const upload = findUpload(key);
    return upload?.group === group && upload.kind === kind;
  });
  const newest = own.toSorted((a, b) => (a.version < b.version ? 1 : -1))[0];
  if (newest !== undefined) return newest;
  throw new StockroomError(
    "missing",
    "FORECAST_FILE_MISSING",
    `Expected a ${kind} file of ${group} in the store but there is none. Put one under ${prefix}${group}${kind === "target" ? "" : `.${kind}`}.csv.`,
  );
}

/** Says how the files of a group's kind are read from now on; a run that failed over the question goes on. */
export async function answerFor(
  deps: Pick<ForecastDeps, "objects" | "database" | "clock">,
  workflows: Pick<Workflows, "deadLetters" | "redrive">,
  {
    group,
    kind,
    block,
    prefix,
  }: { readonly group: string; readonly kind: InputKind; readonly block: IntakeBlock; readonly prefix: string },
): Promise<{ readonly place: MappingPlace; readonly goesOn: boolean }> {
  const entry = await newestFile(deps, group, kind, prefix);
  const place = await mappings.keepAnswer(deps.database, entry, block, timeOf(deps));
  return { place, goesOn: await goOnAsked(deps, workflows, group) };
}

/** Forgets how files of a group are read. A run that failed over the mapping goes on without it. */
export async function forgetFor(
  deps: Pick<ForecastDeps, "database">,
  workflows: Pick<Workflows, "deadLetters" | "redrive">,
  { group, kind, sender }: { readonly group: string; readonly kind: InputKind | undefined; readonly sender: string | undefined },
): Promise<{ readonly forgotten: number; readonly goesOn: boolean }> {
  const found = (await listKept(deps.database, group)).filter(
    (one) => (kind === undefined || one.kind === kind) && (sender === undefined || one.row.sender === sender),
  );
  const forgotten = await mappings.forget(
    deps.database,
    found.map(({ row }) => row),
  );
  return { forgotten, goesOn: forgotten > 0 && (await goOnAsked(deps, workflows, group)) };
}

/** The error of forgetting where nothing is kept. */
export const noMapping = (group: string): StockroomError =>
  new StockroomError(
    "missing",
    "FORECAST_MAPPING_MISSING",
    `Expected a mapping of ${group} but none is kept. \`stockroom forecast mappings list\` shows those there are.`,
  );

/** Lets the group's newest run go on if it was given up over how to read a file. */
async function goOnAsked(
  deps: Pick<ForecastDeps, "database">,
  workflows: Pick<Workflows, "deadLetters" | "redrive">,
  group: string,
): Promise<boolean> {
  const [row] = await deps.database.query<{ requested: string }>(
    "select requested from stockroom.forecast_group where name = $1 and state = 'failed'",
    [group],
  );
  if (row === undefined) return false;
  return await redriveAsked(workflows, runIdOf(group, row.requested), /^(?:INTAKE|INPUT|FORECAST_INPUT)_/);
}

/** How each file of a group is to be read, as far as that was kept. */
export async function findKeptOf(
  tx: Tx,
  entries: Partial<Readonly<Record<InputKind, ObjectEntry>>>,
): Promise<Partial<Record<InputKind, KeptFor>>> {
  const found: Partial<Record<InputKind, KeptFor>> = {};
  for (const kind of datasetKinds) {
    const entry = entries[kind];
    const kept = entry === undefined ? undefined : await mappings.findAccepted(tx, entry);
    if (kept !== undefined) found[kind] = kept;
  }
  return found;
}

/** Mappings and answers, as a look takes them. */
export function wordsOf(found: Partial<Readonly<Record<InputKind, KeptFor>>>): Pick<Taking, "kept" | "answers"> {
  const of = <Value>(pick: (one: KeptFor) => Value | undefined): Partial<Record<InputKind, Value>> =>
    Object.fromEntries(Object.entries(found).flatMap(([kind, one]) => (pick(one) === undefined ? [] : [[kind, pick(one)]])));
  return { kept: of(({ kept }) => kept), answers: of(({ answer }) => answer) };
}
