// An app with many SAP systems at once: a gateway and a source (or target) of the settings for each case.

import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { App } from "../../src/app.ts";
import { beginImport, doubtBatch, endImport, insertBatch, markBatch } from "../../src/forecast/store/sap.ts";
import { makePlace, openAt, operator, textBytes } from "./app.ts";
import { openGateway, type Gateway, type GatewayOptions } from "./sap-gateway.ts";

export interface SapApp<Name extends string> {
  readonly app: App;
  gatewayOf(name: Name): Gateway;
  close(): Promise<void>;
}

/** How a case becomes a gateway, and then an entry of `forecast.sap.sources` or `.targets`, in YAML. */
export interface SapCases<Name extends string, Case> {
  gateway(one: Case): GatewayOptions;
  settings(name: Name, one: Case, gateway: Gateway): string;
}

export async function openSapApp<Name extends string, Case>(
  section: "sources" | "targets",
  cases: Readonly<Record<Name, Case>>,
  make: SapCases<Name, Case>,
): Promise<SapApp<Name>> {
  const gateways = new Map<Name, Gateway>();
  const parts: string[] = [];
  for (const [name, one] of Object.entries(cases) as [Name, Case][]) {
    const gateway = await openGateway(make.gateway(one));
    gateways.set(name, gateway);
    parts.push(make.settings(name, one, gateway));
  }
  const place = await makePlace();
  await writeFile(path.join(place.home, "stockroom.yaml"), `forecast:\n  sap:\n    ${section}:\n${parts.join("\n")}\n`);
  const app = await openAt(place, { work: true, quiet: true });
  await app.objects.put(operator, "secrets/sap.json", textBytes(JSON.stringify({ kind: "basic", user: "stock", password: "room" })));
  return {
    app,
    gatewayOf: (name) => {
      const found = gateways.get(name);
      if (found === undefined) throw new Error(name);
      return found;
    },
    close: async () => {
      await app.close();
      for (const gateway of gateways.values()) await gateway.close();
      await place.remove();
    },
  };
}

/** An import of which the ERP refused the second of two rows, as the module keeps it. */
export async function seedImport(
  app: App,
  { target, product = "Product" }: { readonly target: string; readonly product?: string },
): Promise<void> {
  const at = "2026-01-01T00:00:00Z";
  const answers = [
    { seq: 0, taken: true, messages: [] },
    { seq: 1, taken: false, messages: [{ type: "E", id: "ZFC/012", text: `${product} is locked`, field: "MATNR" }] },
  ];
  const entry = await app.objects.put(
    { role: "deliver", purpose: "test" },
    "forecast/imports/shop-1/answers-0-000000.jsonl",
    textBytes(answers.map((answer) => JSON.stringify(answer)).join("\n")),
  );
  await app.database.transaction(async (tx) => {
    const source = { key: "forecast/exports/shop/x/forecast.csv", version: "1" };
    await beginImport(tx, { id: "shop-1", target, group: "shop", source, rows: 2, at });
    await markBatch(tx, "shop-1", 0, 0, at);
    await insertBatch(tx, "shop-1", { round: 0, batch: 0, sent: 2, failed: 1, answers: { key: entry.key, version: entry.version } }, at);
    await endImport(tx, "shop-1", at);
  });
}

/** An import of which the ERP took the first of two rows, and nobody knows of the second, as the module keeps it. */
export async function seedDoubt(app: App, { id, target }: { readonly id: string; readonly target: string }): Promise<void> {
  const at = "2026-01-01T00:00:00Z";
  const known = [
    { seq: 1, taken: true, messages: [] },
    { seq: 2, taken: false, unsure: true, messages: [] },
  ];
  const part = await app.objects.put(
    { role: "deliver", purpose: "test" },
    `forecast/imports/${id}/known-1-000001.jsonl`,
    textBytes(known.map((answer) => JSON.stringify(answer)).join("\n")),
  );
  await app.database.transaction(async (tx) => {
    const source = { key: "forecast/exports/shop/x/forecast.csv", version: "1" };
    await beginImport(tx, { id, target, group: "shop", source, rows: 2, at });
    await markBatch(tx, id, 1, 1, at);
    const doubt = { round: 1, batch: 1, unsure: 1, reason: "the connection ended" };
    await doubtBatch(tx, id, { ...doubt, part: { key: part.key, version: part.version }, runId: `forecast.sap.deliver/${id}` });
  });
}
