// The file writer: one file a batch, named after its request id, whole under its name or not there at all.
//
// A receiver takes files away, so that one which is no longer there was not necessarily never there. A receipt, written before the file gets its
// name, tells the two apart: with a receipt and without the unfinished file, it had its name once. Receipts begin with a dot and go when the answers
// are kept.

import { access, mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { writeTable } from "../../../../platform/formats/index.ts";
import type { SapTarget } from "../settings.ts";
import type { Answer, BatchRequest, FieldValue, ImportRow, SapWriter } from "./contract.ts";

const isThere = async (file: string): Promise<boolean> =>
  await access(file).then(
    () => true,
    () => false,
  );

export function openFileWriter(target: SapTarget & { readonly kind: "file" }): SapWriter {
  const columns = Object.keys(target.fields);
  const namesOf = ({ madeAt, requestId }: BatchRequest): { readonly whole: string; readonly part: string; readonly receipt: string } => {
    const name = `forecast-${madeAt.slice(0, 10)}-${requestId}.${target.format}`;
    return {
      whole: path.join(target.folder, name),
      part: path.join(target.folder, `.${name}.part`),
      receipt: path.join(target.folder, `.${name}.receipt`),
    };
  };
  return {
    async write(rows, request) {
      await mkdir(target.folder, { recursive: true });
      const { whole, part, receipt } = namesOf(request);
      const taken = rows.map((row): Answer => ({ seq: row.seq, taken: true, messages: [] }));
      if (await isThere(whole)) return taken;
      if (await isThere(receipt)) {
        // Between receipt and name, or long since taken away.
        if (await isThere(part)) await rename(part, whole);
        return taken;
      }
      await writeAtomically(part, rows);
      await (await open(receipt, "w")).close();
      await syncFolder(target.folder);
      await rename(part, whole);
      await syncFolder(target.folder);
      return taken;
    },
    knowsRepeats: async () => true,
    async forget(request) {
      await rm(namesOf(request).receipt, { force: true });
    },
    close: async () => {},
  };

  async function writeAtomically(name: string, rows: readonly ImportRow[]): Promise<void> {
    const batches = (async function* (): AsyncGenerator<(string | number | boolean)[][]> {
      yield rows.map((row) => columns.map((column) => plain(row.fields[column] ?? "")));
    })();
    const file = await open(name, "w");
    try {
      for await (const chunk of writeTable(batches, { format: target.format, columns })) await file.write(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

/** Names are on disk only when their folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  if (handle === undefined) return;
  try {
    await handle.sync();
  } catch {
    // Not every file system can; a network share does as it does.
  } finally {
    await handle.close();
  }
}

function plain(value: FieldValue): string | number | boolean {
  return typeof value === "object" ? new Date(value.date).toISOString().slice(0, 10) : value;
}
