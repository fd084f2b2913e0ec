// Killed at a named point of an extraction or an import and started again: the ERP has every row once, and so has the store.

import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { makePlace, type TestPlace } from "../kit/house.ts";
import { openGateway, type Gateway } from "../kit/sap-gateway.ts";
import { walk } from "./walks.ts";

const script = path.resolve(import.meta.dirname, "forecast-sap-child.ts");

const points = [
  "forecast.sap.page",
  "forecast.sap.page#3",
  "forecast.sap.page#6",
  "forecast.sap.folded",
  "forecast.sap.committed",
  "forecast.sap.folded#2",
  "forecast.sap.committed#2",
  "forecast.sap.sent",
  "forecast.sap.sent#3",
  "forecast.sap.batch#2",
  "workflow.step.done#8",
  "workflow.step.recorded#12",
  "objects.committed#9",
];

function start(): Promise<Gateway> {
  return openGateway({
    set: "FactsOfDemand",
    keys: ["ProductNumber", "Day"],
    count: 300,
    row: (index) => ({
      ProductNumber: `P${index % 30}`,
      Day: `/Date(${Date.UTC(2026, 0, 1 + Math.floor(index / 30))})/`,
      Quantity: `${index % 9}.000`,
    }),
  });
}

const settingsOf = (gateway: Gateway): string => `forecast:
  sap:
    sources:
      - name: demand
        url: ${gateway.url}
        set: FactsOfDemand
        keys: [ProductNumber, Day]
        credentials: secrets/sap.json
        pageRows: 60
        group: retail
        columns: { item_id: ProductNumber, timestamp: Day, demand: Quantity }
        pauseMs: 1
    targets:
      - name: car
        kind: odata
        url: ${gateway.url}
        set: FactsOfDemand
        credentials: secrets/sap.json
        batchRows: 50
        pauseMs: 1
        fields: { PRODUCT: { from: item_id }, QUANTITY: { from: p50, as: decimal } }
`;

async function inPlace<T>(work: (place: TestPlace, gateway: Gateway) => Promise<T>): Promise<T> {
  const gateway = await start();
  const place = await makePlace();
  try {
    await writeFile(path.join(place.home, "stockroom.yaml"), settingsOf(gateway));
    return await work(place, gateway);
  } finally {
    await place.remove();
    await gateway.close();
  }
}

const products = Array.from({ length: 200 }, (_, index) => `P${index}`);

const undisturbed: { sha256: string; notices: readonly string[] } = await inPlace(async (place) => {
  const ended = await walk(script, place);
  if (!ended.last.startsWith("{")) throw new Error(`the undisturbed walk did not end: ${ended.errors}`);
  const aftermath: { sha256: string; notices: readonly string[] } = JSON.parse(ended.last);
  return aftermath;
});

test.each(points)(
  "killed at %s, it ends as if nothing had been",
  async (point) => {
    await inPlace(async (place, gateway) => {
      const killed = await walk(script, place, { STOCKROOM_FAULT: point });
      expect(killed).toMatchObject({ signal: "SIGKILL" });
      const resumed = await walk(script, place);
      expect(resumed).toMatchObject({ signal: null });
      expect(gateway.taken.map((row) => row["PRODUCT"])).toEqual(products);
      expect(JSON.parse(resumed.last)).toMatchObject({
        outcomes: ["done", "done", "done"],
        sha256: undisturbed.sha256,
        versions: 1,
        pages: 0,
        imports: [{ state: "done", all: 200, sent: 200, failed: 0 }],
        notices: undisturbed.notices,
      });
    });
  },
  120_000,
);
