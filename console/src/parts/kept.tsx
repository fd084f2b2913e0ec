// What is kept under a name: the dialog that asks for one, and the button that forgets it.

import { useState } from "preact/hooks";
import type { Kept } from "../data/kept.ts";
import { tell } from "../frame/toasts.tsx";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./fields.tsx";

export function Naming({
  title,
  hint,
  onName,
  onClose,
}: {
  title: string;
  hint: string;
  onName: (name: string) => void;
  onClose: () => void;
}) {
  const [name, setName] = useState("");
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() === "") return;
          onName(name.trim());
          onClose();
        }}
      >
        <TextField title="Name" value={name} onValue={setName} autofocus required hint={hint} />
        <div class="ends">
          <Button onPress={onClose}>Leave it</Button>
          <Button type="submit" look="first" disabled={name.trim() === ""}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export function Forget<Of extends { readonly name: string }>({ from, thing, what }: { from: Kept<Of>; thing: Of; what: string }) {
  return (
    <Button
      small
      look="plain"
      label={`Forget the ${what} ${thing.name}`}
      onPress={() => {
        const takeBack = from.forget(thing);
        tell({ kind: "note", text: `Forgot the ${what} ${thing.name}.`, undo: async () => await Promise.resolve(takeBack()) });
      }}
    >
      ×
    </Button>
  );
}
