// The commands of the module, all of them.
//
// What a command needs is said by its own file: made with `CommandTools` it works on files alone and opens nothing; made with `ForecastTools` it
// opens the app as a client: it may start runs, which an `up` or a `worker` carries out; with `--wait` it stays until they end.

import { nounCommand, type Command } from "../../platform/command/contract.ts";
import { accuracyCommand } from "./accuracy.ts";
import { adjustmentsCommand } from "./adjustments.ts";
import type { ForecastTools } from "./app-tools.ts";
import { defaultsCommand } from "./defaults.ts";
import { explainCommand } from "./explain.ts";
import { exportCommand } from "./export.ts";
import { exportSapCommand } from "./export-sap.ts";
import { extractSapCommand } from "./extract-sap.ts";
import { importsCommand } from "./imports.ts";
import { listCommand } from "./list.ts";
import { lookCommand } from "./look.ts";
import { mappingsCommand } from "./mappings.ts";
import { monitorCommand } from "./monitor.ts";
import { groupsCommand } from "./remove.ts";
import { replenishCommand } from "./replenish.ts";
import { runCommand } from "./run.ts";
import { scenariosCommand } from "./scenarios.ts";
import { showCommand } from "./show.ts";
import { whatifCommand } from "./whatif.ts";

/** The commands by name in the order of the help, to be mounted under `stockroom forecast`. */
export function makeCommands(tools: ForecastTools): Record<string, Command> {
  return {
    look: lookCommand(tools),
    run: runCommand(tools),
    accuracy: accuracyCommand(tools),
    whatif: whatifCommand(tools),
    explain: explainCommand(tools),
    replenish: replenishCommand(tools),
    defaults: defaultsCommand(tools),
    mappings: mappingsCommand(tools),
    groups: groupsCommand(tools),
    adjustments: adjustmentsCommand(tools),
    monitor: monitorCommand(tools),
    scenarios: scenariosCommand(tools),
    "extract-sap": extractSapCommand(tools),
    "export-sap": exportSapCommand(tools),
    imports: importsCommand(tools),
  };
}

/** `stockroom forecasts`: those of the installation. */
export const makeForecasts = (tools: ForecastTools): Command =>
  nounCommand(
    { name: "forecasts", description: "Forecasts of the installation: list, show, export" },
    { list: listCommand(tools), show: showCommand(tools), export: exportCommand(tools) },
  );
