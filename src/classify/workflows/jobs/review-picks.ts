// Review picks: which items of a line a person should look at.
//
//   L1. Memory does not grow with the file but for returned items: candidates are bounded by how many are wanted.
//   L3. The audit sample is drawn by a hash of item, period and seed: the same file draws the same items, in any order of rows.

import { hashText } from "../../../platform/random.ts";
import type { StagedObject } from "../../../platform/objects/contract.ts";
import { writeThrough } from "../../../platform/objects/handles.ts";
import { writeTable } from "../../../platform/formats/index.ts";
import { hashItemText, mix32, type Item } from "../../engine/dataset.ts";
import type { CodedRow } from "./code-sums.ts";
import { cell, type ItemColumns } from "./items.ts";
import type { ItemSeen, LabelInput, LineTask, ReviewPick } from "./label-contract.ts";

export interface ReviewPicks {
  add(row: CodedRow & { readonly evidence: string; readonly reason: string }, item: Item): void;
  /** Writes the picked rows; without any there is no object. */
  finish(signal: AbortSignal): Promise<{
    readonly review: StagedObject | null;
    readonly reviews: readonly ReviewPick[];
    /** Those of the items somebody was ever asked about that are in the file. */
    readonly seen: readonly ItemSeen[];
  }>;
}

/** `names` are the file's columns; the picked rows are written as they came, code columns of a test left out. */
export function openReviewPicks(
  input: Pick<LabelInput, "reviewPerLine" | "auditPerLine" | "seed" | "versions">,
  task: Pick<LineTask, "line" | "asked" | "review">,
  { names, columns }: { readonly names: readonly string[]; readonly columns: ItemColumns },
): ReviewPicks {
  const low = makePicks(input.reviewPerLine);
  const audit = makePicks(input.auditPerLine);
  const period = input.versions.kind === "by-date" ? input.versions.period : undefined;
  // Another draw every month: the same items again would tell nothing new.
  const salt = hashText(`${input.seed}/${task.line}/${period ?? "test"}`);
  const asked = new Map(task.asked.map((one) => [`${one.item}\n${one.day}`, one.answered]));
  const seen: ItemSeen[] = [];
  /** Returned items: an answer on the item as sold moves them too, so they are asked about together. */
  const returned = new Map<string, Candidate>();
  return {
    add({ sold, outcome, second, probability, decision, evidence, reason }, item) {
      const candidate = {
        itemId: sold.id,
        day: sold.day === "" && period !== undefined ? `${period}-01` : sold.day,
        decision,
        schemeVersion: outcome.version,
        predicted: outcome.code,
        runnerUp: second.code,
        probability,
        units: sold.units,
        kg: sold.kg,
      } as const;
      const answered = asked.size === 0 ? undefined : asked.get(`${sold.id}\n${candidate.day}`);
      if (answered !== undefined) seen.push(candidate);
      if (sold.units < 0 && task.review !== null) {
        const kind = decision === "auto" ? "former" : "low";
        returned.set(`${sold.id}\n${candidate.day}`, { ...candidate, evidence, reason, row: sold.row, kind, rank: 0, text: 0 });
      }
      if (decision === "auto") {
        const draw = mix32(hashText(sold.id) ^ salt);
        if (audit.wants(-draw)) audit.add({ ...candidate, evidence, reason, row: sold.row, kind: "audit", rank: -draw, text: draw });
        return;
      }
      // What a person answered takes no place of what waits for one.
      const units = Math.abs(sold.units);
      if (answered !== true && low.wants(units))
        low.add({ ...candidate, evidence, reason, row: sold.row, kind: "low", rank: units, text: hashItemText(item) });
    },
    async finish(signal) {
      const drawn = [...audit.list(), ...low.list()];
      const picks = [...drawn, ...drawn.flatMap((pick) => (pick.units < 0 ? [] : (returned.get(`${pick.itemId}\n${pick.day}`) ?? [])))];
      if (task.review === null || picks.length === 0) return { review: null, reviews: [], seen };
      const review = await writeThrough(task.review, reviewTable(names, columns, picks), signal);
      return { review, reviews: picks.map(withoutWords), seen };
    },
  };
}

/** A pick as rows may hold it: its place in the review object instead of the item's words. */
function withoutWords(
  { row: _row, evidence: _evidence, reason: _reason, rank: _rank, text: _text, ...pick }: Candidate,
  row: number,
): ReviewPick {
  return { ...pick, row };
}

interface Candidate extends Omit<ReviewPick, "row"> {
  readonly row: readonly string[];
  readonly evidence: string;
  readonly reason: string;
  /** Larger comes first. */
  readonly rank: number;
  readonly text: number;
}

interface Picks {
  wants(rank: number): boolean;
  add(candidate: Candidate): void;
  list(): readonly Candidate[];
}

/** The highest-ranking candidates, one for each text, in memory bounded by their number. */
function makePicks(most: number): Picks {
  let kept: Candidate[] = [];
  let bar = Number.NEGATIVE_INFINITY;
  const compact = (): void => {
    const seen = new Set<number>();
    kept = kept
      .toSorted((a, b) => b.rank - a.rank || a.text - b.text)
      .filter((candidate) => !seen.has(candidate.text) && seen.add(candidate.text))
      .slice(0, most);
    const last = kept[most - 1];
    if (last !== undefined) bar = last.rank;
  };
  return {
    wants: (rank) => most > 0 && rank > bar,
    add(candidate) {
      kept.push(candidate);
      if (kept.length >= most * 4 + 64) compact();
    },
    list() {
      compact();
      return kept;
    },
  };
}

/** The picked rows as they came, with what the model made of them; code columns of a test are left out. */
function reviewTable(names: readonly string[], columns: ItemColumns, picks: readonly Candidate[]): AsyncIterable<Uint8Array> {
  const codeColumns = new Set([...columns.codes.values(), columns.code]);
  const kept = names.flatMap((name, index) => (codeColumns.has(index) ? [] : [{ name, index }]));
  const rows = picks.map((pick) => [
    ...kept.map(({ index }) => cell(pick.row, index)),
    pick.kind,
    pick.predicted,
    pick.probability,
    pick.runnerUp,
    pick.evidence,
    pick.reason,
  ]);
  const batches = (async function* () {
    yield rows;
  })();
  return writeTable(batches, {
    format: "csv",
    spreadsheet: true,
    columns: [...kept.map(({ name }) => name), "kind", "predicted", "probability", "runner_up", "evidence", "reason"],
  });
}
