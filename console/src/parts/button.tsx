// Buttons, and what they would be on a command line.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asCommand, asCurl, type Said } from "../data/copy.ts";
import { tell } from "../frame/toasts.tsx";

export interface ButtonProps {
  readonly children: ComponentChildren;
  readonly onPress?: () => void;
  readonly look?: "first" | "danger" | "plain";
  readonly small?: boolean;
  /** It is under way: not to be pressed, and said so. */
  readonly busy?: boolean;
  readonly disabled?: boolean;
  /** Said by a screen reader and on hovering, where the words on it are not enough. */
  readonly label?: string;
  readonly type?: "button" | "submit";
}

export function Button({ children, onPress, look, small = false, busy = false, disabled = false, label, type = "button" }: ButtonProps) {
  return (
    <button
      type={type}
      class={`button ${look ?? ""} ${small ? "small" : ""}`}
      disabled={disabled || busy}
      aria-busy={busy}
      {...(label === undefined ? {} : { "aria-label": label, title: label })}
      onClick={() => onPress?.()}
    >
      {children}
    </button>
  );
}

/** A button that opens a list of further ones. Escape and a press elsewhere close it. */
export function Menu({
  title,
  label,
  children,
  small = false,
}: {
  title: ComponentChildren;
  label?: string;
  children: ComponentChildren;
  small?: boolean;
}) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    const away = (event: Event): void => {
      if (event instanceof KeyboardEvent ? event.key === "Escape" : !(event.target instanceof Node && box.current?.contains(event.target)))
        setOpen(false);
    };
    document.addEventListener("pointerdown", away);
    document.addEventListener("keydown", away);
    return () => {
      document.removeEventListener("pointerdown", away);
      document.removeEventListener("keydown", away);
    };
  }, [isOpen]);
  return (
    <div class="menu" ref={box}>
      <button
        type="button"
        class={`button ${small ? "small" : ""}`}
        aria-expanded={isOpen}
        {...(label === undefined ? {} : { "aria-label": label })}
        onClick={() => setOpen(!isOpen)}
      >
        {title}
      </button>
      {isOpen && <div onClick={() => setOpen(false)}>{children}</div>}
    </div>
  );
}

export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tell({ kind: "note", text: `Copied: ${what}` });
  } catch {
    // No clipboard without a secure context: shown to be copied by hand.
    tell({ kind: "note", text });
  }
}

/** "Copy as": what the page shows or the button does, as curl and as a command. */
export function CopyAs({ said, small = true }: { said: Said; small?: boolean }) {
  const { command } = said;
  return (
    <Menu title="Copy as" small={small}>
      {command !== undefined && (
        <button type="button" onClick={() => void copyText(asCommand(command), "the command")}>
          Command
        </button>
      )}
      <button type="button" onClick={() => void copyText(asCurl(said, location.origin), "the curl command")}>
        curl
      </button>
      <button type="button" onClick={() => void copyText(location.href, "the link to this page")}>
        Link to this page
      </button>
    </Menu>
  );
}
