// What the flow of this module is built from, and who acts in it.
//
//   P1. Every step acts in the role that fits it; a role reads and writes only the zones granted below.

import type { Clock } from "../../platform/time.ts";
import type { Compute } from "../../platform/compute/contract.ts";
import type { Log } from "../../platform/log.ts";
import type { PostNotice } from "../../platform/notify/contract.ts";
import type { ObjectStore } from "../../platform/objects/contract.ts";
import type { Database } from "../../platform/database/contract.ts";
import type { Actor, Grant, Vault, Zone } from "../../platform/vault/contract.ts";
import { prefixes } from "../store/keys.ts";
import type { ClassifySettings } from "./settings.ts";

export interface ClassifyDeps {
  readonly settings: ClassifySettings;
  readonly database: Database;
  readonly objects: ObjectStore;
  readonly vault: Vault;
  readonly compute: Compute;
  readonly postNotice: PostNotice;
  readonly clock: Clock;
  readonly log: Log;
}

export const classifyZones: readonly Zone[] = [
  { name: "labelled", prefixes: [prefixes.labelled, prefixes.tests, prefixes.prepared, prefixes.rejected] },
  { name: "models", prefixes: [prefixes.models] },
  { name: "sales", prefixes: [prefixes.sales] },
  { name: "predictions", prefixes: [prefixes.predictions, prefixes.review, prefixes.reports] },
];

export type ClassifyRole = "extract" | "train" | "compare" | "infer" | "report" | "review";

const grants: Readonly<Record<ClassifyRole, { readonly read: readonly string[]; readonly write: readonly string[] }>> = {
  // In the zone of predictions lie the rows of sales that were set apart.
  extract: { read: [], write: ["labelled", "sales", "predictions"] },
  train: { read: ["labelled", "predictions"], write: ["labelled", "models"] },
  compare: { read: ["labelled", "models", "predictions"], write: ["predictions"] },
  infer: { read: ["sales", "models"], write: ["predictions"] },
  report: { read: ["predictions"], write: ["predictions"] },
  review: { read: ["predictions"], write: [] },
};

/** Whom the command line, the HTTP routes and the inbox folder act as. */
const outsiders: readonly Grant[] = ["labelled", "sales"].flatMap((zone): Grant[] => [
  { role: "operator", zone, access: "read" },
  { role: "operator", zone, access: "write" },
  { role: "inbox", zone, access: "write" },
]);

export const classifyGrants: readonly Grant[] = [
  ...Object.entries(grants).flatMap(([role, zones]) => [
    ...zones.read.map((zone): Grant => ({ role, zone, access: "read" })),
    ...zones.write.map((zone): Grant => ({ role, zone, access: "write" })),
  ]),
  ...outsiders,
  { role: "operator", zone: "predictions", access: "read" },
];

/** Acts in a role on behalf of a run or command. */
export function actAs(role: ClassifyRole, purpose: string): Actor {
  return { role, purpose };
}

/** ISO time of the app's clock, for rows. */
export function timeOf(deps: Pick<ClassifyDeps, "clock">): string {
  return new Date(deps.clock.now()).toISOString();
}
