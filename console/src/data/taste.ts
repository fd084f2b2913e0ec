// Taste: what a person chose for this browser: light or dark, local time or UTC. Kept in the browser, told to nobody.

import { effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
export type Clock = "local" | "utc";

function kept<Value extends string>(name: string, allowed: readonly [Value, ...Value[]]) {
  const read = (): Value => {
    try {
      const found = allowed.find((value) => value === localStorage.getItem(`stockroom.${name}`));
      return found ?? allowed[0];
    } catch {
      return allowed[0];
    }
  };
  const value = signal<Value>(read());
  effect(() => {
    try {
      localStorage.setItem(`stockroom.${name}`, value.value);
    } catch {
      // A browser that keeps nothing: the choice lasts as long as the page.
    }
  });
  return value;
}

export const theme = kept<Theme>("theme", ["auto", "light", "dark"]);
export const clock = kept<Clock>("clock", ["local", "utc"]);

effect(() => {
  if (theme.value === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme.value;
});
