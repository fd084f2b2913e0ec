// Recode: a period's predictions in the codes of another version of the scheme, by data alone.
//
//   R1. The first predictions stay as they are: the recoded ones are objects of their own beside them.
//   R2. Codes the mapping splits come out empty with their candidates: a person or a new model must say which.

import { StockroomError } from "../../base/errors.ts";
import { recode, type Recoded, type Scheme } from "../engine/schemes.ts";
import { parseLine, prefixes } from "../engine/words.ts";
import { keepAudit } from "../store/audit.ts";
import { currentInferences } from "../store/inferences.ts";
import { findScheme } from "../store/schemes.ts";
import { recodeJob } from "./jobs/recode-job.ts";
import { actAs, timeOf, type ClassifyParts } from "./parts.ts";

export interface RecodedLine {
  readonly line: string;
  readonly object: string;
  readonly to: string;
  readonly same: number;
  readonly mapped: number;
  readonly ambiguous: number;
  readonly dropped: number;
  readonly unmapped: number;
}

/** Throws `missing` `SCHEME_MISSING`, `SCHEME_VERSION`. */
export async function recodePeriod(
  parts: ClassifyParts,
  purpose: string,
  query: { readonly period: string; readonly scheme: string | undefined; readonly to: string | undefined },
  signal: AbortSignal,
): Promise<readonly RecodedLine[]> {
  const actor = actAs("report", purpose);
  const done: RecodedLine[] = [];
  for (const inference of await currentInferences(parts.records, query.period)) {
    const { scheme: name, country } = parseLine(inference.line);
    if (query.scheme !== undefined && query.scheme !== name) continue;
    const revision = await findScheme(parts.records, name);
    if (revision === undefined) {
      if (query.scheme === undefined) continue;
      throw new StockroomError(
        "missing",
        "SCHEME_MISSING",
        `Expected the scheme ${name} to be imported but it is not. Import it: stockroom classify schemes import FILE`,
      );
    }
    const { scheme } = revision;
    const target = query.to === undefined ? scheme.versions.at(-1) : scheme.versions.find((version) => version.version === query.to);
    if (target === undefined) {
      throw new StockroomError(
        "missing",
        "SCHEME_VERSION",
        `Expected a version "${query.to ?? ""}" of ${name} but it has ${scheme.versions.map((version) => version.version).join(", ")}.`,
      );
    }
    const part =
      inference.predictions.key
        .split("/")
        .at(-1)
        ?.replace(/\.csv$/, "") ?? name;
    const key = `${prefixes.predictions}${query.period}/${country}/recoded/${part}.${target.version.replaceAll(/[^A-Za-z0-9._-]+/g, "-")}.csv`;
    const result = await parts.compute.run(
      recodeJob,
      {
        source: await parts.objects.readTicket(actor, inference.predictions.key, inference.predictions.version),
        target: await parts.objects.writeTicket(actor, key),
        to: target.version,
        table: recodingTable(scheme, target.version),
      },
      { signal },
    );
    const at = timeOf(parts);
    await parts.objects.commit(actor, [result.staged], {
      contentType: "text/csv",
      announce: false,
      alongside: async (tx) => {
        await keepAudit(tx, parts.vault, at, "recode", {
          line: inference.line,
          period: query.period,
          inference: inference.id,
          to: target.version,
          schemeRevision: revision.revision,
          object: key,
          sha256: result.staged.sha256,
          ...result.counts,
        });
      },
    });
    done.push({ line: inference.line, object: key, to: target.version, ...result.counts });
  }
  return done;
}

/** What became of every code of every version. */
export function recodingTable(scheme: Scheme, to: string): Record<string, Record<string, Recoded>> {
  return Object.fromEntries(
    scheme.versions.map((version) => [
      version.version,
      Object.fromEntries(version.codes.map((code) => [code.code, recode(scheme, code.code, version.version, to)])),
    ]),
  );
}
