// report: the figures of a period, restatements beside the first ones.

import { defineCommand, nounCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { readReport, restate, type ShownFigure, type ShownReport } from "../workflows/commands.ts";
import { listPeriods } from "../store/inferences.ts";
import type { ClassifyTools } from "./tools.ts";

const reportShow = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: {
      name: "show",
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
      if (args.period === undefined) {
        await listPeriodsOf(tools, args.json);
        return;
      }
      const asked = { period: args.period, country: args.country, revision: args.revision };
      const { period, reports, unreported } = await tools.ask(
        async ({ deps }) => {
          if (args.restate) await restate(deps, "cli report", asked);
          return await readReport(deps, asked);
        },
        async (server) => {
          if (args.restate) {
            await server.call("POST /api/classify/report/restate", { body: { period: asked.period, country: asked.country } });
          }
          return await server.call("GET /api/classify/report", { query: asked });
        },
      );
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

const reportList = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "list", description: "which periods there are" },
    args: { json: jsonFlag },
    run: async ({ args }) => await listPeriodsOf(tools, args.json),
  });

export const reportsCommand = (tools: ClassifyTools): Command =>
  nounCommand({ name: "reports", description: "the figures of periods: list, show" }, { list: reportList(tools), show: reportShow(tools) });

async function listPeriodsOf(tools: ClassifyTools, json: boolean): Promise<void> {
  const periods = await tools.ask(
    async ({ deps }) => await listPeriods(deps.database),
    async (server) => (await server.call("GET /api/classify/periods")).periods.map(({ reported: _reported, ...period }) => period),
  );
  tools.print.table(
    periods.map((period) => ({ ...period })),
    { json: json, empty: "No period was coded yet." },
  );
}
