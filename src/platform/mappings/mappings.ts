// Mappings: how files of a sender are read, kept from one file to the next.
//
// Owns: intake_mapping. Does not own: what a mapping says (each module's own JSON), when one is made.
//   M1. One mapping for each module, sender and key prefix. The next file under them is read by it without asking.
//   M2. `id` names what was accepted; following a harmless change of a file's shape keeps it. What depends on a mapping depends on its id.

import { createHash } from "node:crypto";
import type { Migration, Tx } from "../database/contract.ts";
import type { FileShape } from "../intake/shape.ts";

export const mappingMigrations: readonly Migration[] = [
  {
    id: "mappings-001",
    sql: `
      create table stockroom.intake_mapping (
        module text not null,
        sender text not null,
        prefix text collate "C" not null,
        id text not null,
        accepted_by text not null check (accepted_by in ('proposal', 'settings', 'answer')),
        mapping jsonb not null,
        -- Of the newest file that was read by it; null: an answer that no file was read by yet.
        shape jsonb,
        -- The file it was accepted for.
        sha256 text not null,
        -- The newest file that was read by it.
        object_key text not null,
        object_version text not null,
        kept_at timestamptz not null,
        primary key (module, sender, prefix)
      );
    `,
  },
];

export interface MappingPlace {
  readonly module: string;
  readonly sender: string;
  readonly prefix: string;
}

export interface KeptMapping extends MappingPlace {
  readonly id: string;
  /** What made it count: a sure proposal, the settings, or a person's answer. */
  readonly by: "proposal" | "settings" | "answer";
  /** The module's own. */
  readonly mapping: Readonly<Record<string, unknown>>;
  readonly shape: FileShape | undefined;
  readonly sha256: string;
  readonly key: string;
  readonly version: string;
  readonly keptAt: string;
}

interface MappingRecord {
  readonly module: string;
  readonly sender: string;
  readonly prefix: string;
  readonly id: string;
  readonly accepted_by: KeptMapping["by"];
  readonly mapping: Readonly<Record<string, unknown>>;
  readonly shape: FileShape | null;
  readonly sha256: string;
  readonly object_key: string;
  readonly object_version: string;
  readonly kept_at: string;
}

const columns = "module, sender, prefix, id, accepted_by, mapping, shape, sha256, object_key, object_version, kept_at";

const rowOf = ({
  accepted_by: by,
  object_key: key,
  object_version: version,
  kept_at: keptAt,
  shape,
  ...row
}: MappingRecord): KeptMapping => ({
  ...row,
  by,
  shape: shape ?? undefined,
  key,
  version,
  keptAt,
});

/** A folder that names a day, a month or a year, or numbers files: the next file comes in another one. */
const isDated = (folder: string): boolean => /^(?:\d{1,2}|\d{4}(?:[-_.]?\d{2}){0,2}|\d{4}[-_]?(?:W|KW|Q)\d{1,2})$/i.test(folder);

/** What files of one kind have in common in their keys: the key without its endings and without folders of dates. */
export function prefixOfKey(key: string): string {
  const folders = key.split("/");
  const name = folders.pop() ?? "";
  return [
    ...folders.filter((folder) => !isDated(folder)),
    name.replace(/(?:\.(?:csv|txt|tsv|tab|jsonl|ndjson|parquet|pq|xlsx|zip|gz))+$/i, ""),
  ].join("/");
}

/** The name of what a mapping says (M2). */
export const mappingId = (mapping: unknown): string => createHash("sha256").update(JSON.stringify(mapping)).digest("hex").slice(0, 16);

export async function findMapping(tx: Tx, { module, sender, prefix }: MappingPlace): Promise<KeptMapping | undefined> {
  const [row] = await tx.query<MappingRecord>(
    `select ${columns} from stockroom.intake_mapping where module = $1 and sender = $2 and prefix = $3`,
    [module, sender, prefix],
  );
  return row === undefined ? undefined : rowOf(row);
}

/** Keeps a mapping in the place of the one before. */
export async function keepMapping(tx: Tx, kept: KeptMapping): Promise<void> {
  await tx.query(
    `insert into stockroom.intake_mapping (${columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     on conflict (module, sender, prefix) do update set id = excluded.id, accepted_by = excluded.accepted_by, mapping = excluded.mapping,
       shape = excluded.shape, sha256 = excluded.sha256, object_key = excluded.object_key, object_version = excluded.object_version,
       kept_at = excluded.kept_at`,
    [
      kept.module,
      kept.sender,
      kept.prefix,
      kept.id,
      kept.by,
      JSON.stringify(kept.mapping),
      kept.shape === undefined ? null : JSON.stringify(kept.shape),
      kept.sha256,
      kept.key,
      kept.version,
      kept.keptAt,
    ],
  );
}

/** Those of a module, or all; by prefix. */
export async function listMappings(tx: Tx, module?: string): Promise<readonly KeptMapping[]> {
  const rows = await tx.query<MappingRecord>(
    `select ${columns} from stockroom.intake_mapping where $1::text is null or module = $1 order by module, prefix, sender`,
    [module ?? null],
  );
  return rows.map(rowOf);
}

/** Forgets one; false when there is none. */
export async function forgetMapping(tx: Tx, { module, sender, prefix }: MappingPlace): Promise<boolean> {
  const rows = await tx.query("delete from stockroom.intake_mapping where module = $1 and sender = $2 and prefix = $3 returning prefix", [
    module,
    sender,
    prefix,
  ]);
  return rows.length > 0;
}
