// The commands of the module that need the app: lines, models, verdicts, extract, train, compare, infer, schemes, review, report, audit.
//
// Each opens the app as a client: it may start runs, which an `up` or a `worker` carries out; with `--wait` it stays until they end.

import type { Command } from "../../platform/command/contract.ts";
import { championCommand } from "./champion.ts";
import type { ClassifyTools } from "./tools.ts";
import { auditCommand } from "./audit.ts";
import { compareCommand } from "./compare.ts";
import { extractCommand } from "./extract.ts";
import { inferCommand } from "./infer.ts";
import { linesCommand } from "./lines.ts";
import { modelsCommand } from "./models.ts";
import { rejectedCommand } from "./rejected.ts";
import { reportCommand } from "./report.ts";
import { reviewCommand } from "./review.ts";
import { schemesCommand } from "./schemes.ts";
import { trainCommand } from "./train.ts";
import { verdictsCommand } from "./verdicts.ts";

/** The commands by name, to be mounted under `stockroom classify`. */
export function makeAppCommands(tools: ClassifyTools): Record<string, Command> {
  return {
    lines: linesCommand(tools),
    models: modelsCommand(tools),
    verdicts: verdictsCommand(tools),
    champion: championCommand(tools),
    extract: extractCommand(tools),
    train: trainCommand(tools),
    compare: compareCommand(tools),
    infer: inferCommand(tools),
    schemes: schemesCommand(tools),
    review: reviewCommand(tools),
    report: reportCommand(tools),
    rejected: rejectedCommand(tools),
    audit: auditCommand(tools),
  };
}
