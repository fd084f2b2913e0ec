// Who says so: the name of the sign-in; where nobody signs in, the one that is asked once and kept in this browser.

import { typedName, useSpeaker } from "../../data/say.ts";
import { TextField } from "../../parts/fields.tsx";

/** What goes along as `author`, whether it is still missing, and the field that asks for it where it must be asked. */
export function useAuthor() {
  const { name, isSignedIn } = useSpeaker();
  return {
    author: { author: isSignedIn ? undefined : name },
    isMissing: name === "",
    field: isSignedIn ? null : <TextField title="Who says so" value={typedName.value} onValue={(value) => (typedName.value = value)} />,
  };
}
