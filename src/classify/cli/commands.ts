// The commands of the module, one file each. Those that take `CommandTools` work on files alone; those that take `ClassifyTools` open the app as a
// client: they may start runs, which an `up` or a `worker` carries out; with `--wait` they stay until they end.
//
// Of those on files alone:
//   E1. The same files, options and seed give the same bytes: the date of a model comes from the data, never from the clock.
//   E2. An output appears whole under its name or not at all.
//   E3. Bad rows end up in OUTPUT.bad.jsonl with line and reason, and the exit code is 3. Past a bound (--max-bad) the file is refused as a whole.

import type { Commands } from "../../platform/command/contract.ts";
import { auditCommand } from "./audit.ts";
import { championsCommand } from "./champions.ts";
import { compareCommand } from "./compare.ts";
import { evaluateCommand } from "./evaluate.ts";
import { exportCommand } from "./export.ts";
import { extractCommand } from "./extract.ts";
import { fitCommand } from "./fit.ts";
import { inferCommand } from "./infer.ts";
import { linesCommand } from "./lines.ts";
import { mappingsCommand } from "./mappings.ts";
import { modelsCommand } from "./models.ts";
import { predictCommand } from "./predict.ts";
import { rejectedCommand } from "./rejected.ts";
import { reportsCommand } from "./reports.ts";
import { reviewsCommand } from "./reviews.ts";
import { schemesCommand } from "./schemes.ts";
import type { ClassifyTools } from "./tools.ts";
import { trainCommand } from "./train.ts";
import { verdictsCommand } from "./verdicts.ts";

/** The commands by name, to be mounted under `stockroom classify`. */
export function makeCommands(tools: ClassifyTools): Commands {
  return {
    fit: fitCommand(tools),
    predict: predictCommand(tools),
    evaluate: evaluateCommand(tools),
    export: exportCommand(tools),
    lines: linesCommand(tools),
    models: modelsCommand(tools),
    verdicts: verdictsCommand(tools),
    champions: championsCommand(tools),
    mappings: mappingsCommand(tools),
    extract: extractCommand(tools),
    train: trainCommand(tools),
    compare: compareCommand(tools),
    infer: inferCommand(tools),
    schemes: schemesCommand(tools),
    reviews: reviewsCommand(tools),
    reports: reportsCommand(tools),
    rejected: rejectedCommand(tools),
    audit: auditCommand(tools),
  };
}
