// Pages: the module for people without the console. Plain pages and forms; they work without any script.
//
//   P1. What goes wrong in a page is told as a page with the error's words and code; who may not enter at all is answered by the server.
//   P2. After an answer the browser is sent back to the queue, so that loading again answers nothing twice.

import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { StockroomError } from "../../../platform/errors.ts";
import { speakerOf } from "../../../platform/web/caller.ts";
import { takeForms } from "../../../platform/web/forms.ts";
import { servePage } from "../../../platform/web/route.ts";
import { makeShown } from "../../../platform/web/shown.ts";
import { parseLine } from "../../engine/lines.ts";
import { ruleOnHeld, setAutomatic, setChampion } from "../../workflows/champions.ts";
import { parseReviewQuery, readReport } from "../../workflows/commands.ts";
import type { ClassifyDeps } from "../../workflows/deps.ts";
import { amendReview, answerReview, readReviews } from "../../workflows/review.ts";
import { listPeriods } from "../../store/inferences.ts";
import { listAutomatic, listChampions, listHeld } from "../../store/champions.ts";
import { listLines, listModels } from "../../store/lines.ts";
import { listReported } from "../../store/reports.ts";
import { countReviews, getReview } from "../../store/reviews.ts";
import { line as text, readFields } from "../fields.ts";
import { championsPage } from "./champions.ts";
import { readCodeBook } from "./codes.ts";
import { checkForm, formToken, insertReviewer, reviewerOf } from "./forms.ts";
import { page } from "./frame.ts";
import { overviewPage } from "./overview.ts";
import { reportPage } from "./report.ts";
import { reviewHref, reviewPage } from "./review.ts";

const reviewLimits = { usual: 10, most: 100 };

/** What a form of a browser leaves empty was not chosen. */
const chosen = text()
  .optional()
  .transform((value) => (value === "" ? undefined : value));
const filter = { line: chosen, period: chosen, kind: chosen, state: chosen, limit: chosen };
const nothing = z.strictObject({});
const reportQuery = z.strictObject({ period: text(), country: chosen, revision: chosen });
const reviewQuery = z.strictObject({ ...filter, done: text(2_000).optional() });
const nameForm = z.strictObject({ ...filter, token: text(), by: text(100) });
/** Whose word it is: for whoever signed in it does not come with the form. */
const by = text(100).optional();
const saidBy = ({ caller }: FastifyRequest, given: string | undefined): string => speakerOf(caller, given)?.trim() ?? "";
/** With a reason it amends the answer that stands. */
const answerForm = z.strictObject({
  ...filter,
  token: text(),
  by,
  review: text(2_000),
  code: text(),
  reason: text(1_000).optional(),
});

const said = { token: text(), reason: text(2_000), by };
const setForm = z.strictObject({ ...said, line: text(), model: text() });
const heldForm = z.strictObject({ ...said, verdict: text(2_000), ruling: z.enum(["approved", "rejected"]) });
const automaticForm = z.strictObject({ ...said, line: text(), state: z.enum(["on", "off"]) });

/** Mounts /classify, /classify/review and /classify/report, in a scope where a body may be a form. */
export async function mountPages(server: FastifyInstance, deps: ClassifyDeps): Promise<void> {
  const { database, vault } = deps;
  await server.register(async (scope) => {
    takeForms(scope);

    servePage(
      scope,
      { method: "GET", path: "/classify", needs: "viewer" },
      shown("/classify", async (request) => {
        readFields("query", nothing, request.query);
        const [lines, periods, reported, reviews] = await Promise.all([
          listLines(database),
          listPeriods(database),
          listReported(database),
          countReviews(database),
        ]);
        return { title: "Classification", body: overviewPage({ lines, periods, reported, reviews }) };
      }),
    );

    servePage(
      scope,
      { method: "GET", path: "/classify/report", needs: "viewer" },
      shown("", async (request) => {
        const report = await readReport(deps, readFields("query", reportQuery, request.query));
        const schemes = report.reports.flatMap(({ figures }) => figures.map((figure) => figure.scheme));
        return { title: `Report of ${report.period}`, body: reportPage(report, await readCodeBook(database, schemes)) };
      }),
    );

    servePage(
      scope,
      { method: "GET", path: "/classify/review", needs: "reviewer" },
      shown("/classify/review", async (request, reply) => {
        const { done, ...asked } = readFields("query", reviewQuery, request.query);
        const query = parseReviewQuery(asked, reviewLimits);
        const reviews = await readReviews(deps, "http GET /classify/review", query);
        const [book, counts, periods] = await Promise.all([
          readCodeBook(
            database,
            reviews.map((review) => parseLine(review.line).scheme),
          ),
          countReviews(database),
          listPeriods(database),
        ]);
        const waiting = counts.filter(
          (row) => row.state === query.state && (query.kind ?? row.kind) === row.kind && (query.line ?? row.line) === row.line,
        );
        const body = reviewPage({
          reviews,
          book,
          filter: asked,
          lines: [...new Set(counts.map((row) => row.line))],
          periods: periods.map((row) => row.period),
          waiting: query.period === undefined ? waiting.reduce((sum, row) => sum + row.count, 0) : undefined,
          textColumns: deps.settings.columns.text,
          saidColumns: [deps.settings.columns.units, deps.settings.columns.kg],
          reviewer: reviewerOf(request),
          signedIn: request.caller?.name !== undefined,
          token: formToken(vault, request, reply),
          kept: done === undefined ? undefined : await getReview(database, done),
        });
        return { title: "Review", body };
      }),
    );

    mountChampionPages(scope, deps);

    servePage(
      scope,
      { method: "POST", path: "/classify/review", needs: "reviewer" },
      shown("", async (request) => {
        const { token, review, code, by, reason, ...asked } = readFields("form", answerForm, request.body);
        checkForm(vault, request, token);
        const reviewer = saidBy(request, by);
        if (reason === undefined) await answerReview(deps, review, code.trim(), reviewer);
        else await amendReview(deps, review, { code: code.trim(), reviewer, reason: reason.trim() });
        return { back: reviewHref(asked, review) };
      }),
    );

    servePage(
      scope,
      { method: "POST", path: "/classify/review/name", needs: "reviewer" },
      shown("", async (request, reply) => {
        const { token, by, ...asked } = readFields("form", nameForm, request.body);
        checkForm(vault, request, token);
        if (by.trim() === "") throw new StockroomError("input", "REVIEW_NAME", "Expected a name but it is empty. Go back and give one.");
        insertReviewer(reply, saidBy(request, by));
        return { back: reviewHref(asked) };
      }),
    );
  });
}

function mountChampionPages(scope: FastifyInstance, deps: ClassifyDeps): void {
  const { database, vault } = deps;
  const back = "/classify/champions";
  servePage(
    scope,
    { method: "GET", path: back, needs: "viewer" },
    shown("", async (request, reply) => {
      readFields("query", nothing, request.query);
      const [held, champions, models, automatic] = await Promise.all([
        listHeld(database),
        listChampions(database),
        listModels(database),
        listAutomatic(database),
      ]);
      const view = { held, champions, models, automatic, signedIn: request.caller?.name, token: formToken(vault, request, reply) };
      const body = championsPage(view);
      return { title: "Champions", body };
    }),
  );
  servePage(
    scope,
    { method: "POST", path: `${back}/set`, needs: "operator" },
    shown("", async (request) => {
      const { token, line, model, ...said } = readFields("form", setForm, request.body);
      checkForm(vault, request, token);
      await setChampion(deps, line, model, { ...said, by: saidBy(request, said.by) });
      return { back };
    }),
  );
  servePage(
    scope,
    { method: "POST", path: `${back}/held`, needs: "operator" },
    shown("", async (request) => {
      const { token, verdict, ruling, ...said } = readFields("form", heldForm, request.body);
      checkForm(vault, request, token);
      await ruleOnHeld(deps, verdict, ruling, { ...said, by: saidBy(request, said.by) });
      return { back };
    }),
  );
  servePage(
    scope,
    { method: "POST", path: `${back}/automatic`, needs: "operator" },
    shown("", async (request) => {
      const { token, line, state, ...said } = readFields("form", automaticForm, request.body);
      checkForm(vault, request, token);
      await setAutomatic(deps, line, state === "on", { ...said, by: saidBy(request, said.by) });
      return { back };
    }),
  );
}

const shown = makeShown({ page, failed: "Not done", onward: { path: "/classify/review", name: "To the queue" } });
