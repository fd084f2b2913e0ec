// Taste: what a person chose for this browser: light or dark, local time or UTC. Kept in the browser, told to nobody.

import { effect, signal } from "@preact/signals";
import { keepText, readKept } from "./kept.ts";

export type Theme = "auto" | "light" | "dark";
export type Clock = "local" | "utc";

function chosen<Value extends string>(name: string, allowed: readonly [Value, ...Value[]]) {
  const before = readKept(name);
  const value = signal<Value>(allowed.find((one) => one === before) ?? allowed[0]);
  effect(() => keepText(name, value.value));
  return value;
}

export const theme = chosen<Theme>("theme", ["auto", "light", "dark"]);
export const clock = chosen<Clock>("clock", ["local", "utc"]);

effect(() => {
  if (theme.value === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme.value;
});
