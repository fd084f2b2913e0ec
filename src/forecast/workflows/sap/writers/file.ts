// The file writer: one file a batch, named after its request id, whole under its name or not there at all.
//
// A receiver takes files away, so that one which is no longer there was not necessarily never there. A receipt, written before the file gets its
// name, tells the two apart: with a receipt and without the unfinished file, it had its name once. Receipts begin with a dot and go when the answers
// are kept.

import { access, mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { renameDurably, writeFileAtomically } from "../../../../platform/files/index.ts";
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
        if (await isThere(part)) await renameDurably(part, whole);
        return taken;
      }
      await writePart(part, rows);
      await writeFileAtomically(receipt, "");
      await renameDurably(part, whole);
      return taken;
    },
    knowsRepeats: async () => true,
    async forget(request) {
      await rm(namesOf(request).receipt, { force: true });
    },
    close: async () => {},
  };

  async function writePart(name: string, rows: readonly ImportRow[]): Promise<void> {
    const batches = (async function* (): AsyncGenerator<(string | number | boolean)[][]> {
      yield rows.map((row) => columns.map((column) => plain(row.fields[column] ?? "")));
    })();
    await writeFileAtomically(name, writeTable(batches, { format: target.format, columns }));
  }
}

function plain(value: FieldValue): string | number | boolean {
  return typeof value === "object" ? new Date(value.date).toISOString().slice(0, 10) : value;
}
