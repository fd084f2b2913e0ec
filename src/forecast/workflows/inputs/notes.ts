// What reading inputs has to say: notes on what was decided, problems that make an input useless as a whole.

import { type Facts, StockroomError } from "../../../platform/errors.ts";

/** Something that was decided on the user's behalf. */
export interface InputNote {
  readonly code: string;
  readonly message: string;
}

/** Something that makes the input useless as a whole. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly facts?: Facts;
}

/** One error for all problems. */
export function gathered(problems: readonly Problem[]): StockroomError {
  const [only] = problems;
  if (problems.length === 1 && only !== undefined) return new StockroomError("input", only.code, only.message, { facts: only.facts ?? {} });
  const lines = problems.map(({ code, message }) => `  ${code}: ${message}`);
  return new StockroomError(
    "input",
    "FORECAST_INPUT_INVALID",
    [`Expected inputs without mistakes but found ${problems.length}. Correct them and start again:`, ...lines].join("\n"),
    { facts: { problems: problems.length, codes: problems.map(({ code }) => code).join(",") } },
  );
}
