// Killed at a named point of an extraction or an import and started again: the ERP has every row once, and so has the store.

import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { makePlace, type TestPlace } from "../kit/app.ts";
import { openGateway, type Gateway, type GatewayRow, type Habits } from "../kit/sap-gateway.ts";
import { pointsOf, walk, walkRecorded } from "./walks.ts";

const script = path.resolve(import.meta.dirname, "forecast-sap-child.ts");

const day = (week: number): string => `/Date(${Date.UTC(2026, 0, 1 + week)})/`;
const rowOf = (index: number): GatewayRow => ({
  ProductNumber: `000${index % 30}`,
  Day: day(Math.floor(index / 30)),
  Quantity: `${index % 9}.000`,
});

/** Differences, moved keys and a deletion by key: added twice, or half, they would leave other sums. */
function change(gateway: Gateway): void {
  for (let i = 0; i < 70; i++) gateway.change("U", { ...rowOf(i), Quantity: `${100 + i}.250` });
  gateway.move(rowOf(200), { ...rowOf(200), ProductNumber: "4711-" });
  gateway.change("D", rowOf(299));
}

const habits: Habits = {
  changes: "additive",
  deletesByKey: true,
  deltaOnNext: true,
  customSkipToken: true,
  client: "100",
  innerPath: "/inner/ZDEMAND_SRV",
  afterLoad: change,
  target: { set: "Forecasts", keys: ["PRODUCT"] },
  metadata: { PRODUCT: "Edm.String", QUANTITY: "Edm.Decimal" },
};

const start = (repeatability: Habits["repeatability"]): Promise<Gateway> =>
  openGateway({ set: "FactsOfDemand", keys: ["ProductNumber", "Day"], count: 300, row: rowOf, habits: { ...habits, repeatability } });

const settingsOf = (gateway: Gateway): string => `forecast:
  sap:
    sources:
      - name: demand
        url: ${gateway.url}?sap-client=100
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
        client: "100"
        set: Forecasts
        credentials: secrets/sap.json
        batchRows: 50
        pauseMs: 1
        fields: { PRODUCT: { from: item_id }, QUANTITY: { from: p50, as: decimal } }
`;

async function inPlace<T>(
  work: (place: TestPlace, gateway: Gateway) => Promise<T>,
  repeatability: Habits["repeatability"] = "accepted",
): Promise<T> {
  const gateway = await start(repeatability);
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

const { undisturbed, passed } = await inPlace(async (place) => {
  const { walk: ended, passed: names } = await walkRecorded(script, place);
  if (!ended.last.startsWith("{")) throw new Error(`the undisturbed walk did not end: ${ended.errors}`);
  const aftermath: { sha256: string; notices: readonly string[] } = JSON.parse(ended.last);
  return { undisturbed: aftermath, passed: names };
});

// Every step of the extractions and the import, and what lies between them.
const known = pointsOf(passed, "forecast.sap.", { every: /^forecast\.sap\.(?:folded|committed)$/ }).map(
  (point) => [point, "accepted"] as const,
);
// A receiver that knows no repeats is read back after the death.
const unknown = ["forecast.sap.sent", "forecast.sap.sent#3", "forecast.sap.batch#2"].map((point) => [point, "none"] as const);

test.each([...known, ...unknown])(
  "killed at %s, it ends as if nothing had been (repeats: %s)",
  async (point, repeatability) => {
    await inPlace(async (place, gateway) => {
      const killed = await walk(script, place, { STOCKROOM_FAULT: point });
      expect(killed).toMatchObject({ signal: "SIGKILL" });
      const resumed = await walk(script, place);
      expect(resumed).toMatchObject({ signal: null });
      expect(gateway.taken.map((row) => row["PRODUCT"])).toEqual(products);
      expect(JSON.parse(resumed.last)).toMatchObject({
        outcomes: ["done", "done", "done"],
        sha256: undisturbed.sha256,
        versions: 2,
        pages: 0,
        imports: [{ state: "done", all: 200, sent: 200, failed: 0 }],
        notices: undisturbed.notices,
      });
    }, repeatability);
  },
  300_000,
);
