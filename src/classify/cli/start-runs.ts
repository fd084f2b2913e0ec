// Starting runs: as a client an `up` or a `worker` is left to carry them out; with `--wait` the command stays until they end.

import type { NewRun } from "../workflows/commands.ts";
import type { ClassifyTools } from "./tools.ts";

/** Starts the runs one after the other and, when asked, waits for each; prints what came of it. Exit code 3 when one did not end well. */
export async function startRuns(tools: ClassifyTools, runs: readonly NewRun[], waits: boolean): Promise<void> {
  const { workflows } = await tools.open();
  for (const { workflow, input, id } of runs) {
    // The engine checks that inputs are JSON; the commands make them of strings alone.
    const runId = await workflows.start(workflow, input, { id });
    if (!waits) {
      tools.print.line(
        `queued ${runId}; \`stockroom up\` or \`stockroom worker\` carries it out, \`stockroom runs show '${runId}'\` tells how it goes`,
      );
      continue;
    }
    const outcome = await workflows.outcome(runId, { signal: tools.signal });
    if (outcome.kind === "done") tools.print.line(`done ${runId}: ${JSON.stringify(outcome.value)}`);
    else if (outcome.kind === "failed") tools.print.line(`failed ${runId}: ${outcome.error.message} (${outcome.error.code})`);
    else tools.print.line(`cancelled ${runId}`);
    if (outcome.kind !== "done") tools.exitWith(3);
  }
}
