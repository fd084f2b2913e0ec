// Module tools: the command line as a module's commands see it.

import type { AppCommandTools } from "../platform/command/contract.ts";
import type { App } from "../app.ts";
import type { PictureWorld } from "../images/module.ts";
import type { Tools } from "./tools.ts";

/** The tools of a module whose commands see this much of the app. */
export const toolsOf = <Part>(tools: Tools, part: (app: App) => Part): AppCommandTools<Part> => ({
  ...tools,
  open: async () => part(await tools.open()),
});

/** What the picture server is opened from. It reads its own settings: the rest of the app stays closed and unread. */
export function pictureWorld(tools: Tools, settings: Readonly<Record<string, string | undefined>> = {}): PictureWorld {
  return { ...tools.where(settings), otherSections: ["classify", "forecast"] };
}
