// Who says so: the name of the sign-in; where nobody signs in, a name that is typed once and kept in this browser.

import { signal } from "@preact/signals";
import { useMe } from "../../data/me.ts";
import { TextField } from "../../parts/fields.tsx";

const place = "stockroom.author";

function readKept(): string {
  try {
    return localStorage.getItem(place) ?? "";
  } catch {
    return "";
  }
}

const typed = signal(readKept());

/** What goes along as `author`, whether it is still missing, and the field that asks for it where it must be asked. */
export function useAuthor() {
  const { known } = useMe();
  const isKnown = known?.name !== undefined;
  const name = typed.value.trim();
  return {
    author: { author: isKnown ? undefined : name },
    isMissing: !isKnown && name === "",
    field: isKnown ? null : (
      <TextField
        title="Who says so"
        value={typed.value}
        onValue={(value) => {
          typed.value = value;
          try {
            localStorage.setItem(place, value);
          } catch {
            // A browser that keeps nothing: the name lasts as long as the page.
          }
        }}
      />
    ),
  };
}
