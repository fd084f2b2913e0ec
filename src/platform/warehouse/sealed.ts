// Sealed: objects of the store, and lists from elsewhere, as parts of a lake.
//
//   D1. Each object is asked of the vault once for a query, in the role of whoever asks; a role without the grant learns nothing of it, not its columns.

import { createHash } from "node:crypto";
import { once, type Body } from "../bytes.ts";
import { StockroomError } from "../errors.ts";
import type { ObjectStore, ReadHandle } from "../objects/contract.ts";
import { openHandle } from "../objects/handles.ts";
import { readTable, type BadRow, type RowBatch } from "../formats/index.ts";
import type { Actor } from "../vault/contract.ts";
import type { LakeColumn, LakePart } from "./contract.ts";
import type { MemoryFiles } from "./memory-files.ts";

/** One version of an object. */
export interface SealedRef {
  readonly key: string;
  readonly version: string;
}

/** The store as one caller may see it. */
export interface Sealed {
  /** `spreadsheet`: the object was written for people to open (tables). */
  part(ref: SealedRef, columns: readonly LakeColumn[], spreadsheet?: boolean): LakePart;
  /** The names in the first line of a CSV object. */
  headerOf(ref: SealedRef, signal: AbortSignal | undefined): Promise<readonly string[]>;
}

/** A header is far shorter. */
const headerBytes = 1 << 16;

const rowsAtOnce = 8_192;

/** Opens the store for the tables of one query. */
export function openSealed(objects: Pick<ObjectStore, "readHandle">, actor: Actor): Sealed {
  const handles = new Map<string, Promise<ReadHandle>>();
  const handleOf = async ({ key, version }: SealedRef): Promise<ReadHandle> => {
    const id = `${key}@${version}`;
    const known = handles.get(id) ?? objects.readHandle(actor, key, version);
    handles.set(id, known);
    return await known;
  };
  const refuse =
    (key: string) =>
    ({ line, reason }: BadRow): never => {
      throw new StockroomError("fault", "LAKE_ROW", `Expected every row of ${key} to be whole but line ${line} is not: ${reason}`, {
        facts: { key, line },
      });
    };
  return {
    part: (ref, columns, spreadsheet = false) => ({
      id: `${ref.key}@${ref.version}`,
      columns,
      read: async (only, signal) => {
        const body = openHandle(await handleOf(ref), signal);
        return await readTable(body, {
          name: ref.key,
          only,
          spreadsheet,
          batchRows: rowsAtOnce,
          onBadRow: refuse(ref.key),
          ...(signal === undefined ? {} : { signal }),
        });
      },
      ...(ref.key.endsWith(".parquet")
        ? {
            memory: async (files: MemoryFiles, signal: AbortSignal | undefined) => {
              // The vault is asked first: bytes that an earlier query left are for whoever may read them now.
              const handle = await handleOf(ref);
              return await files.lease(`${ref.key}@${ref.version}`, () => openHandle(handle, signal));
            },
          }
        : {}),
    }),
    headerOf: async (ref, signal) => {
      const first = await beginOf(openHandle(await handleOf(ref), signal));
      const { columns } = await readTable(once(first), { name: ref.key, onBadRow: () => undefined });
      return columns;
    },
  };
}

/** As much of the body as its first line may need. */
async function beginOf(body: Body): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (chunk.includes(10) || size >= headerBytes) break;
  }
  const bytes = Buffer.concat(chunks);
  const end = bytes.indexOf(10);
  return end < 0 ? bytes : bytes.subarray(0, end + 1);
}

type Value = string | number | null | undefined;

/** Rows that are no object, for example of the app's own tables. `rows` is called when a query needs them. */
export function listPart(
  id: string,
  columns: readonly LakeColumn[],
  rows: () => Promise<readonly Readonly<Record<string, Value>>[]>,
): LakePart {
  return {
    id,
    columns,
    fingerprint: async () =>
      createHash("sha256")
        .update(JSON.stringify(await rows()))
        .digest("hex"),
    read: async () => {
      const found = await rows();
      const texts = found.map((row) => columns.map(({ name }) => String(row[name] ?? "")));
      return { columns: columns.map(({ name }) => name), batches: one({ rows: texts, lines: texts.map((_, index) => index + 1) }) };
    },
  };
}

async function* one(batch: RowBatch): AsyncGenerator<RowBatch> {
  yield batch;
}
