// The file writer: one file a batch, named after its request id, whole under its name or not there at all.

import { mkdir, open, rename } from "node:fs/promises";
import path from "node:path";
import { writeTable } from "../../../../base/tables/index.ts";
import type { SapTarget } from "../settings.ts";
import type { FieldValue, SapWriter } from "./contract.ts";

export function openFileWriter(target: SapTarget & { readonly kind: "file" }): SapWriter {
  const columns = Object.keys(target.fields);
  return {
    async write(rows, request) {
      await mkdir(target.folder, { recursive: true });
      const name = path.join(target.folder, `forecast-${request.madeAt.slice(0, 10)}-${request.requestId}.${target.format}`);
      const batches = (async function* (): AsyncGenerator<(string | number | boolean)[][]> {
        yield rows.map((row) => columns.map((column) => plain(row.fields[column] ?? "")));
      })();
      const file = await open(`${name}.part`, "w");
      try {
        for await (const chunk of writeTable(batches, { format: target.format, columns })) await file.write(chunk);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${name}.part`, name);
      return rows.map((row) => ({ seq: row.seq, taken: true, messages: [] }));
    },
    close: async () => {},
  };
}

function plain(value: FieldValue): string | number | boolean {
  return typeof value === "object" ? new Date(value.date).toISOString().slice(0, 10) : value;
}
