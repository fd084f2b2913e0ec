// Give up: a subscription that no process serves any more, with the events and runs that wait for it.

import { isStockroomError } from "../errors.ts";
import type { Workflows } from "../workflow/contract.ts";
import type { Events } from "./contract.ts";

export interface GivenUp {
  readonly events: number;
  readonly runs: number;
}

/** Forgets a subscriber and cancels the runs that only it has queued. Throws what `Events.forget` throws. */
export async function giveUpSubscription(
  {
    events,
    workflows,
  }: { readonly events: Pick<Events, "subscriptions" | "forget">; readonly workflows: Pick<Workflows, "list" | "cancel"> },
  name: string,
): Promise<GivenUp> {
  const known = (await events.subscriptions()).find((one) => one.name === name);
  const waiting = await events.forget(name);
  const shared = known === undefined || (await events.subscriptions()).some(({ workflow }) => workflow === known.workflow);
  const runs = shared ? [] : await workflows.list({ state: "queued", workflow: known.workflow, limit: 100_000 });
  let cancelled = 0;
  for (const run of runs) {
    const isCancelled = await workflows.cancel(run.id).then(
      () => true,
      (error: unknown) => {
        // Taken up and ended in the meantime.
        if (isStockroomError(error) && error.code === "RUN_ENDED") return false;
        throw error;
      },
    );
    if (isCancelled) cancelled += 1;
  }
  return { events: waiting, runs: cancelled };
}
