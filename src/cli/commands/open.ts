// open: the console in a browser.

import process from "node:process";
import { defineCommand } from "../../platform/command/contract.ts";
import { StockroomError } from "../../platform/errors.ts";
import { addressHere } from "../doctor/places.ts";
import { goodConfig } from "./config.ts";
import type { Tools } from "../tools.ts";

/** Whether somebody sits before a screen of this machine. */
export function hasScreen(env: Readonly<Record<string, string | undefined>>, platform: string = process.platform): boolean {
  if ([env["SSH_CONNECTION"], env["SSH_TTY"], env["CI"]].some((value) => value !== undefined && value !== "")) return false;
  if (platform === "darwin" || platform === "win32") return true;
  return [env["DISPLAY"], env["WAYLAND_DISPLAY"], env["WSL_DISTRO_NAME"]].some((value) => value !== undefined && value !== "");
}

/** Shows an address in the user's browser. Resolves with whether one was started; a missing one is no error. */
export async function showInBrowser(url: string): Promise<boolean> {
  const { default: open } = await import("open");
  // It resolves once the opener runs, and rejects where there is none.
  return await open(url).then(
    () => true,
    () => false,
  );
}

export const openCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "open", description: "Show the console of the Stockroom that is open on this machine in a browser" },
    args: { page: { type: "positional", required: false, description: "A page, such as runs or forecasts" } },
    run: async ({ args }) => {
      const { values } = await goodConfig(tools);
      const { url: base } = addressHere(values.server);
      const url = new URL(`/console/${(args.page ?? "").replace(/^\/+/, "")}`, base).href;
      const isOpen = await fetch(new URL("/health", base), { signal: AbortSignal.any([tools.signal, AbortSignal.timeout(5_000)]) }).then(
        async (answer) => {
          await answer.body?.cancel();
          return true;
        },
        () => false,
      );
      tools.signal.throwIfAborted();
      if (!isOpen) {
        throw new StockroomError(
          "missing",
          "NOT_OPEN",
          `Expected Stockroom to be open at ${base} (server.host, server.port) but nothing answers there. Start it with: stockroom up`,
        );
      }
      tools.print.line(url);
      if (!hasScreen(process.env) || !(await showInBrowser(url)))
        tools.print.say("No browser was found here; open the address above in one.");
    },
  });
