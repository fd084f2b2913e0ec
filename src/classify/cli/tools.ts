// What this module's commands see of the app, when they ask for it.

import type { AppCommandTools } from "../../platform/command/contract.ts";
import type { Asking, RemoteServer } from "../../platform/module.ts";
import type { RoutesOf } from "../../platform/web/remote.ts";
import type * as routes from "../http/contract.ts";
import { rounded } from "../../platform/figures.ts";
import type { Workflows } from "../../platform/workflow/contract.ts";
import type { ClassifyDeps } from "../workflows/deps.ts";

/** The app as the commands of this module see it. */
export interface ClassifyApp {
  readonly deps: ClassifyDeps;
  readonly workflows: Pick<Workflows, "start" | "outcome" | "deadLetters" | "redrive">;
}

/** A server as these commands ask it. */
export type ClassifyServer = RemoteServer<RoutesOf<typeof routes>>;

export type ClassifyTools = AppCommandTools<ClassifyApp> & Asking<ClassifyApp, ClassifyServer>;

/** A score for a table; undefined for what was not measured. */
export const score = (value: unknown): number | undefined => (typeof value === "number" ? rounded(value, 4) : undefined);
