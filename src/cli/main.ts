// Main: the process around a command: its signals, its pipes, its end.
//
// Ctrl-C once, or the end of what launched it: told, the command stops, the app closes. Twice: the process ends at once; the next start repairs the rest.

import process from "node:process";
import { processOutput } from "../platform/command/output.ts";
import { watchLaunchers } from "./parents.ts";
import { runCommand } from "./run.ts";

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

async function main(): Promise<void> {
  const stop = new AbortController();
  let signalled: keyof typeof signalNumbers | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (signalled !== undefined) process.exit(128 + signalNumbers[signal]);
      signalled = signal;
      process.stderr.write("\nStopping; what is done stays done. Once more ends it at once.\n");
      stop.abort();
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      // The reader went away (`| head`): stop without a word, and well.
      stop.abort();
    });
  }
  // Before anything is promised: who is killed after the first answer must have been seen alive.
  await watchLaunchers(process.env, () => {
    // As after SIGTERM: what was to pass it on is gone.
    signalled ??= "SIGTERM";
    stop.abort();
  });
  const exit = await runCommand(process.argv.slice(2), {
    output: processOutput(),
    cwd: process.cwd(),
    env: process.env,
    stop: stop.signal,
  });
  if (exit !== "stopped") process.exitCode = exit;
  else process.exitCode = signalled === undefined ? 0 : 128 + signalNumbers[signalled];
  // Nothing of ours is open any more; a library that holds a timer or a socket must not hold the shell.
  setTimeout(() => process.exit(), 1_000).unref();
}

await main();
