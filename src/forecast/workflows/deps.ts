// What the flow of this module is built from, and who acts in it.
//
//   P1. Every step acts in the role that fits it; a role reads and writes only the zones granted below.

import type { Clock } from "../../platform/time.ts";
import type { Compute } from "../../platform/compute/contract.ts";
import type { Log } from "../../platform/log.ts";
import type { PostNotice } from "../../platform/notify/contract.ts";
import type { ObjectStore } from "../../platform/objects/contract.ts";
import type { Database } from "../../platform/database/contract.ts";
import type { LakeAccess } from "../../platform/warehouse/index.ts";
import type { Actor, Grant, Zone } from "../../platform/vault/contract.ts";
import { defaultsKey, prefixes } from "../store/keys.ts";
import type { ForecastSettings } from "./settings.ts";

export interface ForecastDeps {
  readonly settings: ForecastSettings;
  readonly database: Database;
  readonly objects: ObjectStore;
  readonly lake: LakeAccess;
  readonly compute: Compute;
  /** Threads of their own for looking through files: what is wrong with one is told while others train. */
  readonly checks: Compute;
  readonly postNotice: PostNotice;
  readonly clock: Clock;
  readonly log: Log;
  /** Where a page or answer of the app is found, e.g. `/forecast`. */
  readonly link: (path: string) => string;
}

export const forecastZones: readonly Zone[] = [
  { name: "demand", prefixes: [prefixes.train, prefixes.stock, prefixes.rejected, defaultsKey] },
  { name: "forecasts", prefixes: [prefixes.exports, prefixes.runs, prefixes.scenarios, prefixes.adjustments, prefixes.imports] },
  { name: "sap", prefixes: [prefixes.sap] },
  { name: "secrets", prefixes: [prefixes.secrets] },
];

/** `forecast` runs a group; `plan` is a planner's work on its result; `fetch` brings data out of an ERP; `deliver` takes forecasts into one. */
export type ForecastRole = "forecast" | "plan" | "fetch" | "deliver";

const grants: Readonly<Record<ForecastRole, { readonly read: readonly string[]; readonly write: readonly string[] }>> = {
  forecast: { read: ["demand", "forecasts"], write: ["forecasts", "demand"] },
  plan: { read: ["demand", "forecasts"], write: ["forecasts"] },
  fetch: { read: ["secrets", "sap"], write: ["sap", "demand"] },
  deliver: { read: ["secrets", "forecasts"], write: ["forecasts"] },
};

export const forecastGrants: readonly Grant[] = [
  ...Object.entries(grants).flatMap(([role, zones]) => [
    ...zones.read.map((zone): Grant => ({ role, zone, access: "read" })),
    ...zones.write.map((zone): Grant => ({ role, zone, access: "write" })),
  ]),
  // Whom the command line, the HTTP routes and the inbox folder act as.
  { role: "operator", zone: "demand", access: "read" },
  { role: "operator", zone: "demand", access: "write" },
  { role: "inbox", zone: "demand", access: "write" },
  { role: "operator", zone: "forecasts", access: "read" },
  { role: "operator", zone: "secrets", access: "write" },
];

/** Acts in a role on behalf of a run or command. */
export function actAs(role: ForecastRole, purpose: string): Actor {
  return { role, purpose };
}

/** ISO time of the app's clock, for rows. */
export function timeOf(deps: Pick<ForecastDeps, "clock">): string {
  return new Date(deps.clock.now()).toISOString();
}
