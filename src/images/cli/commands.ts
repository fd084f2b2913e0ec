// The commands of the module, one file each.

import type { Commands } from "../../platform/command/contract.ts";
import { explainCommand } from "./explain.ts";
import type { ImageTools } from "./tools.ts";
import { urlCommand } from "./url.ts";

/** The commands by name, to be mounted under `stockroom images`. */
export function makeCommands(tools: ImageTools): Commands {
  return { explain: explainCommand(tools), url: urlCommand(tools) };
}
