// Asks: what a person starts of the ERP, at a shell or over HTTP: plain values that the door starts, and the word that lets an import go on.

import { StockroomError } from "../../../platform/errors.ts";
import type { Workflows } from "../../../platform/workflow/contract.ts";
import type { ObjectRef } from "../../store/keys.ts";
import { getImport } from "../../store/sap.ts";
import { timeOf, type ForecastDeps } from "../deps.ts";
import { chosenExport, findFinished } from "../planning/stored.ts";
import { getTarget, importIdOf, settleBatch, type DeliverInput } from "./deliver.ts";
import { getSource } from "./extract.ts";

/** A run that is wanted: hand it to `workflows.start`. */
export interface AskedRun {
  readonly workflow: string;
  /** JSON. */
  readonly input: unknown;
  readonly id: string;
}

/** Fetches a source of the settings. Throws `missing` `SAP_SOURCE_MISSING`. */
export function askExtract(
  deps: ForecastDeps,
  { source: name, afresh, accept }: { readonly source: string; readonly afresh: boolean; readonly accept: boolean },
): AskedRun {
  const source = getSource(deps, name);
  const requestedAt = timeOf(deps);
  return {
    workflow: "forecast.sap.extract",
    input: { source: source.name, requestedAt, afresh: afresh || accept, accept },
    id: `forecast.sap.extract/${source.name}/${requestedAt}`,
  };
}

/** An import of an export. Throws `missing` `SAP_TARGET_MISSING`. */
export function askImport(
  deps: ForecastDeps,
  to: string,
  { group, ref }: { readonly group: string; readonly ref: ObjectRef },
): AskedRun & { readonly import: string } {
  const target = getTarget(deps, to);
  const id = importIdOf(target.name, ref);
  const input: DeliverInput = { kind: "new", target: target.name, group, export: ref };
  return { workflow: "forecast.sap.deliver", input, id: `forecast.sap.deliver/${id}`, import: id };
}

/** What is brought into the ERP of a group's latest forecast, or of a run: with what planners said. Throws what `findFinished` throws. */
export async function findExported(
  deps: Pick<ForecastDeps, "database">,
  word: string,
): Promise<{ readonly group: string; readonly ref: ObjectRef }> {
  const run = await findFinished(deps.database, word);
  const { key, version } = chosenExport(run);
  return { group: run.group, ref: { key, version } };
}

/** Sends the refused rows again. Throws `missing` `SAP_IMPORT_MISSING`, `conflict` `SAP_IMPORT_NOT_PARTLY`. */
export async function askResume(deps: ForecastDeps, importId: string): Promise<AskedRun & { readonly import: string }> {
  const state = await getImport(deps.database, importId);
  if (state.state !== "partly") {
    throw new StockroomError(
      "conflict",
      "SAP_IMPORT_NOT_PARTLY",
      `Expected import ${state.id} to have refused rows but it is ${state.state}. There is nothing to resume.`,
    );
  }
  const requestedAt = timeOf(deps);
  const input: DeliverInput = { kind: "resume", import: state.id, requestedAt };
  return { workflow: "forecast.sap.deliver", input, id: `forecast.sap.deliver/${state.id}/${requestedAt}`, import: state.id };
}

/** Settles a batch and sets the import going again when nothing of it is unsure any more; false when it does not go on. */
export async function settleImport(
  deps: ForecastDeps,
  workflows: Pick<Workflows, "deadLetters" | "redrive">,
  {
    importId,
    batch,
    as,
    purpose,
  }: { readonly importId: string; readonly batch: number; readonly as: "taken" | "lost"; readonly purpose: string },
): Promise<boolean> {
  const runId = await settleBatch(deps, importId, batch, as, purpose);
  if (runId === undefined) return false;
  const letter = (await workflows.deadLetters({ state: "waiting", runId, limit: 1 })).at(0);
  if (letter === undefined) return false;
  await workflows.redrive(letter.id);
  return true;
}
