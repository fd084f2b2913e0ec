// Tells of an extraction: what people are told of a source whose rows were left out, read again, held or put together in another way than usual.

import { rowsOf } from "../../../platform/figures.ts";
import type { Tx } from "../../../platform/database/contract.ts";
import { StockroomError } from "../../../platform/errors.ts";
import { prefixes } from "../../store/keys.ts";
import type { ForecastDeps } from "../deps.ts";
import type { FoldResult } from "./fold-job.ts";
import type { SapSource } from "./settings.ts";

/** The file of the group a source writes. */
export function fileKeyOf(source: Pick<SapSource, "group" | "file">): string {
  return `${prefixes.train}${source.group}${source.file === "target" ? "" : `.${source.file}`}.csv`;
}

const acceptCommand = (source: SapSource): string => `\`stockroom forecast extract-sap ${source.name} --accept\``;

/** A whole load that is too small to be believed. */
export function held(source: SapSource, rows: number, former: number): StockroomError {
  return new StockroomError(
    "conflict",
    "SAP_LOAD_HELD",
    `Expected about ${former === 0 ? "some" : former} rows of ${source.set} but a whole load gave ${rows}. ${fileKeyOf(source)} stays as it was. Check the filter, the client and the authorisations of the user; if it is right, say ${acceptCommand(source)}.`,
    { facts: { source: source.name, rows, former } },
  );
}

export async function tellHeld(deps: ForecastDeps, runId: string, source: SapSource, rows: number, former: number): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await deps.postNotice(tx, {
      topic: "forecast",
      id: `forecast.sap.held/${runId}`,
      severity: "warning",
      title: `A load of ${source.name} is held: ${rows} rows, ${former} before`,
      body: held(source, rows, former).message,
      facts: { source: source.name, rows, former },
    });
  });
}

/** Tells what was left out or may have been meant otherwise. */
export async function tellDoubts(
  deps: ForecastDeps,
  tx: Tx,
  runId: string,
  source: SapSource,
  result: FoldResult & { readonly withoutKey: number },
): Promise<void> {
  const doubts: { readonly id: string; readonly rows: number; readonly title: string; readonly body: string }[] = [
    {
      id: "keyless",
      rows: result.withoutKey,
      title: `${rowsOf(result.withoutKey, source.name)} left out`,
      body: `${result.withoutKey} rows of ${source.set} came without a value in ${source.keys.join(" or ")}, so it is not known which rows they change. Check the keys of the source.`,
    },
    {
      id: "again",
      rows: result.again,
      title: `${result.again} changes of ${source.name} came again`,
      body: `${result.again} changes of ${source.set} came a second time with the same content and the same ODQ_TSN, ODQ_UNITNO and ODQ_RECORDNO. Each was applied once, so nothing is counted twice.`,
    },
    {
      id: "recreated",
      rows: result.recreated,
      title: `${rowsOf(result.recreated, source.name)} created although there already`,
      body: `${result.recreated} rows of ${source.set} came as created while rows with their keys were there; they replaced them. That is right when rows were created during the first load. If the source sends amounts to be added, say \`kind: additive\` and load it afresh.`,
    },
    {
      id: "leftover",
      rows: result.leftover,
      title: `Keys of ${source.name} that stand for no record have an amount left: ${result.leftover}`,
      body: `By ODQ_ENTITYCNTR, some keys of ${source.set} (${result.leftover}) stand for no record any more, yet their differences do not add up to nothing: first ${result.leftoverSample ?? ""}. They are not in ${fileKeyOf(source)}; what comes for these keys is added to what is left. Usually a record was counted off with other amounts than it was loaded with. Look at these keys in SAP and load everything: \`stockroom forecast extract-sap ${source.name} --afresh\`.`,
    },
  ];
  for (const { id, rows, title, body } of doubts) {
    if (rows === 0) continue;
    await deps.postNotice(tx, {
      topic: "forecast",
      id: `forecast.sap.${id}/${runId}`,
      severity: "warning",
      title,
      body,
      facts: { source: source.name, rows },
    });
  }
}

export async function tellWhole(deps: ForecastDeps, runId: string, source: SapSource): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await deps.postNotice(tx, {
      topic: "forecast",
      id: `forecast.sap.whole/${runId}`,
      severity: "warning",
      title: `Everything of ${source.name} is loaded again: its changes may have come twice`,
      body: `Of the delta tokens that DeltaLinksOf${source.set} lists, two could be ours, so the changes may hold some that were loaded already. This source sends differences or images from before a change, in which that is no longer harmless. Either the last page had to be asked for again after its answer was lost, then nothing is to be done; or somebody else reads the set with the same user: give this source a user of its own in SAP.`,
      facts: { source: source.name },
    });
  });
}

export async function tellGone(deps: ForecastDeps, runId: string, source: SapSource, gone: "token" | "chain", page: number): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await deps.postNotice(
      tx,
      gone === "token"
        ? {
            topic: "forecast",
            id: `forecast.sap.expired/${runId}`,
            severity: "warning",
            title: `SAP no longer knows the delta of ${source.name}`,
            body: `The delta link of ${source.set} has expired, so everything is loaded again. Extract more often than SAP keeps its delta queue, or lengthen that time in transaction ODQMON.`,
            facts: { source: source.name },
          }
        : {
            topic: "forecast",
            id: `forecast.sap.forgotten/${runId}`,
            severity: "info",
            title: `SAP forgot the pages of ${source.name} at page ${page}`,
            body: `The page chain of ${source.set} had expired at page ${page}, so it is read from its start again. If that comes often, ask for more rows a page (pageRows).`,
            facts: { source: source.name, page },
          },
    );
  });
}

/** The replica was made with other settings of the source. */
export async function tellSettings(deps: ForecastDeps, runId: string, source: SapSource): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await deps.postNotice(tx, {
      topic: "forecast",
      id: `forecast.sap.settings/${runId}`,
      severity: "info",
      title: `Everything of ${source.name} is loaded again: its settings are others`,
      body: `What was loaded of ${source.name} was loaded with other settings (url, client, set, filter, keys, columns or kind). Its changes would be put to rows and fields that are not there, so everything is loaded.`,
      facts: { source: source.name },
    });
  });
}
