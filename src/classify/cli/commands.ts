// The commands of the module that need the app: lines, models, verdicts, extract, train, compare, infer, schemes, review, report, audit.
//
// Each opens the app as a client: it may start runs, which an `up` or a `worker` carries out; with `--wait` it stays until they end.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag, waitFlag } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { wilson } from "../engine/intervals.ts";
import { parsePeriod } from "../engine/lines.ts";
import { adoptRows, findAudit, verifyAuditLog } from "../workflows/audit.ts";
import {
  checkProof,
  parseAnchor,
  parseCountry,
  parseLimit,
  parseMoment,
  parseReviewQuery,
  planCompare,
  planExtract,
  planInfer,
  planTrain,
  readReport,
  type PlannedRun,
  type ShownFigure,
  type ShownReport,
} from "../workflows/commands.ts";
import type { ClassifyDeps } from "../workflows/deps.ts";
import { listRejected } from "../workflows/rejected.ts";
import { writeReport } from "../workflows/report.ts";
import { recodePeriod } from "../workflows/recode.ts";
import { amendReview, answerReview, readReviews } from "../workflows/review.ts";
import { importSchemes } from "../workflows/schemes.ts";
import { exportAudit, findHead } from "../store/audit.ts";
import { currentInferences, listPeriods } from "../store/inferences.ts";
import { getLine, listLines, listModels, listVerdicts } from "../store/lines.ts";
import { listRevisions } from "../store/reports.ts";
import { auditRates, countReviews, getReview } from "../store/reviews.ts";
import { listSchemes } from "../store/schemes.ts";
import { championCommand } from "./champion.ts";
import type { ClassifyApp, ClassifyTools } from "./tools.ts";

const reviewLimits = { usual: 20, most: 100_000 };

/** The commands by name, to be mounted under `stockroom classify`. */
export function makeAppCommands(tools: ClassifyTools): Record<string, Command> {
  return {
    lines: linesCommand(tools),
    models: modelsCommand(tools),
    verdicts: verdictsCommand(tools),
    champion: championCommand(tools),
    extract: extractCommand(tools),
    train: trainCommand(tools),
    compare: compareCommand(tools),
    infer: inferCommand(tools),
    schemes: schemesCommand(tools),
    review: reviewCommand(tools),
    report: reportCommand(tools),
    rejected: rejectedCommand(tools),
    audit: auditCommand(tools),
  };
}

const score = (value: unknown): number | undefined => (typeof value === "number" ? Math.round(value * 10_000) / 10_000 : undefined);

const linesCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "lines", description: "every line (country and scheme) with its champion" },
    args: { date: { type: "string", description: "who was champion on this day (or moment), ISO" }, json: jsonFlag },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      const at = args.date === undefined ? undefined : parseMoment(args.date);
      const lines = await listLines(deps.database, at === undefined ? {} : { at });
      tools.print.table(
        lines.map((line) => ({
          line: line.line,
          country: line.country,
          scheme: line.scheme,
          models: line.models,
          champion: line.champion,
          since: line.championSince,
          macro_f1: score(line.macroF1),
          coverage: score(line.coverage),
          last_verdict: line.lastVerdict,
          automatic: line.automatic ? "" : "off",
          ...(args.json ? { why_nothing_automatic: line.whyNothing ?? null } : {}),
        })),
        { json: args.json, empty: "No line yet. Put labelled items: stockroom put FILE classify/labelled/COUNTRY/NAME.csv" },
      );
      for (const line of lines)
        if (line.whyNothing !== undefined) tools.print.say(`${line.line} decides nothing by itself: ${line.whyNothing}`);
    },
  });

const modelsCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "models", description: "the models of a line (or of all)" },
    args: { line: { type: "positional", required: false, description: "e.g. GBR-UK15" }, json: jsonFlag },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      if (args.line !== undefined) await getLine(deps.database, args.line);
      const champions = new Set((await listLines(deps.database)).map((line) => line.champion));
      const models = await listModels(deps.database, args.line);
      if (args.json) {
        tools.print.json(models.map((model) => ({ ...model, champion: champions.has(model.id) })));
        return;
      }
      tools.print.table(
        models.map((model) => ({
          model: model.id,
          line: model.line,
          trained_at: model.trainedAt,
          rows: model.counts["learn"],
          classes: model.counts["classes"],
          scheme_version: model.schemeVersion,
          macro_f1: score(model.metrics["macro_f1"]),
          trials: model.trials.length,
          champion: champions.has(model.id) ? "yes" : "",
        })),
        { json: false, empty: "No model yet." },
      );
    },
  });

const verdictsCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "verdicts", description: "what the gate decided, with its reasons; also who was champion on a date" },
    args: {
      line: { type: "positional", required: false, description: "e.g. GBR-UK15" },
      date: { type: "string", description: "only verdicts up to this day (or moment), ISO" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      if (args.line !== undefined) await getLine(deps.database, args.line);
      const until = args.date === undefined ? undefined : Date.parse(parseMoment(args.date));
      const verdicts = (await listVerdicts(deps.database, args.line)).filter(
        (verdict) => until === undefined || Date.parse(verdict.at) <= until,
      );
      if (args.json) {
        tools.print.json(verdicts);
        return;
      }
      tools.print.table(
        verdicts.map((verdict) => ({
          line: verdict.line,
          at: verdict.at,
          decision: verdict.decision,
          promoted: verdict.promoted,
          challenger: verdict.challenger,
          champion: verdict.champion,
          reason: verdict.reason,
        })),
        { json: false, empty: "No verdict yet." },
      );
    },
  });

/** Starts a run and, when asked, waits for it; prints what came of it. */
async function startRun(
  tools: ClassifyTools,
  app: ClassifyApp,
  workflow: string,
  input: unknown,
  id: string,
  waits: boolean,
): Promise<boolean> {
  // The engine checks that inputs are JSON; the commands make them of strings alone.
  const runId = await app.workflows.start(workflow, input, { id });
  if (!waits) {
    tools.print.line(
      `queued ${runId}; \`stockroom up\` or \`stockroom worker\` carries it out, \`stockroom runs show '${runId}'\` tells how it goes`,
    );
    return true;
  }
  const outcome = await app.workflows.outcome(runId, { signal: tools.signal });
  if (outcome.kind === "done") tools.print.line(`done ${runId}: ${JSON.stringify(outcome.value)}`);
  else if (outcome.kind === "failed") tools.print.line(`failed ${runId}: ${outcome.error.message} (${outcome.error.code})`);
  else tools.print.line(`cancelled ${runId}`);
  return outcome.kind === "done";
}

async function startRuns(tools: ClassifyTools, runs: readonly PlannedRun[], waits: boolean): Promise<void> {
  const app = await tools.open();
  const ended: boolean[] = [];
  for (const run of runs) ended.push(await startRun(tools, app, run.workflow, run.input, run.id, waits));
  if (ended.some((good) => !good)) tools.exitWith(3);
}

const extractCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: {
      name: "extract",
      description: "run an extraction of the settings (classify.extracts): a query's rows become sealed objects, one a country",
    },
    args: {
      name: { type: "positional", required: false, description: "which; absent: all" },
      period: { type: "string", description: "fills $period, e.g. 2026-10; absent: last month" },
      wait: waitFlag,
    },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      await startRuns(tools, planExtract(deps, args), args.wait);
    },
  });

const trainCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "train", description: "train lines again on all their current labelled files (and all answers of reviewers)" },
    args: { line: { type: "string", description: "only this line" }, wait: waitFlag },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      const runs = await planTrain(deps, args);
      if (runs.length === 0) tools.print.line("No line yet: nothing to train.");
      await startRuns(tools, runs, args.wait);
    },
  });

const compareCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "compare", description: "compare models with their champions on unseen items (done by itself after every training)" },
    args: {
      line: { type: "string", description: "only this line" },
      model: { type: "string", description: "only this model" },
      wait: waitFlag,
    },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      const runs = await planCompare(deps, args);
      if (runs.length === 0) tools.print.line("No model yet: nothing to compare.");
      await startRuns(tools, runs, args.wait);
    },
  });

const inferCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "infer", description: "code a period's sales again with today's champions (done by itself when sales arrive)" },
    args: {
      period: { type: "string", required: true, description: "e.g. 2026-10" },
      line: { type: "string", description: "only this line" },
      wait: waitFlag,
    },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      await startRuns(tools, await planInfer(deps, args), args.wait);
    },
  });

const schemesCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "schemes", description: "rule books as dated data: import, list, recode a period by mappings" },
    subCommands: {
      import: defineCommand({
        meta: {
          name: "import",
          description: "import scheme files (YAML, JSON, CSV tables); all problems are told at once and then nothing is imported",
        },
        args: {
          files: { type: "positional", required: true, valueHint: "FILE...", description: "scheme files, all read together" },
          json: jsonFlag,
        },
        run: async ({ args }) => {
          const { deps } = await tools.open();
          const files = await Promise.all(args._.map(async (file) => ({ name: path.basename(file), bytes: await readInput(file) })));
          const imported = await importSchemes(deps, files, `cli ${files.map((file) => file.name).join(", ")}`);
          for (const warning of imported.warnings) tools.print.say(`note: ${warning}`);
          tools.print.table(
            imported.schemes.map((scheme) => ({ scheme: scheme.scheme, revision: scheme.revision, changed: scheme.isNew })),
            { json: args.json, empty: "The files held no scheme." },
          );
        },
      }),
      list: defineCommand({
        meta: { name: "list", description: "every scheme with its versions" },
        args: { json: jsonFlag },
        run: async ({ args }) => {
          const { deps } = await tools.open();
          const schemes = await listSchemes(deps.database);
          tools.print.table(
            schemes.flatMap((revision) =>
              revision.scheme.versions.map((version) => ({
                scheme: revision.scheme.scheme,
                version: version.version,
                valid_from: version.validFrom,
                valid_to: version.validTo ?? "",
                codes: version.codes.length,
                revision: revision.revision,
                imported_at: revision.importedAt,
              })),
            ),
            { json: args.json, empty: "No scheme yet. See docs/classify-data.md for the file format." },
          );
        },
      }),
      recode: defineCommand({
        meta: {
          name: "recode",
          description: "write a period's predictions in another version's codes, by the mappings; the first codes stay as they are",
        },
        args: {
          period: { type: "string", required: true, description: "e.g. 2026-10" },
          scheme: { type: "string", description: "only this scheme" },
          to: { type: "string", description: "version; absent: the newest" },
          json: jsonFlag,
        },
        run: async ({ args }) => {
          const { deps } = await tools.open();
          const recoded = await recodePeriod(
            deps,
            "cli recode",
            { period: parsePeriod(args.period), scheme: args.scheme, to: args.to },
            tools.signal,
          );
          tools.print.table(
            recoded.map((one) => ({ ...one })),
            { json: args.json, empty: `No predictions of ${args.period} to recode.` },
          );
        },
      }),
    },
  });

async function readInput(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new StockroomError(
      "missing",
      "FILE_MISSING",
      `Expected a file at ${file} but it cannot be read. Check the path and its permissions.`,
      { cause: error },
    );
  }
}

const reviewCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "review", description: "the items a person should look at" },
    subCommands: {
      list: defineCommand({
        meta: { name: "list", description: "the heaviest first, with the item's own words and what spoke for the code" },
        args: {
          line: { type: "string", description: "only this line" },
          period: { type: "string", description: "only this period" },
          kind: {
            type: "string",
            description: "low (not sure enough), audit (drawn at random), former or recode (a former answer does not carry over)",
          },
          state: { type: "string", description: "waiting (default) or answered" },
          limit: { type: "string", description: "how many (default 20)", default: "20" },
          json: jsonFlag,
        },
        run: async ({ args }) => {
          const { deps } = await tools.open();
          const reviews = await readReviews(deps, "cli review list", parseReviewQuery(args, reviewLimits));
          if (args.json) {
            tools.print.json(reviews);
            return;
          }
          tools.print.table(
            reviews.map((review) => ({
              review: review.id,
              line: review.line,
              kind: review.kind,
              item: deps.settings.columns.text
                .map((name) => review.item[name] ?? "")
                .filter((text) => text !== "")
                .join(" | ")
                .slice(0, 70),
              ...(args.state === "answered" ? { answer: review.answer, reviewer: review.reviewer } : {}),
              former_answer: review.former === undefined ? undefined : `${review.former.answer} (${review.former.schemeVersion})`,
              predicted: review.predicted,
              probability: score(review.probability),
              runner_up: review.runnerUp,
              reason: review.reason,
              units: review.units,
              evidence: review.evidence.slice(0, 40),
            })),
            { json: false, empty: "Nothing waits for review." },
          );
        },
      }),
      answer: defineCommand({
        meta: {
          name: "answer",
          description: "give the right code; it is a label of the line's next training and restates the period's figures",
        },
        args: {
          review: { type: "positional", required: true, description: "its id" },
          code: { type: "positional", required: true, description: "the right code" },
          by: { type: "string", description: "the reviewer's name", required: true },
        },
        run: async ({ args }) => {
          const { deps } = await tools.open();
          const answered = await answerReview(deps, args.review, args.code, args.by);
          tools.print.line(
            `${answered.id}: ${answered.predicted} -> ${args.code}${answered.predicted === args.code ? " (confirmed)" : ""}`,
          );
        },
      }),
      amend: defineCommand({
        meta: {
          name: "amend",
          description: "correct an answer; the old one stays in the log, figures and labels follow the new one",
        },
        args: {
          review: { type: "positional", required: true, description: "its id (review list --state answered)" },
          code: { type: "positional", required: true, description: "the right code" },
          by: { type: "string", description: "the reviewer's name", required: true },
          reason: { type: "string", description: "why it is corrected", required: true },
        },
        run: async ({ args }) => {
          const { deps } = await tools.open();
          const before = await getReview(deps.database, args.review);
          const word = { code: args.code.trim(), reviewer: args.by.trim(), reason: args.reason.trim() };
          const amended = await amendReview(deps, args.review, word);
          tools.print.line(`${amended.id}: ${before.answer ?? ""} (by ${before.reviewer ?? ""}) -> ${args.code}, amended by ${args.by}`);
        },
      }),
      rates: defineCommand({
        meta: {
          name: "rates",
          description: "the real error rate of automatic decisions, from the audit sample's answers, with 95 % intervals",
        },
        args: { json: jsonFlag },
        run: async ({ args }) => {
          const { deps } = await tools.open();
          const rates = await auditRates(deps.database);
          tools.print.table(
            rates.map((rate) => {
              const interval = wilson(rate.wrong, rate.answered);
              return { ...rate, error_rate: score(rate.wrong / rate.answered), low: score(interval.low), high: score(interval.high) };
            }),
            { json: args.json, empty: "No audit sample was answered yet. See: stockroom classify review list --kind audit" },
          );
        },
      }),
      counts: defineCommand({
        meta: { name: "counts", description: "how many wait, by line" },
        args: { json: jsonFlag },
        run: async ({ args }) => {
          const { deps } = await tools.open();
          const counts = await countReviews(deps.database);
          tools.print.table(
            counts.map((count) => ({ ...count })),
            { json: args.json, empty: "Nothing was ever queued for review." },
          );
        },
      }),
    },
  });

const reportCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: {
      name: "report",
      description: "items, units and kg by country, scheme and code, with margins; restatements beside the first figures",
    },
    args: {
      period: { type: "string", description: "e.g. 2026-10; absent: which periods there are" },
      country: { type: "string", description: "e.g. GBR" },
      revision: { type: "string", description: "an earlier revision (needs --country); absent: the newest" },
      restate: { type: "boolean", description: "write a new revision now if answers or codings have changed the figures", default: false },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      if (args.period === undefined) {
        tools.print.table(
          (await listPeriods(deps.database)).map((period) => ({ ...period })),
          { json: args.json, empty: "No period was coded yet." },
        );
        return;
      }
      const asked = { period: args.period, country: args.country, revision: args.revision };
      if (args.restate) await restate(deps, asked);
      const { period, reports, unreported } = await readReport(deps, asked);
      const rows = reports.flatMap((report) => report.figures.map((figure) => reportRow(report, figure)));
      const notes = [
        ...unreported.map((country) => `${country}: no report yet; it is written when every line of the country has coded the period`),
        ...reports.flatMap(({ country, revision, reason, revisions, outdated, waits, twice, models }) => [
          ...models.map(({ line, model }) => `${line}: coded by ${model}`),
          ...twice.map((one) => `${country}: ${one}`),
          ...(waits.length > 0 ? [`${country}: the figures stay as they are until these are coded: ${waits.join("; ")}`] : []),
          ...(revision > 0 ? [`${country}: restated, revision ${revision}: ${reason}`] : []),
          ...(outdated && waits.length === 0
            ? [
                `${country}: answers or codings since revision ${revisions.at(-1)?.revision ?? 0} change the figures; \`--restate\` (or tonight's schedule) writes the next revision`,
              ]
            : []),
        ]),
      ];
      if (args.json) tools.print.json({ period, figures: rows, notes });
      else {
        tools.print.table(rows, {
          json: false,
          empty: `Nothing coded for ${period}${args.country === undefined ? "" : ` in ${args.country}`}.`,
        });
        for (const note of notes) tools.print.say(note);
      }
    },
  });

/** Writes the next revision of a period's country, or of all its countries, where the figures have changed. */
async function restate(deps: ClassifyDeps, asked: { readonly period: string; readonly country?: string | undefined }): Promise<void> {
  const period = parsePeriod(asked.period);
  const wanted = asked.country === undefined ? undefined : parseCountry(asked.country);
  const countries = new Set([
    ...(await currentInferences(deps.database, period, wanted)).map((row) => row.country),
    ...(await listRevisions(deps.database, period, wanted)).map((row) => row.country),
  ]);
  for (const country of [...countries].toSorted()) await writeReport(deps, "cli report", period, country);
}

const reportRow = ({ country, revision }: ShownReport, figure: ShownFigure) => ({
  country,
  scheme: figure.scheme,
  version: figure.schemeVersion,
  code: figure.code,
  items: figure.items,
  "±items": figure.itemsMargin,
  units: figure.units,
  "±units": figure.unitsMargin,
  kg: figure.kg,
  "±kg": figure.kgMargin,
  returned_units: figure.returnedUnits,
  returned_kg: figure.returnedKg,
  revision,
  first_items: figure.first?.items ?? null,
  first_kg: figure.first?.kg ?? null,
});

const rejectedCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: {
      name: "rejected",
      description: "the rows of a period's sales that were set apart and are in no figure, with line, column and reason",
    },
    args: {
      period: { type: "string", required: true, description: "e.g. 2026-10" },
      country: { type: "string", description: "only this country" },
      limit: { type: "string", description: "how many (default 100)", default: "100" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      const limit = parseLimit(args.limit, 100_000);
      const { rows, total } = await listRejected(deps, "cli rejected", { period: args.period, country: args.country, limit });
      tools.print.table(
        rows.map((row) => ({ ...row })),
        { json: args.json, empty: `No row of ${args.period} was set apart.` },
      );
      if (total > rows.length) tools.print.say(`${total - rows.length} more; raise --limit.`);
    },
  });

const auditCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "audit", description: "the append-only log of what was decided, and its proof" },
    subCommands: {
      verify: defineCommand({
        meta: {
          name: "verify",
          description:
            "check the chain, every table's rows against it, and every object it names; tells what was changed, taken out or put in",
        },
        args: {
          anchor: { type: "string", description: "SEQ:HASH from an earlier `audit head`, kept outside" },
          json: jsonFlag,
        },
        run: async ({ args }) => {
          const { deps } = await tools.open();
          const anchors = args.anchor === undefined ? [] : [parseAnchor(args.anchor)];
          const proof = await verifyAuditLog(deps, "cli audit verify", tools.signal, anchors);
          if (args.json) tools.print.json(proof);
          else for (const line of proof.lines) tools.print.line(line);
          checkProof(proof);
        },
      }),
      head: defineCommand({
        meta: { name: "head", description: "where the log ends, as SEQ:HASH: keep it outside, give it to `verify --anchor` later" },
        run: async () => {
          const { deps } = await tools.open();
          const head = await findHead(deps.database);
          tools.print.line(head === undefined ? "0:none" : `${head.seq}:${head.hash}`);
        },
      }),
      adopt: defineCommand({
        meta: {
          name: "adopt",
          description:
            "vouch by hand for rows the log does not vouch for, as they stand: after an upgrade or a repair; told by `verify` ever after",
        },
        args: {
          by: { type: "string", description: "who vouches", required: true },
          reason: { type: "string", description: "why", required: true },
        },
        run: async ({ args }) => {
          const { deps } = await tools.open();
          const count = await adoptRows(deps, args.by, args.reason, tools.signal);
          tools.print.line(count === 0 ? "The log vouches for every row already." : `${count} rows are vouched for by ${args.by}.`);
        },
      }),
      export: defineCommand({
        meta: { name: "export", description: "the whole log as JSON lines, with what is needed to verify it elsewhere" },
        run: async () => {
          const { deps } = await tools.open();
          for await (const record of exportAudit(deps.database)) tools.print.line(JSON.stringify(record));
        },
      }),
      item: defineCommand({
        meta: {
          name: "item",
          description: "everything decided about one item: code, model, scheme version, probability, evidence, reviewer",
        },
        args: {
          id: { type: "positional", required: true, description: "the item's id" },
          period: { type: "string", required: true, description: "e.g. 2026-10" },
          json: jsonFlag,
        },
        run: async ({ args }) => {
          const { deps } = await tools.open();
          const found = await findAudit(deps, "cli audit item", args.id, parsePeriod(args.period), tools.signal);
          if (args.json) {
            tools.print.json(found);
            return;
          }
          tools.print.table(
            found.map((one) => ({ ...one, answers: one.answers.join("; ") })),
            { json: false, empty: `No prediction for item ${args.id} in ${args.period}.` },
          );
        },
      }),
    },
  });
