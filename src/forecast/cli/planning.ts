// adjust, adjustments, value-added, monitor: what planners say of a forecast, and what came of it.

import { jsonFlag, waitFlag } from "../../platform/command/flags.ts";
import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { StockroomError } from "../../platform/errors.ts";
import { readTable } from "../../platform/formats/index.ts";
import { writeFileAtomically } from "../../platform/files/index.ts";
import { adjustmentKinds, type AdjustmentKind } from "../engine/adjust/adjust.ts";
import type { AdjustmentValue } from "../engine/monitor/value-added.ts";
import { sayAdjustment, takeBack } from "../workflows/planning/adjustments.ts";
import { table, valueColumns, valueRows } from "../workflows/planning/monitor-job.ts";
import { readValueAdded } from "../workflows/planning/value.ts";
import { listAdjustments, type AdjustmentRow } from "../store/adjustments.ts";
import { listAnswers, type AnswerOf } from "../store/answers.ts";
import {
  authorArg,
  authorOf,
  checkGroup,
  download,
  figure,
  follow,
  operatorAt,
  outArg,
  readNumber,
  type ForecastTools,
} from "./app-tools.ts";

export const planningCommands = (tools: ForecastTools): Record<string, Command> => ({
  adjust: adjustCommand(tools),
  adjustments: adjustmentsCommand(tools),
  "value-added": valueAddedCommand(tools),
  monitor: monitorCommand(tools),
});

const adjustCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: {
      name: "adjust",
      description: `Say what demand will be instead of the system, for items, places and dates
The system's forecast stays; exports take yours where there is one, until the dates pass. A later --set replaces, a later --add or --percent
acts on what was said before.
Examples:
  stockroom forecast adjust retail --set 120 --where "item_id = A17 and location in (oslo, bergen)" --from 2026-07-01 --to 2026-07-14 --reason festival
  stockroom forecast adjust retail --percent=-10 --where "category = juice" --from 2026-08-01 --to 2026-08-31 --reason "shelf moved"`,
    },
    args: {
      group: { type: "positional", required: true, description: "a dataset group" },
      set: { type: "string", description: "mean and median; other quantiles keep their ratio", valueHint: "N" },
      add: { type: "string", description: "units more, or less with a minus (--add=-5)", valueHint: "N" },
      percent: { type: "string", description: "percent more, or less with a minus (--percent=-10)", valueHint: "N" },
      where: { type: "string", description: "on item_id, dimensions and metadata; absent: every series", valueHint: "CONDITIONS" },
      from: { type: "string", required: true, description: "first day, or moment", valueHint: "DATE" },
      to: { type: "string", description: "last day, or moment; absent: the day of --from", valueHint: "DATE" },
      reason: { type: "string", required: true, description: "why; forecast value added is told by it", valueHint: "TEXT" },
      again: { type: "boolean", description: "also when the same was said already: it then acts twice", default: false },
      author: authorArg,
      wait: waitFlag,
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const given = adjustmentKinds.flatMap((kind) => (args[kind] === undefined ? [] : [{ kind, text: args[kind] }]));
      const [one] = given;
      if (one === undefined || given.length > 1)
        throw new StockroomError("input", "USAGE", `Expected one of --set, --add and --percent but ${given.length} came. Give one.`);
      const app = await tools.open();
      const { row, series, runId } = await sayAdjustment(
        app.deps,
        app.workflows,
        {
          group: args.group,
          kind: one.kind,
          value: readNumber(one.kind, one.text),
          where: args.where ?? "",
          from: args.from,
          to: args.to ?? args.from,
          author: authorOf(args.author),
          reason: args.reason,
        },
        { purpose: "cli forecast adjust", again: args.again },
      );
      if (!args.json)
        tools.print.line(`adjustment ${row.id} of ${row.group}: ${wordsOf(row)}${series === undefined ? "" : `, ${series} series`}`);
      const result = await follow(tools, app, runId, { ...args, more: { adjustment: row, series } });
      if (isLaid(result) && result.cells === 0)
        tools.print.say("note: no step of the latest forecast begins within the dates; later ones may");
    },
  });

const isLaid = (value: unknown): value is { readonly cells: number } =>
  typeof value === "object" && value !== null && "cells" in value && typeof value.cells === "number";

function wordsOf({ kind, value, said }: Pick<AdjustmentRow, "kind" | "value" | "said">): string {
  const words: Record<AdjustmentKind, string> = {
    set: `set to ${value}`,
    add: `${value < 0 ? "" : "+"}${value}`,
    percent: `${value < 0 ? "" : "+"}${value} %`,
  };
  return `${words[kind]}${said === "" ? "" : ` where ${said}`}`;
}

const adjustmentsCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "adjustments", description: "What planners have said: list it, take something back" },
    subCommands: {
      list: defineCommand({
        meta: { name: "list", description: "In the order in which it was said; withdrawn ones too" },
        args: {
          group: { type: "positional", required: false, description: "only of this group" },
          standing: { type: "boolean", description: "only what was not withdrawn", default: false },
          json: jsonFlag,
        },
        run: async ({ args }) => {
          const { deps } = await tools.open();
          await checkGroup(deps.database, args.group);
          const rows = await listAdjustments(deps.database, {
            ...(args.group === undefined ? {} : { group: args.group }),
            standing: args.standing,
          });
          if (args.json) {
            tools.print.json(rows);
            return;
          }
          tools.print.table(
            rows.map((row) => ({
              adjustment: row.id,
              group: row.group,
              what: wordsOf(row),
              from: row.fromAt,
              until: row.untilAt,
              author: row.author,
              reason: row.reason,
              made: row.madeAt,
              withdrawn: row.withdrawnAt === undefined ? "" : `${row.withdrawnAt} by ${row.withdrawnBy ?? ""}`,
            })),
            { json: false, empty: "No adjustment yet. `stockroom forecast adjust --help` says how." },
          );
        },
      }),
      withdraw: defineCommand({
        meta: { name: "withdraw", description: "Take one back; it stays in the list, and the forecast is exported without it" },
        args: {
          adjustment: { type: "positional", required: true, description: "its number" },
          author: authorArg,
          wait: waitFlag,
          json: jsonFlag,
        },
        run: async ({ args }) => {
          const app = await tools.open();
          const { row, runId } = await takeBack(app.deps, app.workflows, args.adjustment, authorOf(args.author));
          if (!args.json) tools.print.line(`adjustment ${row.id} of ${row.group} is withdrawn`);
          await follow(tools, app, runId, { ...args, more: { adjustment: row } });
        },
      }),
    },
  });

const valueAddedCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: {
      name: "value-added",
      description: `Whose forecast was better: the seasonal naive one, the system's, or the planners'
Told from every import that was judged; of the adjusted cells by author, reason and item.`,
    },
    args: {
      group: { type: "positional", required: false, description: "only of this group" },
      out: { type: "string", description: "also write the table of adjusted cells' value to this file", valueHint: "FILE" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      await checkGroup(deps.database, args.group);
      const { judged, adjusted } = await readValueAdded(deps, "cli forecast value-added", args.group);
      // Of adjusted cells "all" says the same as "adjusted".
      if (args.out !== undefined) await writeFileAtomically(args.out, table(valueColumns, valueRows(adjusted).slice(1)));
      if (args.json) {
        tools.print.json({
          imports: judged.map(({ id, group, run, title, summary }) => ({
            id,
            group,
            forecast: run,
            period: title,
            value: summary.value,
          })),
          adjusted,
        });
        return;
      }
      const { print } = tools;
      print.table(judged.map(valueRow), { json: false, empty: "No import was judged yet: nothing of what was forecast has come." });
      if (judged.length === 0) return;
      print.line(adjusted.reason);
      const groups: (readonly [string, readonly AdjustmentValue[]])[] = [
        ["author", adjusted.byAuthor],
        ["reason", adjusted.byReason],
        ["item", adjusted.byItem.slice(0, 20)],
      ];
      print.table(
        groups.flatMap(([by, list]) => list.map((each) => ({ by, ...shownValue(each) }))),
        { json: false, empty: "Nothing was adjusted." },
      );
    },
  });

const shownValue = (each: AdjustmentValue) => ({
  name: each.group,
  points: each.points,
  wape_naive: figure(each.wapeNaive),
  wape_system: figure(each.wapeSystem),
  wape_used: figure(each.wapeUsed),
  added: figure(each.adjustmentAdded),
  improved: each.improved,
  worsened: each.worsened,
});

function valueRow({ group, run, title, summary: { value } }: AnswerOf<"monitor">) {
  const { all, adjusted } = value;
  return {
    group,
    forecast: run,
    period: title,
    points: figure(all.points),
    wape_naive: figure(all.wapeNaive),
    wape_system: figure(all.wapeSystem),
    wape_used: figure(all.wapeUsed),
    system_added: figure(all.systemAdded),
    adjustment_added: figure(all.adjustmentAdded),
    adjusted_points: figure(adjusted.points),
    verdict: value.verdict,
  };
}

const monitorCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "monitor", description: "Each import against the forecast made before it, newest first, and the series that stand out" },
    args: {
      group: { type: "positional", required: true, description: "a dataset group" },
      out: { ...outArg, description: "also write the tables of the newest one into this folder" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      await checkGroup(deps.database, args.group);
      const answers = await listAnswers(deps.database, { kinds: ["monitor"], group: args.group });
      const [newest] = answers;
      const items = newest === undefined ? [] : await standingOut(tools, newest);
      if (newest !== undefined && args.out !== undefined)
        await download(deps.objects, `monitor ${newest.id}`, newest.exports, args.out, tools.signal);
      if (args.json) {
        tools.print.json({ imports: answers, items });
        return;
      }
      tools.print.table(
        answers.map(({ run, title, summary, at }) => ({
          period: title,
          forecast: run,
          verdict: summary.verdict,
          points: figure(summary.points),
          wape: figure(summary.wape),
          average_wql: figure(summary.averageWql),
          to_backtest: figure(summary.ratio),
          alarms: figure(summary.alarms),
          at,
        })),
        { json: false, empty: `No import of ${args.group} was judged yet: nothing of what was forecast has come.` },
      );
      if (newest === undefined) return;
      tools.print.line(newest.summary.reason);
      tools.print.table(
        items.slice(0, 20).map(({ series, verdict, reason }) => ({ series, verdict, reason })),
        { json: false, empty: "No series stands out." },
      );
    },
  });

/** The series of a judgement that are not as forecast, alarms first. */
async function standingOut(
  tools: ForecastTools,
  answer: AnswerOf<"monitor">,
): Promise<readonly { readonly series: string; readonly verdict: string; readonly reason: string }[]> {
  const ref = answer.exports["items"];
  if (ref === undefined) return [];
  const { deps } = await tools.open();
  const { body } = await deps.objects.get(operatorAt("monitor"), ref.key, { version: ref.version, signal: tools.signal });
  const read = await readTable(body, { name: ref.key, onBadRow: () => undefined, signal: tools.signal });
  const [at, because] = [read.columns.lastIndexOf("verdict"), read.columns.lastIndexOf("reason")];
  const found: { series: string; verdict: string; reason: string }[] = [];
  for await (const { rows } of read.batches) {
    for (const row of rows) {
      const verdict = row[at] ?? "";
      if (verdict === "alarm" || verdict === "watch")
        found.push({ series: row.slice(0, at).join(" · "), verdict, reason: row[because] ?? "" });
    }
  }
  return found.toSorted((a, b) => (a.verdict < b.verdict ? -1 : a.verdict > b.verdict ? 1 : 0));
}
