// Asked: runs that were given up over a question to a person, once it is answered.

import type { Workflows } from "./contract.ts";

/** Lets a run go on that waits in the dead letters with one of some codes; false when there is none. */
export async function redriveAsked(workflows: Pick<Workflows, "deadLetters" | "redrive">, runId: string, codes: RegExp): Promise<boolean> {
  const letter = (await workflows.deadLetters({ state: "waiting", runId, limit: 1 })).at(0);
  if (letter === undefined || !codes.test(letter.error.code ?? "")) return false;
  await workflows.redrive(letter.id);
  return true;
}
