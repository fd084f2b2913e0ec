// Rejected: the rows of sales files that were set apart, for the person who can repair them.
//
// Owns: finding and reading them. Does not own: why a row is set apart (jobs/sold.ts, tables).
//   J1. Only rows of the current version of a sales file are listed: a corrected file has none of the old ones. Rows of an extraction that have no country
//       are those of its last run for the period; they are no country's, and stand in the list of all.
//   J2. They hold item text, so they rest in sealed objects and are read in the role `review`.

import { gather } from "../../platform/bytes.ts";
import type { Keyed, SortKey } from "../../platform/database/sort-key.ts";
import type { ObjectEntry } from "../../platform/objects/contract.ts";
import { unlessGone } from "../../platform/objects/gone.ts";
import { isCountry, parsePeriod } from "../engine/lines.ts";
import { prefixes } from "../store/keys.ts";
import { StockroomError } from "../../platform/errors.ts";
import { actAs, type ClassifyDeps } from "./deps.ts";

export interface RejectedRow {
  /** The sales file; `extract NAME` for a row of an extraction that has no country, whose line is its number in the query's answer. */
  readonly file: string;
  readonly line: number;
  /** Of the field, 1 for the first; null where the row as a whole is broken. */
  readonly column: number | null;
  readonly code: string;
  readonly reason: string;
  /** The start of the row or of its value. */
  readonly sample: string;
}

/** Lists the rows of a period that are in no figure, each with where it stands in the list. Throws `input` `PERIOD_NAME`, `COUNTRY_NAME`. */
export async function placeRejected(
  deps: Pick<ClassifyDeps, "objects">,
  purpose: string,
  asked: {
    readonly period: string;
    readonly country?: string | undefined;
    /** Only those that come after this place of the list: object, version, row in it. */
    readonly after?: SortKey | undefined;
    readonly limit: number;
  },
): Promise<{ readonly rows: readonly Keyed<RejectedRow>[]; readonly total: number }> {
  const period = parsePeriod(asked.period);
  if (asked.country !== undefined && !isCountry(asked.country)) {
    throw new StockroomError("input", "COUNTRY_NAME", `Expected a country such as GBR (capital letters) but received "${asked.country}".`);
  }
  const rows: Keyed<RejectedRow>[] = [];
  const [afterKey, afterVersion, afterRow] = asked.after ?? [];
  let total = 0;
  for (const entry of await listRejectedObjects(deps, period, asked.country)) {
    const file = await sourceOf(deps, entry.labels);
    if (file === undefined) continue;
    const kept = await unlessGone(deps.objects.get(actAs("review", purpose), entry.key, { version: entry.version }));
    if (kept === undefined) continue;
    const lines = Buffer.from(await gather(kept.body))
      .toString("utf8")
      .split("\n");
    // Of a file that was corrected meanwhile all rows are new.
    const isPassed = afterKey !== undefined && Buffer.compare(Buffer.from(entry.key), Buffer.from(afterKey)) < 0;
    const passed = entry.key === afterKey && entry.version === afterVersion ? Number(afterRow) : isPassed ? Infinity : -1;
    for (const [at, line] of lines.entries()) {
      if (line === "") continue;
      total += 1;
      if (at <= passed || rows.length >= asked.limit) continue;
      const row = JSON.parse(line) as Omit<RejectedRow, "file" | "column"> & { readonly column?: number }; // as badRowLines writes them
      rows.push({
        row: { file, line: row.line, column: row.column ?? null, code: row.code, reason: row.reason, sample: row.sample },
        key: [entry.key, entry.version, String(at)],
      });
    }
  }
  return { rows, total };
}

/** As `placeRejected`, without the places. */
export async function listRejected(
  ...asked: Parameters<typeof placeRejected>
): Promise<{ readonly rows: readonly RejectedRow[]; readonly total: number }> {
  const { rows, total } = await placeRejected(...asked);
  return { rows: rows.map(({ row }) => row), total };
}

/** The objects that hold rows set apart, of a country or of all. */
export async function listRejectedObjects(
  deps: Pick<ClassifyDeps, "objects">,
  period: string,
  country?: string,
): Promise<readonly ObjectEntry[]> {
  const prefix = `${prefixes.predictions}${period}/${country === undefined ? "" : `${country}/`}`;
  return (await deps.objects.list(prefix, { limit: 100_000 })).filter(({ key }) => /\/rejected[^/]*\.jsonl$/.test(key));
}

/** What the rows of an object were set apart from; undefined when that is no longer current. */
async function sourceOf(deps: Pick<ClassifyDeps, "objects">, labels: Readonly<Record<string, string>>): Promise<string | undefined> {
  const { sales, extract } = labels;
  if (extract !== undefined) return `extract ${extract}`;
  const at = sales?.lastIndexOf("@") ?? -1;
  const file = sales?.slice(0, at);
  if (sales === undefined || file === undefined) return undefined;
  return (await deps.objects.head(file))?.version === sales.slice(at + 1) ? file : undefined;
}
