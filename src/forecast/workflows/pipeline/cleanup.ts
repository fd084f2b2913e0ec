// Tidy: takes away what a run kept for itself and will not use any more.

import { removeListed } from "../../../platform/objects/gone.ts";
import type { WorkflowDefinition } from "../../../platform/workflow/contract.ts";
import { useOfContent } from "../../store/runs.ts";
import { actAs, type ForecastDeps } from "../deps.ts";
import { piecesPrefix } from "./pieces.ts";

/** Pieces are known by content; the run that is named wrote them. */
export type CleanupInput = { readonly group: string; readonly content: string };

/** A thread that was told to stop may still put the piece it was about. */
const lastPieceMs = 2_000;

/**
 * Removes the pieces of a content; gives how many. Two forecasts of one content share them (files put one after the other): while one is under way all
 * stay, and of one that is done the panel and the model do, for what is asked of it later.
 */
export async function removePieces(deps: ForecastDeps, purpose: string, group: string, content: string): Promise<number> {
  const use = await useOfContent(deps.database, group, content);
  if (use === "running") return 0;
  const actor = actAs("forecast", purpose);
  const all = await deps.objects.list(piecesPrefix(group, content), { limit: 1_000_000 });
  const entries = use === "done" ? all.filter(({ key }) => /\/(?:try|mix)-/.test(key)) : all;
  return await removeListed(deps.objects, actor, entries);
}

/** After a cancellation, which leaves no time for it. */
export function makeCleanup(deps: ForecastDeps): WorkflowDefinition<CleanupInput, { readonly removed: number }> {
  return {
    name: "forecast.tidy",
    queue: "forecast.light",
    title: ({ group }) => `take away the pieces of a cancelled forecast of ${group}`,
    run: async (context, { group, content }) => {
      const first = await context.step("remove", async () => await removePieces(deps, context.runId, group, content));
      await context.sleep(lastPieceMs);
      const last = await context.step("remove-again", async () => await removePieces(deps, context.runId, group, content));
      return { removed: first + last };
    },
  };
}
