// The whole road under faults, with every habit of the gateway on: rows out of SAP, a forecast by itself, orders, and the forecast back into SAP.
// At each end every row is compared: none lost, none doubled, none changed.

import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import type { App } from "../../src/app.ts";
import { makePlace, openAt, type TestPlace } from "../kit/app.ts";
import type { Gateway } from "../kit/sap-gateway.ts";
import { forgetAndChange, openRoad, products, roads, sentTo, settingsOf, takeRoad, wrongAt, type Road } from "../kit/sap-walk.ts";

let place: TestPlace;
let app: App | undefined;
let gateway: Gateway;

afterEach(async () => {
  await app?.close();
  app = undefined;
  await gateway.close();
  await place.remove();
});

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a value that is written there
test.each(Object.keys(roads) as Road[])(
  "from SAP to orders and back, every row as it was (%s)",
  async (name) => {
    gateway = await openRoad(name);
    place = await makePlace({ STOCKROOM_FORECAST_SETTLE_MS: "100" });
    await writeFile(path.join(place.home, "stockroom.yaml"), settingsOf(name, gateway));
    app = await openAt(place, { work: true, quiet: true });
    const end = await takeRoad(app, name, {
      between: async () => forgetAndChange(gateway),
      holds: async (row) => sentTo(gateway).includes(row),
    });
    expect(wrongAt(end, gateway)).toEqual([]);
    expect(end.extractions).toMatchObject([
      { kind: "full", rows: 30 * products.length, next: "delta" },
      { kind: "delta", rows: 32 * products.length, next: "delta" },
      { kind: "full", rows: 32 * products.length, next: "delta" },
    ]);
    expect(end.stock).toEqual({ rows: products.length, badRows: 0 });
  },
  600_000,
);
