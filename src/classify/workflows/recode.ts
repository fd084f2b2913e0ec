// Recode: a period's predictions in the codes of another version of the scheme, by data alone.
//
//   R1. The first predictions stay as they are: the recoded ones are objects of their own beside them.
//   R3. An answer of a reviewer is laid over the recoded code. One that no mapping brings into the version leaves the code empty and the item waits
//       again, with the former answer beside it.
//   R2. Codes the mapping splits come out empty with their candidates: a person or a new model must say which.

import { createHash } from "node:crypto";
import { StockroomError } from "../../platform/errors.ts";
import type { Tx } from "../../platform/database/contract.ts";
import { standingOf } from "../engine/answers.ts";
import { recode, type Recoded, type Scheme } from "../engine/schemes.ts";
import { parseLine } from "../engine/lines.ts";
import { prefixes } from "../store/keys.ts";
import { insertAudit } from "../store/audit.ts";
import { findAnswers, listAsked, nameItem } from "../store/answers.ts";
import { currentInferences, type InferenceRow } from "../store/inferences.ts";
import { findPlaces, queueReviews, type NewReview } from "../store/reviews.ts";
import { findScheme } from "../store/schemes.ts";
import { recodeJob, type AnsweredItem, type OpenItem } from "./jobs/recode-job.ts";
import { actAs, timeOf, type ClassifyDeps } from "./deps.ts";

export interface RecodedLine {
  readonly line: string;
  readonly object: string;
  readonly to: string;
  readonly same: number;
  readonly mapped: number;
  readonly ambiguous: number;
  readonly dropped: number;
  readonly unmapped: number;
  readonly answered: number;
}

/** Throws `missing` `SCHEME_MISSING`, `SCHEME_VERSION`. */
export async function recodePeriod(
  deps: ClassifyDeps,
  purpose: string,
  query: { readonly period: string; readonly scheme: string | undefined; readonly to: string | undefined },
  signal: AbortSignal,
): Promise<readonly RecodedLine[]> {
  const actor = actAs("report", purpose);
  const done: RecodedLine[] = [];
  for (const inference of await currentInferences(deps.database, query.period)) {
    const { scheme: name, country } = parseLine(inference.line);
    if (query.scheme !== undefined && query.scheme !== name) continue;
    const revision = await findScheme(deps.database, name);
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
    const answers = await answersIn(deps.database, inference.line, query.period, scheme, target.version);
    const result = await deps.compute.run(
      recodeJob,
      {
        source: await deps.objects.readHandle(actor, inference.predictions.key, inference.predictions.version),
        target: await deps.objects.writeHandle(actor, key),
        to: target.version,
        table: recodingTable(scheme, target.version),
        answers: [...answers.values()],
        firstDay: `${query.period}-01`,
      },
      { signal },
    );
    const at = timeOf(deps);
    await deps.objects.commit(actor, [result.staged], {
      contentType: "text/csv",
      announce: false,
      alongside: async (tx, entries) => {
        const asked = await askAgain(tx, inference, target.version, result.open, answers);
        await insertAudit(tx, deps.vault, {
          at,
          kind: "recode",
          record: {
            line: inference.line,
            period: query.period,
            inference: inference.id,
            to: target.version,
            schemeRevision: revision.revision,
            object: key,
            ...result.counts,
          },
          objects: entries.map(({ version }) => ({ key, version, sha256: result.staged.sha256 })),
          written: [{ table: "classify_review", where: { id: asked } }],
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

interface AnsweredBefore extends AnsweredItem {
  /** Where the item's words are. */
  readonly review: string;
}

/** What people said of a period's items, brought into a version where it can be; by `nameItem`. */
async function answersIn(
  tx: Tx,
  line: string,
  period: string,
  scheme: Scheme,
  version: string,
): Promise<ReadonlyMap<string, AnsweredBefore>> {
  const asked = (await listAsked(tx, line, period)).filter((one) => one.answered);
  const found = new Map<string, AnsweredBefore>();
  for (const [name, words] of await findAnswers(tx, line, asked)) {
    const last = words.find((word) => word.answer !== undefined);
    if (last?.answer === undefined) continue;
    const { item, day, reviewer, answer: former, review } = last;
    const standing = standingOf(scheme, words, version);
    const brought = recode(scheme, former, last.schemeVersion, version);
    found.set(name, {
      item,
      day,
      reviewer: words.find((word) => "id" in standing && word.id === standing.id)?.reviewer ?? reviewer,
      code: standing.kind === "stands" || standing.kind === "carried" ? standing.code : undefined,
      former,
      candidates: brought.kind === "ambiguous" ? brought.candidates : [],
      review,
    });
  }
  return found;
}

async function askAgain(
  tx: Tx,
  inference: InferenceRow,
  version: string,
  open: readonly OpenItem[],
  answers: ReadonlyMap<string, AnsweredBefore>,
): Promise<readonly string[]> {
  const places = await findPlaces(
    tx,
    [...answers.values()].map((answer) => answer.review),
  );
  const reviews = open.flatMap((item): NewReview[] => {
    const name = nameItem({ item: item.itemId, day: item.day });
    const answer = answers.get(name);
    const place = places.get(answer?.review ?? "");
    if (place === undefined) return [];
    const id = createHash("sha256").update(`${inference.id}\n${name}\n${version}`).digest("hex").slice(0, 16);
    return [
      {
        ...item,
        ...place,
        id,
        inference: inference.id,
        line: inference.line,
        period: inference.period,
        kind: "recode",
        schemeVersion: version,
        runnerUp: answer?.candidates[0] ?? "",
      },
    ];
  });
  await queueReviews(tx, reviews);
  return reviews.map((review) => review.id);
}
