// Starting runs: as a client an `up` or a `worker` is left to carry them out; with `--wait` the command stays until they end.

import type { NewRun } from "../workflows/commands.ts";
import type { ClassifyDeps } from "../workflows/deps.ts";
import type { ClassifyServer, ClassifyTools } from "./tools.ts";

interface Starting {
  readonly here: (deps: ClassifyDeps) => readonly NewRun[] | Promise<readonly NewRun[]>;
  readonly there: (server: ClassifyServer) => Promise<{ readonly runs: readonly string[] }>;
  /** Said where there is nothing to start. */
  readonly empty?: string;
  readonly wait: boolean;
}

/** Starts the runs and, when asked, waits for each; prints what came of it. Exit code 3 when one did not end well. */
export async function startRuns(tools: ClassifyTools, { here, there, empty, wait }: Starting): Promise<void> {
  const runs = await tools.ask(
    async (app) => {
      // The engine checks that inputs are JSON; the commands make them of strings alone.
      const started: string[] = [];
      for (const { workflow, input, id } of await here(app.deps)) started.push(await app.workflows.start(workflow, input, { id }));
      return started;
    },
    async (server) => (await there(server)).runs,
  );
  if (runs.length === 0 && empty !== undefined) tools.print.line(empty);
  for (const runId of runs) {
    if (!wait) {
      tools.print.line(
        `queued ${runId}; \`stockroom up\` or \`stockroom worker\` carries it out, \`stockroom runs show '${runId}'\` tells how it goes`,
      );
      continue;
    }
    const outcome = await tools.ask(
      async ({ workflows }) => await workflows.outcome(runId, { signal: tools.signal }),
      async (server) => await server.outcome(runId),
    );
    if (outcome.kind === "done") tools.print.line(`done ${runId}: ${JSON.stringify(outcome.value)}`);
    else if (outcome.kind === "failed") tools.print.line(`failed ${runId}: ${outcome.error.message} (${outcome.error.code})`);
    else tools.print.line(`cancelled ${runId}`);
    if (outcome.kind !== "done") tools.exitWith(3);
  }
}
