// A dialog: the browser's own, so that focus stays in it and Escape closes it.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button, CopyAs } from "./button.tsx";
import { TextField } from "./fields.tsx";
import type { Said } from "../data/copy.ts";

export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    box.current?.showModal();
  }, []);
  return (
    <dialog ref={box} aria-label={title} onClose={onClose} onClick={(event) => event.target === box.current && onClose()}>
      <div class="stack">
        <h2>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

export interface ConfirmProps {
  readonly title: string;
  readonly children?: ComponentChildren;
  /** The button's words: what will be done. */
  readonly act: string;
  readonly danger?: boolean;
  readonly busy?: boolean;
  /** Whether a reason is asked for, and must be given. */
  readonly reason?: "asked" | "must";
  /** What it would be on a command line, with the reason that stands there. */
  readonly said?: (reason: string) => Said;
  readonly onDo: (reason: string) => void;
  readonly onClose: () => void;
}

/** Asks before something is done that cannot be undone, or wants a reason. */
export function Confirm({ title, children, act, danger = false, busy = false, reason, said, onDo, onClose }: ConfirmProps) {
  const [text, setText] = useState("");
  const isMissing = reason === "must" && text.trim() === "";
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!isMissing) onDo(text.trim());
        }}
      >
        {children}
        {reason !== undefined && (
          <TextField
            title={reason === "must" ? "Reason" : "Reason (kept with it)"}
            value={text}
            onValue={setText}
            autofocus
            required={reason === "must"}
          />
        )}
        <div class="ends">
          {said !== undefined && <CopyAs said={said(text.trim())} small={false} />}
          <Button onPress={onClose}>Keep as it is</Button>
          <Button type="submit" look={danger ? "danger" : "first"} busy={busy} disabled={isMissing}>
            {act}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
