// Reports: the figures told to regulators, and what was later found to be otherwise.
//
// Owns: classify_report, classify_report_revision. Does not own: how figures are made (workflows/report.ts).
//   R1. Rows are only added: revision 0 is the first figure, every later revision stands beside it with its reason.

import type { Tx } from "../../platform/database/contract.ts";
import type { ObjectRef } from "./keys.ts";

export interface ReportFigure {
  readonly scheme: string;
  readonly schemeVersion: string;
  readonly code: string;
  readonly items: number;
  readonly units: number;
  readonly kg: number;
  /** Half-widths of the 95 % intervals: engine/margins.ts. */
  readonly itemsMargin: number;
  readonly unitsMargin: number;
  readonly kgMargin: number;
  /** What came back of it, as positive numbers; units and kg are net of it. */
  readonly returnedUnits: number;
  readonly returnedKg: number;
}

export interface ReportRevision {
  readonly period: string;
  readonly country: string;
  readonly revision: number;
  readonly reason: string;
  /** Inferences, answers and scheme revisions the figures were made of. */
  readonly source: Readonly<Record<string, unknown>>;
  readonly object: ObjectRef;
  readonly at: string;
}

export async function listRevisions(tx: Tx, period: string, country?: string): Promise<readonly ReportRevision[]> {
  const rows = await tx.query<{
    period: string;
    country: string;
    revision: number;
    reason: string;
    source: Record<string, unknown>;
    object_key: string;
    object_version: string;
    at: string;
  }>(
    "select * from stockroom.classify_report_revision where period = $1 and ($2::text is null or country = $2) order by country, revision",
    [period, country ?? null],
  );
  return rows.map((row) => ({
    period: row.period,
    country: row.country,
    revision: row.revision,
    reason: row.reason,
    source: row.source,
    object: { key: row.object_key, version: row.object_version },
    at: row.at,
  }));
}

/** Every country's period that has a report. */
export async function listReported(tx: Tx): Promise<readonly { readonly period: string; readonly country: string }[]> {
  return await tx.query("select distinct period, country from stockroom.classify_report_revision order by 1, 2");
}

export async function readFigures(tx: Tx, period: string, country: string, revision: number): Promise<readonly ReportFigure[]> {
  return await tx.query<ReportFigure>(
    `select scheme, scheme_version as "schemeVersion", code, items, units, kg, items_margin as "itemsMargin",
            units_margin as "unitsMargin", kg_margin as "kgMargin",
            returned_units as "returnedUnits", returned_kg as "returnedKg"
       from stockroom.classify_report where period = $1 and country = $2 and revision = $3 order by scheme collate "C", scheme_version collate "C", code collate "C"`,
    [period, country, revision],
  );
}

/** Every figure ever reported, as rows of these columns of the table. `columns` are names of ours, never a person's text. */
export async function readFigureRows(tx: Tx, columns: readonly string[]): Promise<readonly Record<string, string | number>[]> {
  return await tx.query<Record<string, string | number>>(
    `select ${columns.join(", ")} from stockroom.classify_report order by period, country, scheme, scheme_version, code, revision`,
  );
}

/** Keeps one revision with its figures. The caller holds the period's lock and has chosen the next number. */
export async function insertRevision(tx: Tx, revision: ReportRevision, figures: readonly ReportFigure[]): Promise<void> {
  await tx.query(
    `insert into stockroom.classify_report_revision (period, country, revision, reason, source, object_key, object_version, at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      revision.period,
      revision.country,
      revision.revision,
      revision.reason,
      JSON.stringify(revision.source),
      revision.object.key,
      revision.object.version,
      revision.at,
    ],
  );
  await tx.query(
    `insert into stockroom.classify_report
       (period, country, revision, scheme, scheme_version, code, items, units, kg, items_margin, units_margin, kg_margin,
        returned_units, returned_kg)
     select $1, $2, $3, x.scheme, x."schemeVersion", x.code, x.items, x.units, x.kg, x."itemsMargin", x."unitsMargin", x."kgMargin",
            x."returnedUnits", x."returnedKg"
       from jsonb_to_recordset($4::jsonb) as x(scheme text, "schemeVersion" text, code text, items double precision,
            units double precision, kg double precision, "itemsMargin" double precision, "unitsMargin" double precision,
            "kgMargin" double precision, "returnedUnits" double precision, "returnedKg" double precision)`,
    [revision.period, revision.country, revision.revision, JSON.stringify(figures)],
  );
}
