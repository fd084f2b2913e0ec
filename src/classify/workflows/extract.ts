// Extract: labelled items or sales out of a warehouse, one sealed object a country, nothing plain at rest.
//
//   X1. The rows of the query go straight into sealed objects; all countries become visible in one transaction, or none.
//   X2. The objects' events start the trainings (or the coding) like any upload: extraction itself starts nothing.
//   X3. A row without a country has no object to go to: it is set apart, listed and told, like a bad row of a file.

import { rowsOf } from "../../platform/figures.ts";
import { makePipe, type Pipe } from "../../platform/bytes.ts";
import { StockroomError } from "../../platform/errors.ts";
import { faultPoint } from "../../platform/faults.ts";
import type { StagedObject } from "../../platform/objects/contract.ts";
import { writeThrough } from "../../platform/objects/handles.ts";
import { writeTable, type BadRow, type DecimalSign, type Table } from "../../platform/formats/index.ts";
import { openWarehouse, type WarehouseAddress } from "../../platform/warehouse/index.ts";
import type { WorkflowDefinition } from "../../platform/workflow/contract.ts";
import { isCountry } from "../engine/lines.ts";
import { prefixes } from "../store/keys.ts";
import { badRowLines } from "./jobs/rejects.ts";
import { actAs, type ClassifyDeps } from "./deps.ts";
import type { ExtractSettings } from "./settings.ts";

/** `period` fills `$period` in the query and names sales objects; by schedule it is the month before the tick. */
export type ExtractInput = { readonly name: string; readonly period: string | null; readonly requestedAt?: string };

export type ExtractResult = { readonly rows: number; readonly badRows: number; readonly objects: readonly string[] };

export function makeExtract(deps: ClassifyDeps): WorkflowDefinition<ExtractInput, ExtractResult> {
  return {
    name: "classify.extract",
    queue: "classify.light",
    title: (input) => `extract ${input.name}${input.period === null ? "" : ` for ${input.period}`}`,
    // "The month before" may be another one by now.
    rerun: (input) => (input.period === null ? undefined : input),
    run: async (context, input) => {
      const period = await context.step("period", async () => input.period ?? monthBefore(deps.clock.now()));
      return await context.step("extract", async (signal) => await extract(deps, context.runId, input.name, period, signal));
    },
  };
}

/** The month before an instant, as `2026-10`. */
export function monthBefore(nowMs: number): string {
  const now = new Date(nowMs);
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1)).toISOString().slice(0, 7);
}

/** Throws `missing` `EXTRACT_MISSING` naming those there are. */
export function getExtract(deps: Pick<ClassifyDeps, "settings">, name: string): ExtractSettings {
  const found = deps.settings.extracts.find((extract) => extract.name === name);
  if (found === undefined) {
    const names = deps.settings.extracts.map((extract) => extract.name);
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

async function extract(deps: ClassifyDeps, runId: string, name: string, period: string, signal: AbortSignal): Promise<ExtractResult> {
  const settings = getExtract(deps, name);
  const actor = actAs("extract", runId);
  const keyOf = (country: string): string =>
    settings.kind === "labelled" ? `${prefixes.labelled}${country}/${name}.csv` : `${prefixes.sales}${period}/${country}/${name}.csv`;
  const warehouse = await openWarehouse(warehouseOf(deps, settings));
  const branches = new Map<string, Branch>();
  const apart: Isolated = { runId, settings, period, rows: [], count: 0 };
  let rows = 0;
  try {
    const table = await warehouse.query(settings.sql, { parameters: { period }, signal });
    const countryAt = table.columns.indexOf(deps.settings.columns.country);
    if (countryAt < 0) {
      throw new StockroomError(
        "input",
        "EXTRACT_COUNTRY",
        `Expected the query of extract "${name}" to give a column "${deps.settings.columns.country}" but it gives ${table.columns.join(", ")}. Add it to the select list.`,
      );
    }
    const toDialect = makeDialect(table, deps.settings.columns.decimal);
    const branchOf = async (country: string): Promise<Branch> => {
      const known = branches.get(country);
      if (known !== undefined) return known;
      const handle = await deps.objects.writeHandle(actor, keyOf(country));
      const pipe = makePipe<readonly (readonly string[])[]>();
      const written = writeThrough(handle, writeTable(pipe, { format: "csv", columns: table.columns }), signal);
      // The failure is met where it is awaited; until then it must not count as unhandled.
      written.catch(() => undefined);
      const branch: Branch = { rows: pipe, written };
      branches.set(country, branch);
      return branch;
    };
    for await (const batch of table.batches) {
      const parted = new Map<string, (readonly string[])[]>();
      for (const row of batch.rows) {
        const country = (row[countryAt] ?? "").trim();
        if (!isCountry(country)) {
          setApart(apart, row, { line: rows + apart.count + 1, at: countryAt, column: deps.settings.columns.country });
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
  const list = await keepApart(deps, apart, signal);
  if (apart.count > (rows + apart.count) * deps.settings[settings.kind === "labelled" ? "train" : "sales"].maxBadShare) {
    await deps.objects.discard(staged.map(({ handle }) => handle));
    throw new StockroomError(
      "input",
      "TOO_MANY_BAD_ROWS",
      `Expected most rows of extract "${name}" to have a country but ${apart.count} of ${rows + apart.count} have none: ${reasonsOf(apart)}. Nothing of it was kept. Correct the query; ${list}.`,
      { facts: { extract: name, rows: rows + apart.count, badRows: apart.count } },
    );
  }
  const entries = await deps.objects.commit(actor, staged, {
    contentType: "text/csv",
    labels: { extract: name, period, decimal: deps.settings.columns.decimal ?? "" },
    alongside: async (tx) => {
      if (apart.count === 0) return;
      await deps.postNotice(tx, {
        topic: "mlops",
        id: `classify.bad-rows/extract/${name}/${runId}`,
        severity: "warning",
        title: `${rowsOf(apart.count, `extract ${name}`)} set apart`,
        body: `${apart.count} of ${rows + apart.count} rows of extract ${name} for ${period} have no country and were set apart; the others went on. The first reasons: ${reasonsOf(apart)}. In full: ${list}.`,
        facts: { extract: name, period, badRows: apart.count, rows: rows + apart.count },
      });
    },
  });
  return { rows, badRows: apart.count, objects: entries.map((entry) => entry.key) };
}

/** Rows that go to no object. */
interface Isolated {
  readonly runId: string;
  readonly settings: ExtractSettings;
  readonly period: string;
  /** The first of them. */
  readonly rows: BadRow[];
  count: number;
}

/** Rows set apart that are kept at most; the others are counted. */
const keptBadRows = 100_000;

function setApart(apart: Isolated, row: readonly string[], { line, at, column }: { line: number; at: number; column: string }): void {
  apart.count += 1;
  if (apart.rows.length >= keptBadRows) return;
  apart.rows.push({
    line,
    column: at + 1,
    code: "ITEM_COUNTRY",
    reason: `Expected a country such as GBR in the column "${column}" but received "${(row[at] ?? "").slice(0, 40).toWellFormed()}". Correct the query, or the row in the warehouse.`,
    sample: row.join(",").slice(0, 200).toWellFormed(),
  });
}

const reasonsOf = (apart: Isolated): string =>
  apart.rows
    .slice(0, 3)
    .map((row) => `row ${row.line}: ${row.reason}`)
    .join("; ");

/** Keeps the rows in the place of those of the extraction before; says where they are listed. */
async function keepApart(deps: ClassifyDeps, { runId, settings, period, rows }: Isolated, signal: AbortSignal): Promise<string> {
  const { name, kind } = settings;
  const key =
    kind === "labelled"
      ? `${prefixes.rejected}extracts/${name}/${period}.jsonl`
      : `${prefixes.predictions}${period}/rejected.${name}.jsonl`;
  const where = kind === "labelled" ? `the rows lie in ${key}` : `\`stockroom classify rejected --period ${period}\` lists the rows`;
  if (rows.length === 0 && (await deps.objects.head(key)) === undefined) return where;
  const actor = actAs("extract", runId);
  const staged = await writeThrough(await deps.objects.writeHandle(actor, key), badRowLines(rows), signal);
  await deps.objects.commit(actor, [staged], { contentType: "application/jsonl", announce: false, labels: { extract: name, period } });
  return where;
}

/** A query's numbers as the app's files write them: its texts are handed on as they are, and a file has one decimal sign. */
function makeDialect(table: Table, decimal: DecimalSign | undefined): (row: readonly string[]) => readonly string[] {
  const typed = table.columns.map((column) => decimal === "," && table.isTyped?.(column) === true);
  if (!typed.includes(true)) return (row) => row;
  return (row) => row.map((value, index) => (typed[index] ? value.replace(".", ",") : value));
}

function warehouseOf(deps: ClassifyDeps, settings: ExtractSettings): WarehouseAddress {
  const address = deps.settings.warehouses[settings.warehouse];
  if (address === undefined) {
    throw new StockroomError(
      "input",
      "WAREHOUSE_UNKNOWN",
      `Expected extract "${settings.name}" to name one of classify.warehouses but "${settings.warehouse}" is not among ${Object.keys(deps.settings.warehouses).join(", ") || "none"}.`,
    );
  }
  return address;
}
