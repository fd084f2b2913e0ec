// Starting runs: as a client an `up` or a `worker` is left to carry them out; with `--wait` the command stays until they end.

import { type PlannedRun } from "../workflows/commands.ts";
import type { ClassifyApp, ClassifyTools } from "./tools.ts";

export async function startRuns(tools: ClassifyTools, runs: readonly PlannedRun[], waits: boolean): Promise<void> {
  const app = await tools.open();
  const ended: boolean[] = [];
  for (const run of runs) ended.push(await startRun(tools, app, run.workflow, run.input, run.id, waits));
  if (ended.some((good) => !good)) tools.exitWith(3);
}

/** Starts a run and, when asked, waits for it; prints what came of it. */
async function startRun(
  tools: ClassifyTools,
  app: ClassifyApp,
  workflow: string,
  input: unknown,
  id: string,
  waits: boolean,
): Promise<boolean> {
  // The engine checks that inputs are JSON; the commands make them of strings alone.
  const runId = await app.workflows.start(workflow, input, { id });
  if (!waits) {
    tools.print.line(
      `queued ${runId}; \`stockroom up\` or \`stockroom worker\` carries it out, \`stockroom runs show '${runId}'\` tells how it goes`,
    );
    return true;
  }
  const outcome = await app.workflows.outcome(runId, { signal: tools.signal });
  if (outcome.kind === "done") tools.print.line(`done ${runId}: ${JSON.stringify(outcome.value)}`);
  else if (outcome.kind === "failed") tools.print.line(`failed ${runId}: ${outcome.error.message} (${outcome.error.code})`);
  else tools.print.line(`cancelled ${runId}`);
  return outcome.kind === "done";
}
