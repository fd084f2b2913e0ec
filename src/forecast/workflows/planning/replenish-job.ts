// Replenish: the table of orders, made in a thread.

import type { Body } from "../../../platform/bytes.ts";
import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import type { ReadHandle, StagedObject, WriteHandle } from "../../../platform/objects/contract.ts";
import { openHandle, writeThrough } from "../../../platform/objects/handles.ts";
import type { StockDefaults } from "../../engine/replenish/proposal.ts";
import type { ReplenishSummary } from "../../store/answers.ts";
import { brokenExport, readRows } from "./finished.ts";
import { ordersBody, replenishForecast, type TableFile } from "./orders.ts";

export interface ReplenishJobInput {
  readonly forecast: ReadHandle;
  readonly stock: ReadHandle;
  readonly openOrders: ReadHandle | undefined;
  readonly defaults: StockDefaults;
  readonly orders: WriteHandle;
  readonly bad: WriteHandle;
}

export interface ReplenishJobOutput {
  readonly summary: ReplenishSummary;
  readonly staged: readonly StagedObject[];
}

export const replenishJob: ComputeTask<ReplenishJobInput, ReplenishJobOutput> = { module: import.meta.url, name: "forecast.replenish" };

export async function run(input: ReplenishJobInput, tools: TaskTools): Promise<ReplenishJobOutput> {
  const { signal } = tools;
  const fileOf = (handle: ReadHandle): TableFile => ({ name: handle.entry.key, body: openHandle(handle, signal) });
  const { forecast, stock, openOrders, defaults } = input;
  const { idColumns, orders, bad, summary } = await replenishForecast(
    { rows: async () => await readRows(openHandle(forecast, signal), forecast.entry.key, { signal, broken: brokenExport }) },
    { stock: fileOf(stock), ...(openOrders === undefined ? {} : { openOrders: fileOf(openOrders) }) },
    defaults,
    signal,
  );
  const staged = [await writeThrough(input.orders, ordersBody(idColumns, orders), signal)];
  if (bad.length > 0) {
    const lines = bad.map(({ file, row }) => ({ file, ...row }));
    staged.push(await writeThrough(input.bad, linesOf(lines), signal));
  }
  return { summary, staged };
}

async function* linesOf(rows: readonly object[]): Body {
  for (const row of rows) yield Buffer.from(`${JSON.stringify(row)}\n`);
}
