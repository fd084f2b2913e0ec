// Extract: labelled items or sales out of a warehouse, one sealed object a country, nothing plain at rest.
//
//   X1. The rows of the query go straight into sealed objects; all countries become visible in one transaction, or none.
//   X2. The objects' events start the trainings (or the coding) like any upload: extraction itself starts nothing.

import { makePipe, type Pipe } from "../../base/bytes.ts";
import { StockroomError } from "../../base/errors.ts";
import { faultPoint } from "../../base/faults.ts";
import type { StagedObject } from "../../base/objects/contract.ts";
import { writeThrough } from "../../base/objects/tickets.ts";
import { writeTable, type DecimalSign, type Table } from "../../base/tables/index.ts";
import { openWarehouse, type WarehouseAddress } from "../../base/warehouse/index.ts";
import type { WorkflowDefinition } from "../../base/workflow/contract.ts";
import { isCountry, prefixes } from "../engine/words.ts";
import { actAs, type ClassifyParts } from "./parts.ts";
import type { ExtractSettings } from "./settings.ts";

/** `period` fills `$period` in the query and names sales objects; by schedule it is the month before the tick. */
export type ExtractInput = { readonly name: string; readonly period: string | null; readonly requestedAt?: string };

export type ExtractResult = { readonly rows: number; readonly badRows: number; readonly objects: readonly string[] };

export function makeExtract(parts: ClassifyParts): WorkflowDefinition<ExtractInput, ExtractResult> {
  return {
    name: "classify.extract",
    queue: "classify.light",
    title: (input) => `extract ${input.name}${input.period === null ? "" : ` for ${input.period}`}`,
    run: async (context, input) => {
      const period = await context.step("period", async () => input.period ?? monthBefore(parts.clock.now()));
      return await context.step("extract", async (signal) => await extract(parts, context.runId, input.name, period, signal));
    },
  };
}

/** The month before an instant, as `2026-10`. */
export function monthBefore(nowMs: number): string {
  const now = new Date(nowMs);
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1)).toISOString().slice(0, 7);
}

/** Throws `missing` `EXTRACT_MISSING` naming those there are. */
export function getExtract(parts: Pick<ClassifyParts, "settings">, name: string): ExtractSettings {
  const found = parts.settings.extracts.find((extract) => extract.name === name);
  if (found === undefined) {
    const names = parts.settings.extracts.map((extract) => extract.name);
    throw new StockroomError(
      "missing",
      "EXTRACT_MISSING",
      `Expected an extract named "${name}" in the settings (classify.extracts) but ${names.length === 0 ? "there is none" : `there are ${names.join(", ")}`}.`,
    );
  }
  return found;
}

/** One country's object while its rows arrive. */
interface Branch {
  readonly rows: Pipe<readonly (readonly string[])[]>;
  readonly written: Promise<StagedObject>;
}

async function extract(parts: ClassifyParts, runId: string, name: string, period: string, signal: AbortSignal): Promise<ExtractResult> {
  const settings = getExtract(parts, name);
  const actor = actAs("extract", runId);
  const keyOf = (country: string): string =>
    settings.kind === "labelled" ? `${prefixes.labelled}${country}/${name}.csv` : `${prefixes.sales}${period}/${country}/${name}.csv`;
  const warehouse = await openWarehouse(warehouseOf(parts, settings));
  const branches = new Map<string, Branch>();
  let rows = 0;
  let badRows = 0;
  try {
    const table = await warehouse.query(settings.sql, { parameters: { period }, signal });
    const countryAt = table.columns.indexOf(parts.settings.columns.country);
    if (countryAt < 0) {
      throw new StockroomError(
        "input",
        "EXTRACT_COUNTRY",
        `Expected the query of extract "${name}" to give a column "${parts.settings.columns.country}" but it gives ${table.columns.join(", ")}. Add it to the select list.`,
      );
    }
    const toDialect = makeDialect(table, parts.settings.columns.decimal);
    const branchOf = async (country: string): Promise<Branch> => {
      const known = branches.get(country);
      if (known !== undefined) return known;
      const ticket = await parts.objects.writeTicket(actor, keyOf(country));
      const pipe = makePipe<readonly (readonly string[])[]>();
      const written = writeThrough(ticket, writeTable(pipe, { format: "csv", columns: table.columns }), signal);
      // The failure is met where it is awaited; until then it must not count as unhandled.
      written.catch(() => undefined);
      const branch: Branch = { rows: pipe, written };
      branches.set(country, branch);
      return branch;
    };
    for await (const batch of table.batches) {
      const parted = new Map<string, (readonly string[])[]>();
      for (const row of batch.rows) {
        const country = row[countryAt] ?? "";
        if (!isCountry(country)) {
          badRows += 1;
          continue;
        }
        const part = parted.get(country);
        const written = toDialect(row);
        if (part === undefined) parted.set(country, [written]);
        else part.push(written);
        rows += 1;
      }
      for (const [country, part] of parted) {
        const branch = await branchOf(country);
        await Promise.race([branch.rows.write(part), branch.written]);
      }
    }
    for (const branch of branches.values()) branch.rows.end();
  } catch (error) {
    for (const branch of branches.values()) branch.rows.fail(error);
    await Promise.allSettled([...branches.values()].map(async (branch) => await branch.written));
    throw error;
  } finally {
    await warehouse.close();
  }
  const inOrder = [...branches].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, branch]) => branch);
  const staged = await Promise.all(inOrder.map(async (branch) => await branch.written));
  faultPoint("classify.extract.staged");
  const entries = await parts.objects.commit(actor, staged, {
    contentType: "text/csv",
    labels: { extract: name, period, decimal: parts.settings.columns.decimal ?? "" },
  });
  return { rows, badRows, objects: entries.map((entry) => entry.key) };
}

/** A query's numbers as the house's files write them: its texts are handed on as they are, and a file has one decimal sign. */
function makeDialect(table: Table, decimal: DecimalSign | undefined): (row: readonly string[]) => readonly string[] {
  const typed = table.columns.map((column) => decimal === "," && table.isTyped?.(column) === true);
  if (!typed.includes(true)) return (row) => row;
  return (row) => row.map((value, index) => (typed[index] ? value.replace(".", ",") : value));
}

function warehouseOf(parts: ClassifyParts, settings: ExtractSettings): WarehouseAddress {
  const address = parts.settings.warehouses[settings.warehouse];
  if (address === undefined) {
    throw new StockroomError(
      "input",
      "WAREHOUSE_UNKNOWN",
      `Expected extract "${settings.name}" to name one of classify.warehouses but "${settings.warehouse}" is not among ${Object.keys(parts.settings.warehouses).join(", ") || "none"}.`,
    );
  }
  return address;
}
