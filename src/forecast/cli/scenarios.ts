import { jsonFlag, waitFlag, readNumber } from "../../platform/command/flags.ts";
import { defineCommand, nounCommand, type Command } from "../../platform/command/contract.ts";
import { writeFileAtomically } from "../../platform/files/index.ts";
// scenario: questions to a finished forecast of the app, whose answers are kept: what if, why, what to order.

import type { Service } from "../engine/replenish/proposal.ts";
import { compareAnswers } from "../workflows/planning/compare.ts";
import { askExplain } from "../workflows/planning/explain.ts";
import { table } from "../workflows/planning/monitor-job.ts";
import { askReplenish } from "../workflows/planning/replenish.ts";
import { supplyFlags } from "./replenish.ts";
import { askWhatif, readChanges } from "../workflows/planning/whatif.ts";
import { getAnswer, listAnswers, answerKinds, type Answer } from "../store/answers.ts";
import type { Answer as AnswerOfRoute, RoutesOf } from "../../platform/web/remote.ts";
import type * as routes from "../http/contract.ts";
import {
  authorArg,
  authorOf,
  checkGroup,
  download,
  figure,
  follow,
  outArg,
  outcomeOf,
  readTextFile,
  type ForecastApp,
  type ForecastTools,
} from "./app-tools.ts";
import { authorThere, checkGroupThere, scenariosThere } from "./there.ts";

/** As a server sends one. */
type Sent = AnswerOfRoute<RoutesOf<typeof routes>["GET /api/forecast/scenarios/:id"]>["scenario"];

const word = { type: "positional", required: true, description: "a dataset group (its latest forecast) or the id of a forecast" } as const;
const shownRows = 20;
const shownAnswers = 100;

export const scenariosCommand = (tools: ForecastTools): Command =>
  nounCommand(
    {
      name: "scenarios",
      description: `Ask a forecast of this installation: what if, why, what to order; answers are kept and compare
The same question to the same forecast is answered once. Tables lie under forecast/scenarios/.`,
    },
    {
      list: listCommand(tools),
      whatif: whatifCommand(tools),
      explain: explainCommand(tools),
      replenish: replenishCommand(tools),
      show: showCommand(tools),
      compare: compareCommand(tools),
      export: exportCommand(tools),
    },
  );

/** A question that is under way. */
interface Asked {
  /** The id of its answer. */
  readonly scenario: string;
  /** The durable run that finds it. */
  readonly run: string;
}

/** Starts a question and, when it was waited for, tells the answer. */
async function ask(
  tools: ForecastTools,
  { scenario: answer, run: runId }: Asked,
  options: { readonly wait: boolean; readonly json: boolean },
): Promise<void> {
  if (!options.wait) {
    await follow(tools, runId, { ...options, more: { scenario: answer } });
    if (!options.json) tools.print.line(`its answer will be \`stockroom forecast scenarios show ${answer}\``);
    return;
  }
  const outcome = await outcomeOf(tools, runId);
  if (outcome.kind !== "done") {
    await follow(tools, runId, { ...options, more: { scenario: answer } });
    return;
  }
  printAnswer(tools, await findAnswer(tools, answer), options.json);
}

/** Starts a question that was made ready here. */
async function startQuestion(
  app: ForecastApp,
  workflow: string,
  { input, id, answer }: { readonly input: unknown; readonly id: string; readonly answer: string },
): Promise<Asked> {
  // The engine checks that inputs are JSON.
  return { scenario: answer, run: await app.workflows.start(workflow, input, { id }) };
}

const findAnswer = async (tools: ForecastTools, id: string) =>
  await tools.ask(
    async ({ deps }) => await getAnswer(deps.database, id),
    async (server) => (await server.call("GET /api/forecast/scenarios/:id", { params: { id } })).scenario,
  );

const shellAuthor = (): string => authorOf(undefined);

const whatifCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: {
      name: "whatif",
      description: `Forecast once more under other prices, promotions or holidays, beside the forecast that was made
Examples:
  stockroom forecast scenarios whatif retail --set "price *= 0.9 where category = juice and timestamp >= 2026-07-01" --wait
Changes apply to what lies ahead: =, +=, -=, *=, /= a number, or a share with %.`,
    },
    args: {
      forecast: word,
      set: { type: "string", description: "changes, separated by semicolons", valueHint: "CHANGES" },
      file: { type: "string", description: "changes as TimeSeriesTransformations (JSON)", valueHint: "FILE" },
      author: authorArg,
      wait: waitFlag,
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const json = args.file === undefined ? undefined : await readTextFile(args.file, "changes");
      const changes = readChanges(args.set, json);
      const said = [args.set, args.file === undefined ? undefined : `changes of ${args.file}`]
        .filter((part) => part !== undefined)
        .join("; ");
      const { forecast, author, set } = args;
      const asked = await tools.ask(
        async (app) =>
          await startQuestion(app, "forecast.whatif", await askWhatif(app.deps, forecast, { changes, said, author: authorOf(author) })),
        async (server) =>
          await server.call("POST /api/forecast/scenarios/whatif", {
            body: { forecast, author: await authorThere(server, author, shellAuthor), set, changes: listOf(json) },
          }),
      );
      await ask(tools, asked, args);
    },
  });

const explainCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "explain", description: "What each attribute does to the forecast: for one item, or for all (a sample of many)" },
    args: {
      forecast: word,
      item: { type: "string", description: "an item_id; absent: all items", valueHint: "ITEM" },
      author: authorArg,
      wait: waitFlag,
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { forecast, author, item } = args;
      const asked = await tools.ask(
        async (app) => await startQuestion(app, "forecast.explain", await askExplain(app.deps, forecast, item ?? null, authorOf(author))),
        async (server) =>
          await server.call("POST /api/forecast/scenarios/explain", {
            body: { forecast, author: await authorThere(server, author, shellAuthor), item },
          }),
      );
      await ask(tools, asked, args);
    },
  });

const replenishCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: {
      name: "replenish",
      description: `Propose orders from the forecast (the planners', where they said something) and forecast/stock/<group>.csv
docs/how-to/forecast-planning.md lists the columns of stock; forecast/stock/<group>.orders.csv may hold what is on its way.`,
    },
    args: {
      forecast: word,
      ...supplyFlags,
      author: authorArg,
      wait: waitFlag,
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const fill = args["fill-rate"];
      const service: Service =
        fill === undefined
          ? { kind: "cycle", level: readNumber("--service-level", args["service-level"], { above: 0, below: 1 }) }
          : { kind: "fill", level: readNumber("--fill-rate", fill, { above: 0, below: 1 }) };
      const defaults = {
        leadTime: readNumber("--lead-time", args["lead-time"]),
        reviewPeriod: readNumber("--review-period", args["review-period"]),
        service,
      };
      const { forecast, author } = args;
      const asked = await tools.ask(
        async (app) => await startQuestion(app, "forecast.replenish", await askReplenish(app.deps, forecast, defaults, authorOf(author))),
        async (server) =>
          await server.call("POST /api/forecast/scenarios/replenish", {
            body: { forecast, author: await authorThere(server, author, shellAuthor), ...defaults },
          }),
      );
      await ask(tools, asked, args);
    },
  });

const listCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "list", description: "What was asked, newest first" },
    args: { group: { type: "positional", required: false, description: "only of this group" }, json: jsonFlag },
    run: async ({ args }) => {
      const { group } = args;
      const found = await tools.ask(
        async ({ deps }) => {
          await checkGroup(deps.database, group);
          const kinds = answerKinds.filter((kind) => kind !== "monitor");
          return await listAnswers(deps.database, { kinds, limit: shownAnswers, ...(group === undefined ? {} : { group }) });
        },
        async (server) => {
          await checkGroupThere(server, group);
          return await scenariosThere(server, { group }, Number.POSITIVE_INFINITY);
        },
      );
      const answers = found.flatMap((answer) => (answer.kind === "monitor" ? [] : [answer])).slice(0, shownAnswers);
      if (args.json) {
        tools.print.json(answers);
        return;
      }
      tools.print.table(
        answers.map((answer) => ({
          scenario: answer.id,
          kind: answer.kind,
          group: answer.group,
          forecast: answer.run,
          question: answer.title,
          answer: inShort(answer),
          author: answer.author,
          at: answer.at,
        })),
        { json: false, empty: "Nothing was asked yet. `stockroom forecast scenarios --help` says how." },
      );
    },
  });

type Shown = Answer | Sent;

function inShort(answer: Exclude<Shown, { readonly kind: "monitor" }>): string {
  switch (answer.kind) {
    case "whatif": {
      const percent = figure(answer.summary.percent);
      return percent === undefined ? "" : `${percent >= 0 ? "+" : ""}${percent} %`;
    }
    case "replenish":
      return `${answer.summary.orders} orders`;
    case "explain":
      return `${answer.summary.series} series`;
    default:
      return answer satisfies never;
  }
}

const showCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "show", description: "One answer" },
    args: { scenario: { type: "positional", required: true, description: "its id" }, json: jsonFlag },
    run: async ({ args }) => {
      printAnswer(tools, await findAnswer(tools, args.scenario), args.json);
    },
  });

function printAnswer(tools: ForecastTools, answer: Shown, json: boolean): void {
  const { print } = tools;
  if (json) {
    print.json(answer);
    return;
  }
  print.line(`${answer.id}: ${answer.kind} of ${answer.run}, ${answer.title} (${answer.author}, ${answer.at})`);
  for (const [name, value] of Object.entries(answer.summary)) {
    if (Array.isArray(value)) continue;
    print.line(`${name}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`);
  }
  if (answer.kind === "whatif") for (const warning of answer.summary.warnings) print.say(`note: ${warning}`);
  if (answer.kind === "explain") {
    print.table(
      answer.summary.attributes.map(({ attribute, score, strength, impact }) => ({
        attribute,
        score: figure(score),
        strength: figure(strength),
        units: figure(impact),
      })),
      { json: false, empty: "The model uses no attribute." },
    );
  }
  for (const [name, ref] of Object.entries(answer.exports)) print.line(`${name}: ${ref.key}`);
}

const compareCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: {
      name: "compare",
      description: `Answers to questions of one kind side by side, series by series
Examples:
  stockroom forecast scenarios compare 3f2a81c0d9e4 91b7c2d3a0f5 --out both.csv`,
    },
    args: {
      scenarios: { type: "positional", required: true, description: "their ids", valueHint: "ID..." },
      out: { type: "string", description: "also write all rows to this file", valueHint: "FILE" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { answers, value, rows } = await tools.ask(
        async ({ deps }) => await compareAnswers(deps, "cli forecast scenario compare", args._),
        async (server) => {
          const found = await server.call("GET /api/forecast/scenarios/compare", { query: { ids: args._.join(",") } });
          return {
            answers: found.scenarios,
            value: found.value,
            rows: found.rows.map(({ name, values }) => ({ name, values: values.map((each) => each ?? undefined) })),
          };
        },
      );
      if (args.out !== undefined) {
        await writeFileAtomically(
          args.out,
          table(
            ["name", ...answers.map(({ id }) => id)],
            rows.map(({ name, values }) => [name, ...values.map((each) => each ?? null)]),
          ),
        );
      }
      if (args.json) {
        tools.print.json({ value, scenarios: answers, rows });
        return;
      }
      for (const answer of answers) tools.print.line(`${answer.id}: ${answer.title} (${answer.run})`);
      tools.print.line(`${value} by series:`);
      const spread = (values: readonly (number | undefined)[]): number => {
        const known = values.filter((each) => each !== undefined);
        return Math.max(...known) - Math.min(...known);
      };
      const shown = rows.toSorted((a, b) => spread(b.values) - spread(a.values)).slice(0, shownRows);
      tools.print.table(
        shown.map(({ name, values }) => ({ name, ...Object.fromEntries(answers.map(({ id }, at) => [id, figure(values[at])])) })),
        { json: false, empty: "There is no series." },
      );
      if (rows.length > shown.length) tools.print.line(`and ${rows.length - shown.length} more; --out writes all of them`);
    },
  });

const exportCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "export", description: "Write the tables of an answer, decrypted, into a folder" },
    args: { scenario: { type: "positional", required: true, description: "its id" }, out: { ...outArg, required: true }, json: jsonFlag },
    run: async ({ args }) => {
      const { id, exports } = await findAnswer(tools, args.scenario);
      const written = await download(tools, `scenario export ${id}`, { kind: "scenarios", id, exports }, args.out);
      if (args.json) tools.print.json({ scenario: id, out: args.out, files: written });
      else tools.print.line(`${args.out}: ${written.length} files of ${id}`);
    },
  });

/** Changes of a file, which `readChanges` has read before, as a list. */
function listOf(json: string | undefined): unknown[] | undefined {
  if (json === undefined) return undefined;
  const changes: unknown = JSON.parse(json);
  return Array.isArray(changes) ? changes : [changes];
}
