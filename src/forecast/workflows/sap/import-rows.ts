// The rows of an import and the answers to them, as sealed objects of numbered lines.

import { gather } from "../../../platform/bytes.ts";
import { StockroomError } from "../../../platform/errors.ts";
import { prefixes, type ObjectRef } from "../../store/keys.ts";
import { actAs, type ForecastDeps } from "../deps.ts";
import type { Answer, ImportRow } from "./writers/contract.ts";

/** Rows in one object of an import. */
export const rowsInPart = 10_000;

/** Where a part of the rows lies. */
export const partKey = (id: string, part: number): string => `${prefixes.imports}${id}/rows-${String(part).padStart(6, "0")}.jsonl`;

/** The answers of one batch. */
export async function readAnswers(deps: Pick<ForecastDeps, "objects">, purpose: string, ref: ObjectRef): Promise<readonly Answer[]> {
  const { body } = await deps.objects.get(actAs("deliver", purpose), ref.key, { version: ref.version });
  return linesOf(await gather(body)).map((line): Answer => JSON.parse(line));
}

function linesOf(bytes: Uint8Array): readonly string[] {
  return Buffer.from(bytes)
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "");
}

/** Reads rows by number; keeps the part it read last. */
export function makePartReader(
  deps: Pick<ForecastDeps, "objects">,
  runId: string,
  id: string,
): { rows(seqs: readonly number[]): Promise<readonly ImportRow[]> } {
  let held: { readonly part: number; readonly lines: readonly string[] } | undefined;
  return {
    async rows(seqs) {
      const rows: ImportRow[] = [];
      for (const seq of seqs) {
        const part = Math.floor((seq - 1) / rowsInPart) + 1;
        if (held?.part !== part)
          held = { part, lines: linesOf(await deps.objects.read(actAs("deliver", runId), partKey(id, part), { maxBytes: 2 ** 30 })) };
        const line = held.lines[(seq - 1) % rowsInPart];
        if (line === undefined)
          throw new StockroomError("fault", "SAP_IMPORT_ROWS", `Expected row ${seq} of import ${id} in the store but it is not there.`);
        const row: ImportRow = JSON.parse(line);
        rows.push(row);
      }
      return rows;
    },
  };
}
