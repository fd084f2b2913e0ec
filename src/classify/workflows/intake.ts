// Intake: a labelled file has been stored; find the lines it holds labels for and start one training for each.
//
//   I1. One run per object version (the event's dedupe key), one training per (line, object version): a repeat starts nothing.
//   I3. A file with columns of its own is read by what it tells, by an answer, or as the file before it from its sender; with a question nothing is read,
//       trained or kept but that it is asked. How a version was read is kept with it, and as the mapping for the next one.
//   I2. A file without a usable header or any label ends in the dead letters with its reason; single bad rows are set apart and told.

import { rowsOf } from "../../platform/figures.ts";
import { setTimeout as pause } from "node:timers/promises";
import { StockroomError } from "../../platform/errors.ts";
import { unlessGone } from "../../platform/objects/gone.ts";
import type { WorkflowDefinition } from "../../platform/workflow/contract.ts";
import { anyUnderway } from "../../platform/workflow/index.ts";
import { isCountry, lineOf, nearestName } from "../engine/lines.ts";
import { prefixes, readKey, type ObjectRef } from "../store/keys.ts";
import { insertLine } from "../store/lines.ts";
import { listSchemes } from "../store/schemes.ts";
import { putReading } from "../store/readings.ts";
import { type LabelledLook, questionAbout } from "./intake/take-in.ts";
import { surveyJob, type SurveyResult } from "./jobs/survey-job.ts";
import { actAs, timeOf, type ClassifyDeps } from "./deps.ts";
import { keepReading, wordsFor } from "./kept.ts";
import type { TrainInput } from "./train.ts";

export type IntakeInput = {
  readonly key: string;
  readonly version: string;
  /** When a person said anew how it is read; what is trained on it then is trained again. */
  readonly again?: string;
};

export interface IntakeResult {
  readonly [key: string]: number | readonly string[];
  readonly rows: number;
  readonly badRows: number;
  readonly trainings: readonly string[];
}

export function makeIntake(deps: ClassifyDeps, train: WorkflowDefinition<TrainInput>): WorkflowDefinition<IntakeInput, IntakeResult> {
  return {
    name: "classify.intake",
    queue: "classify.light",
    title: (input) => `look into ${input.key}`,
    // What is trained on it is trained again, as when a person says anew how it is read.
    rerun: (input, at) => ({ ...input, again: at }),
    run: async (context, input) => {
      const survey = await context.step("survey", async (signal) => await surveyLabelled(deps, context.runId, input, signal));
      if (survey === null) return { rows: 0, badRows: 0, trainings: [] };
      await context.step("lines", async () => {
        const entry = survey.look === null ? undefined : await deps.objects.head(input.key, input.version);
        await deps.database.transaction(async (tx) => {
          for (const found of survey.lines) await insertLine(tx, deps.vault, lineOf(found.country, found.scheme), timeOf(deps));
          if (survey.look !== null) await keepReading(tx, deps, context.runId, { object: input, entry, look: survey.look });
          if (survey.badRows > 0) {
            await deps.postNotice(tx, {
              topic: "mlops",
              id: `classify.bad-rows/${input.key}@${input.version}`,
              severity: "warning",
              title: `${rowsOf(survey.badRows, input.key)} set apart`,
              body: `${survey.badRows} of ${survey.rows + survey.badRows} rows could not be used; the others went on. The first reasons: ${survey.reasons.join("; ")}. The rows lie in ${survey.rejected ?? "no object"}.`,
              facts: { key: input.key, version: input.version, badRows: survey.badRows, rows: survey.rows },
            });
          }
        });
        return null;
      });
      await context.step("told", async (signal) => {
        await schemesImported(deps, input.version, signal);
        await notifySchemes(deps, input, survey);
        return null;
      });
      const trainings: string[] = [];
      for (const found of survey.lines) {
        const { line } = lineOf(found.country, found.scheme);
        const child: TrainInput = { line, key: input.key, version: input.version };
        // Large lines first: the last run to start should not be the longest one.
        const priority = Math.max(1, 1000 - Math.floor(Math.sqrt(found.labels)));
        const again = input.again === undefined ? "" : `/again/${input.again}`;
        trainings.push(await context.startChild(train, child, { id: `${trainRunId(line, input)}${again}`, priority }));
      }
      return { rows: survey.rows, badRows: survey.badRows, trainings };
    },
  };
}

/** How long an import of schemes that was put before the labels may take until they are judged without it. */
const importsMs = 10_000;

/** Schemes put before the labels count as known, although both are worked off side by side. */
async function schemesImported(deps: ClassifyDeps, version: string, signal: AbortSignal): Promise<void> {
  const before = { workflow: "classify.scheme-import", prefix: prefixes.schemes, version };
  for (const begin = performance.now(); performance.now() - begin < importsMs && (await anyUnderway(deps.database, before));) {
    await pause(50, undefined, { signal });
  }
}

/** Labels of a scheme that was never imported, or that is another country's, are told: they may be a slip, and no law stands behind them. */
async function notifySchemes(deps: ClassifyDeps, input: IntakeInput, survey: Survey): Promise<void> {
  const known = new Map((await listSchemes(deps.database)).map((revision) => [revision.scheme.scheme, revision.scheme]));
  const doubts = survey.lines.flatMap(({ country, scheme, labels }) => {
    const found = known.get(scheme);
    if (found !== undefined && (found.country === "*" || found.country === country)) return [];
    const what = `${labels} labels of ${country} name the scheme ${scheme}`;
    if (found !== undefined) return [`${what}, which is a scheme of ${found.country}.`];
    const near = nearestName(scheme, [...known.keys()]);
    return known.size === 0
      ? []
      : [`${what}, which was never imported.${near === undefined ? "" : ` Did you mean ${near}?`} Its codes are taken as they stand.`];
  });
  const remarks = [
    ...doubts,
    ...survey.unread.map(
      (column) => `The column "${column}" names no scheme: letters, digits, dots, hyphens and underscores follow "code.". It was not read.`,
    ),
    ...(survey.look === null ? [] : remarksOn(survey.look)),
    ...survey.notes,
  ];
  if (remarks.length === 0) return;
  await deps.database.transaction(async (tx) => {
    await deps.postNotice(tx, {
      topic: "mlops",
      id: `classify.labelled/${input.key}@${input.version}`,
      severity: doubts.length + survey.unread.length > 0 || survey.look !== null ? "warning" : "info",
      title: doubts.length + survey.unread.length > 0 ? `${input.key}: schemes to look at` : `${input.key}: how it was read`,
      body: remarks.join(" "),
      facts: { key: input.key, version: input.version },
    });
  });
}

/** The identity of a training: the line and the object version it learns from. */
export function trainRunId(line: string, object: ObjectRef): string {
  return `train/${line}/${object.key}@${object.version}`;
}

/** What is told of a file with columns of its own: nobody named them to us. */
const remarksOn = ({ lines, changes }: LabelledLook): readonly string[] => [
  `It has columns of its own and was read so: ${lines.join("; ")}.`,
  ...(changes.length === 0 ? [] : [`It is made otherwise than the file before it: ${changes.map(({ text }) => text).join("; ")}.`]),
];

type Survey = Pick<SurveyResult, "rows" | "badRows" | "reasons" | "lines" | "notes" | "unread" | "look"> & {
  readonly rejected: string | null;
};

/** Null of a file that was removed before anybody looked at it. */
async function surveyLabelled(deps: ClassifyDeps, runId: string, input: IntakeInput, signal: AbortSignal): Promise<Survey | null> {
  const actor = actAs("train", runId);
  const place = readKey(input.key);
  const country = place.kind === "labelled" ? place.country : undefined;
  const rejectedKey = `${prefixes.rejected}${input.key}@${input.version}.jsonl`;
  const source = await unlessGone(deps.objects.readHandle(actor, input.key, input.version));
  if (source === undefined) return null;
  const rejected = await deps.objects.writeHandle(actor, rejectedKey);
  const result = await deps.compute.run(
    surveyJob,
    { source, rejected, country: country ?? null, columns: deps.settings.columns, words: await wordsFor(deps, source.entry) },
    { signal },
  );
  const asked = result.look === null ? undefined : questionAbout(input.key, result.look);
  if (asked !== undefined) {
    await deps.objects.discard([rejected]);
    const asking = { key: input.key, version: input.version, taken: null, runId, at: timeOf(deps) };
    await deps.database.transaction(async (tx) => await putReading(tx, deps.vault, asking));
    throw asked;
  }
  if (result.staged === null) await deps.objects.discard([rejected]);
  else await deps.objects.commit(actor, [result.staged], { contentType: "application/jsonl", announce: false });

  const { rows, badRows } = result;
  deps.log.info("looked into a labelled file", {
    runId,
    key: input.key,
    version: input.version,
    rows,
    badRows,
    lines: result.lines.length,
  });
  const all = result.rows + result.badRows;
  if (result.badRows > all * deps.settings.train.maxBadShare) {
    throw new StockroomError(
      "input",
      "TOO_MANY_BAD_ROWS",
      `Expected most rows of ${input.key} to be usable but ${result.badRows} of ${all} are not: ${result.reasons.join("; ")}. Repair the file and put it again; the rows lie in ${rejectedKey}.`,
      { facts: { key: input.key, rows: all, badRows: result.badRows } },
    );
  }
  const lines = result.lines.filter((found) => found.labels > 0 && isCountry(found.country));
  if (lines.length === 0) {
    throw new StockroomError(
      "input",
      "LABELS_MISSING",
      `Expected ${input.key} to hold labels in a column such as "code.GBR-WASTE" (or columns "scheme" and "code") but found ${
        result.codeColumns.length === 0
          ? `only the columns ${result.columnNames.join(", ")}`
          : `no code in ${result.codeColumns.join(", ")}`
      }${country === undefined && result.rows > 0 ? `, or no country in the column "${deps.settings.columns.country}"` : ""}. Add the labels and put the file again.`,
      { facts: { key: input.key } },
    );
  }
  return {
    rows: result.rows,
    badRows: result.badRows,
    reasons: result.reasons,
    notes: result.notes,
    unread: result.unread,
    look: result.look,
    lines,
    rejected: result.staged === null ? null : rejectedKey,
  };
}
