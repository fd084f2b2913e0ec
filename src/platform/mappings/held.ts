// Held: what a module keeps as the mapping of a sender's files: how they were read, or an answer by which none was read yet.
//
// Owns: which of the two counts, when a mapping keeps its name. Does not own: the table (mappings.ts), what reading by it means (the module).
//   H1. How a file was read takes the place of an answer and keeps its name: what a person accepted is not accepted again.
//   H2. A file may ask one thing after the other: an answer stands beside those that no file was read by yet, and takes the place of what speaks of the same.

import type { Tx } from "../database/contract.ts";
import type { FileShape } from "../intake/shape.ts";
import type { ObjectEntry } from "../objects/contract.ts";
import {
  findMapping,
  forgetMapping,
  keepMapping,
  type KeptMapping,
  listMappings,
  mappingId,
  type MappingPlace,
  prefixOfKey,
} from "./mappings.ts";
import { senderOf } from "./senders.ts";

/** What a person or a proposal says; `kept`: the mapping of the files before. */
export type ReadBy = "proposal" | "settings" | "kept";

/** An object, as far as its mapping is concerned. */
export type SentObject = Pick<ObjectEntry, "key" | "labels" | "writtenBy">;

/** `kept`: what files were read by; `answer`: words that none was read by yet. Both plain JSON. */
export type Held<Kept, Answer> = { readonly kept: Kept } | { readonly answer: Answer };

/** How the next file of a sender is read: by a mapping, or by an answer. */
export interface KeptFor<Kept, Answer> {
  readonly row: KeptMapping;
  readonly kept: (Kept & { readonly shape: FileShape | undefined }) | undefined;
  readonly answer: Answer | undefined;
}

/** A file that was read, and how. */
export interface ReadFile<Kept> {
  readonly entry: SentObject & Pick<ObjectEntry, "version" | "sha256">;
  readonly by: ReadBy;
  readonly kept: Kept;
  readonly shape: FileShape;
  readonly at: string;
}

/** The mappings of one module. */
export interface Mappings<Kept, Answer> {
  placeOf(entry: SentObject): MappingPlace;
  findFor(tx: Tx, entry: SentObject): Promise<KeptFor<Kept, Answer> | undefined>;
  /** As `findFor`, but nothing where it was proposed for this very file: that is proposed again, and told as that. */
  findAccepted(tx: Tx, entry: SentObject & Pick<ObjectEntry, "sha256">): Promise<KeptFor<Kept, Answer> | undefined>;
  /** Keeps how a file was read, for the next one of its sender. `before`: what `findFor` gave when it was read. */
  keepRead(tx: Tx, file: ReadFile<Kept>, before: KeptFor<Kept, Answer> | undefined): Promise<void>;
  /** Keeps what a person said of the files of an object's sender (H2). */
  keepAnswer(tx: Tx, entry: ReadFile<Kept>["entry"], answer: Answer, at: string): Promise<MappingPlace>;
  /** All, by prefix, with what each holds. */
  list(tx: Tx): Promise<readonly (readonly [row: KeptMapping, held: Held<Kept, Answer>])[]>;
  /** Forgets some; how many there were. */
  forget(tx: Tx, rows: readonly KeptMapping[]): Promise<number>;
}

const acceptedBy: Readonly<Record<ReadBy, KeptMapping["by"]>> = { proposal: "proposal", settings: "settings", kept: "proposal" };

/** Two answers as one (H2); of columns, those that the first gave a part that the second gives to others have none. */
function together<Answer extends object>(first: Answer, second: Answer): Answer {
  const [before, after] = [mapIn(first), mapIn(second)];
  const given = new Set(Object.values(after));
  const map = { ...Object.fromEntries(Object.entries(before).filter(([, to]) => !given.has(to))), ...after };
  return { ...first, ...second, ...(Object.keys(map).length === 0 ? {} : { map }) };
}

function mapIn(answer: object): Readonly<Record<string, unknown>> {
  const map: unknown = "map" in answer ? answer.map : undefined;
  return typeof map === "object" && map !== null ? { ...map } : {};
}

export function mappingsOf<Kept extends object, Answer extends object>(module: string): Mappings<Kept, Answer> {
  // Rows of a module are written here alone.
  const heldOf = ({ mapping }: KeptMapping): Held<Kept, Answer> => mapping as unknown as Held<Kept, Answer>; // oxlint-disable-line typescript/no-unsafe-type-assertion
  const placeOf = (entry: SentObject): MappingPlace => ({ module, sender: senderOf(entry), prefix: prefixOfKey(entry.key) });
  const findFor: Mappings<Kept, Answer>["findFor"] = async (tx, entry) => {
    const row = await findMapping(tx, placeOf(entry));
    if (row === undefined) return undefined;
    const held = heldOf(row);
    return "answer" in held
      ? { row, kept: undefined, answer: held.answer }
      : { row, kept: { ...held.kept, shape: row.shape }, answer: undefined };
  };
  return {
    placeOf,
    findFor,
    findAccepted: async (tx, entry) => {
      const found = await findFor(tx, entry);
      return found?.row.by === "proposal" && found.row.sha256 === entry.sha256 ? undefined : found;
    },
    keepRead: async (tx, { entry, by, kept, shape, at }, before) => {
      const mapping = { kept };
      const goesOn = before !== undefined && (by === "kept" || before.answer !== undefined);
      await keepMapping(tx, {
        ...placeOf(entry),
        mapping,
        shape,
        id: goesOn ? before.row.id : mappingId(mapping),
        by: goesOn ? before.row.by : acceptedBy[by],
        sha256: goesOn ? before.row.sha256 : entry.sha256,
        key: entry.key,
        version: entry.version,
        keptAt: at,
      });
    },
    keepAnswer: async (tx, { key, version, sha256, ...entry }, said, at) => {
      const place = placeOf({ key, ...entry });
      const before = (await findFor(tx, { key, ...entry }))?.answer;
      const mapping = { answer: before === undefined ? said : together(before, said) };
      await keepMapping(tx, {
        ...place,
        mapping,
        shape: undefined,
        id: mappingId(mapping),
        by: "answer",
        sha256,
        key,
        version,
        keptAt: at,
      });
      return place;
    },
    list: async (tx) => (await listMappings(tx, module)).map((row) => [row, heldOf(row)] as const),
    forget: async (tx, rows) => {
      let forgotten = 0;
      for (const row of rows) if (await forgetMapping(tx, row)) forgotten += 1;
      return forgotten;
    },
  };
}
