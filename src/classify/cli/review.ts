// review: the items a person should look at, their answers, and the error rate that answers tell.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag, watchFlag } from "../../platform/command/flags.ts";
import { wilson } from "../engine/intervals.ts";
import { parseReviewQuery } from "../workflows/commands.ts";
import { amendReview, answerReview, readReviews } from "../workflows/review.ts";
import { auditRates, countReviews, getReview } from "../store/reviews.ts";
import { score, type ClassifyTools } from "./tools.ts";

const reviewLimits = { usual: 20, most: 100_000 };

export const reviewCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "review", description: "the items a person should look at" },
    subCommands: {
      list: reviewList(tools),
      answer: reviewAnswer(tools),
      amend: reviewAmend(tools),
      rates: reviewRates(tools),
      counts: reviewCounts(tools),
    },
  });

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
      by: { type: "string", description: "the reviewer's name", required: true },
    },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      const answered = await answerReview(deps, args.review, args.code, args.by);
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
  });

const reviewRates = (tools: ClassifyTools): Command =>
  defineCommand({
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
  });

const reviewCounts = (tools: ClassifyTools): Command =>
  defineCommand({
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
  });
