// What the commands of pictures see of the command line: the settings and a printer. They open nothing and ask nobody.

import type { ModuleTools, PlatformDeps } from "../../platform/module.ts";
import type { Environment, ImageSettings } from "../service/settings.ts";

export type ImageTools = Pick<ModuleTools<PlatformDeps<ImageSettings>, ImageSettings>, "settings" | "print">;

/** The settings file and the environment as they would be in force. */
export function inForce(
  tools: ImageTools,
  more: Environment,
): { readonly settings: ImageSettings; readonly folder: string; readonly environment: Environment } {
  const { own, folder, env } = tools.settings();
  return { settings: own, folder, environment: { ...env, ...more } };
}
