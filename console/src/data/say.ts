// Who says so: the name that stands beside every answer and word. Whoever signed in has one; on a server without users it is asked once and kept in
// this browser.

import { effect, signal } from "@preact/signals";
import { keepText, readKept } from "./kept.ts";
import { useMe } from "./me.ts";

export const typedName = signal(readKept("speaker") ?? "");
effect(() => keepText("speaker", typedName.value));

export interface Speaker {
  /** "": it must be asked first. */
  readonly name: string;
  /** Whether it is the name of the sign-in, which nobody types. */
  readonly isSignedIn: boolean;
}

export function useSpeaker(): Speaker {
  const { known } = useMe();
  const own = known?.name ?? "";
  return own === "" ? { name: typedName.value.trim(), isSignedIn: false } : { name: own, isSignedIn: true };
}
