// review: the items a person should look at, their answers, and the error rate that answers tell.

import { defineCommand, nounCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag, watchFlag } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { wilson } from "../engine/intervals.ts";
import { parseReviewQuery } from "../workflows/commands.ts";
import { amendReview, answerReview, readReviews } from "../workflows/review.ts";
import { takeRows } from "../../platform/web/remote.ts";
import { auditRates, countReviews } from "../store/reviews.ts";
import { score, type ClassifyServer, type ClassifyTools } from "./tools.ts";

const reviewLimits = { usual: 20, most: 100_000 };
/** Of a page over HTTP: each row's words are read from the sealed file. */
const mostOfPage = 500;

const byArg = { type: "string", description: "the reviewer's name; absent with --server: the one of the token" } as const;

function nameOf(given: string | undefined): string {
  if (given !== undefined) return given;
  throw new StockroomError("input", "USAGE", "Expected --by with the reviewer's name but there is none. Give it.");
}

/** The server knows who signed in; where nobody has to, a name must be given. */
const nameThere = async (server: ClassifyServer): Promise<string> => (await server.callerName()) ?? nameOf(undefined);

export const reviewsCommand = (tools: ClassifyTools): Command =>
  nounCommand(
    { name: "reviews", description: "the items a person should look at: list, answer, amend, rates, counts" },
    {
      list: reviewList(tools),
      answer: reviewAnswer(tools),
      amend: reviewAmend(tools),
      rates: reviewRates(tools),
      counts: reviewCounts(tools),
    },
  );

const reviewList = (tools: ClassifyTools): Command =>
  defineCommand({
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
      watch: watchFlag,
    },
    run: async ({ args }) => {
      const query = parseReviewQuery(args, reviewLimits);
      const { reviews, texts } = await tools.ask(
        async ({ deps }) => ({ reviews: await readReviews(deps, "cli review list", query), texts: deps.settings.columns.text }),
        async (server) => {
          const { line, period, kind, state } = args;
          let names: readonly string[] = [];
          const pages = server.pages("GET /api/classify/review", {
            query: { line, period, kind, state, limit: Math.min(query.limit, mostOfPage) },
          });
          const rows = await takeRows(
            pages,
            (page) => {
              names = page.texts;
              return page.reviews;
            },
            query.limit,
          );
          return { reviews: rows, texts: names };
        },
      );
      if (args.json) {
        tools.print.json(reviews);
        return;
      }
      tools.print.table(
        reviews.map((review) => ({
          review: review.id,
          line: review.line,
          kind: review.kind,
          item: texts
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
  });

const reviewAnswer = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: {
      name: "answer",
      description: "give the right code; it is a label of the line's next training and restates the period's figures",
    },
    args: {
      review: { type: "positional", required: true, description: "its id" },
      code: { type: "positional", required: true, description: "the right code" },
      by: byArg,
    },
    run: async ({ args }) => {
      const { review: id, code } = args;
      const answered = await tools.ask(
        async ({ deps }) => await answerReview(deps, id, code, nameOf(args.by)),
        async (server) =>
          await server.call("POST /api/classify/review/:id", { params: { id }, body: { code, by: args.by ?? (await nameThere(server)) } }),
      );
      tools.print.line(`${answered.id}: ${answered.predicted} -> ${args.code}${answered.predicted === args.code ? " (confirmed)" : ""}`);
    },
  });

const reviewAmend = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: {
      name: "amend",
      description: "correct an answer; the old one stays in the log, figures and labels follow the new one",
    },
    args: {
      review: { type: "positional", required: true, description: "its id (review list --state answered)" },
      code: { type: "positional", required: true, description: "the right code" },
      by: byArg,
      reason: { type: "string", description: "why it is corrected", required: true },
    },
    run: async ({ args }) => {
      const { review: id, code, reason } = args;
      const amended = await tools.ask(
        async ({ deps }) => {
          const word = { code: code.trim(), reviewer: nameOf(args.by).trim(), reason: reason.trim() };
          return await amendReview(deps, id, word);
        },
        async (server) =>
          await server.call("POST /api/classify/review/:id/amend", {
            params: { id },
            body: { code, by: args.by ?? (await nameThere(server)), reason },
          }),
      );
      tools.print.line(
        `${amended.id}: amended to ${code} by ${amended.reviewer ?? ""}; \`classify audit item\` tells what was said before`,
      );
    },
  });

const reviewRates = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: {
      name: "rates",
      description: "the real error rate of automatic decisions, from the audit sample's answers, with 95 % intervals",
    },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const rates = await tools.ask(
        async ({ deps }) => await auditRates(deps.database),
        async (server) =>
          (await server.call("GET /api/classify/review/rates")).rates.map(({ line, answered, wrong }) => ({ line, answered, wrong })),
      );
      tools.print.table(
        rates.map((rate) => {
          const interval = wilson(rate.wrong, rate.answered);
          return { ...rate, error_rate: score(rate.wrong / rate.answered), low: score(interval.low), high: score(interval.high) };
        }),
        { json: args.json, empty: "No audit sample was answered yet. See: stockroom classify reviews list --kind audit" },
      );
    },
  });

const reviewCounts = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "counts", description: "how many wait, by line" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const counts = await tools.ask(
        async ({ deps }) => await countReviews(deps.database),
        async (server) => (await server.call("GET /api/classify/review/counts")).counts,
      );
      tools.print.table(
        counts.map((count) => ({ ...count })),
        { json: args.json, empty: "Nothing was ever queued for review." },
      );
    },
  });
