// The commands of the module that need the app: what there is, how it is set up, and what comes out of it.
//
// Each opens the app as a client: it may start runs, which an `up` or a `worker` carries out; with `--wait` it stays until they end.

import type { Command } from "../../platform/command/contract.ts";
import { type ForecastTools } from "./app-tools.ts";
import { adjustCommand } from "./adjust.ts";
import { adjustmentsCommand } from "./adjustments.ts";
import { valueAddedCommand } from "./value-added.ts";
import { monitorCommand } from "./monitor.ts";
import { extractSapCommand } from "./extract-sap.ts";
import { exportSapCommand } from "./export-sap.ts";
import { importsCommand } from "./imports.ts";
import { scenarioCommand } from "./scenario.ts";
import { defaultsCommand } from "./defaults.ts";
import { exportCommand } from "./export.ts";
import { listCommand } from "./list.ts";
import { removeCommand } from "./remove.ts";
import { showCommand } from "./show.ts";

/** The commands by name, to be mounted under `stockroom forecast`. */
export function makeAppCommands(tools: ForecastTools): Record<string, Command> {
  return {
    list: listCommand(tools),
    show: showCommand(tools),
    export: exportCommand(tools),
    defaults: defaultsCommand(tools),
    remove: removeCommand(tools),
    adjust: adjustCommand(tools),
    adjustments: adjustmentsCommand(tools),
    "value-added": valueAddedCommand(tools),
    monitor: monitorCommand(tools),
    scenario: scenarioCommand(tools),
    "extract-sap": extractSapCommand(tools),
    "export-sap": exportSapCommand(tools),
    imports: importsCommand(tools),
  };
}
