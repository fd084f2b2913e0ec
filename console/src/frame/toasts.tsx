// What is told in passing, in the corner: done, refused, to be undone.

import { signal } from "@preact/signals";
import { sayError } from "../data/client.ts";

export interface Toast {
  readonly kind: "good" | "bad" | "note";
  readonly text: string;
  readonly code?: string;
  readonly undo?: () => Promise<unknown>;
}

const shown = signal<readonly (Toast & { readonly id: number })[]>([]);
let last = 0;
const staysMs = { good: 6_000, note: 6_000, bad: 15_000 } as const;
const undoMs = 12_000;

export function tell(toast: Toast): void {
  const id = ++last;
  shown.value = [...shown.value.slice(-3), { ...toast, id }];
  setTimeout(() => close(id), toast.undo === undefined ? staysMs[toast.kind] : undoMs);
}

/** Says why something could not be done, with its code. */
export function tellError(error: unknown): void {
  const { code, message } = sayError(error);
  tell({ kind: "bad", text: message, code });
}

const close = (id: number): void => {
  shown.value = shown.value.filter((toast) => toast.id !== id);
};

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.value.map(({ id, kind, text, code, undo }) => (
        <div key={id} class={`toast ${kind}`}>
          <div>
            {text}
            {code !== undefined && <div class="dim mono">{code}</div>}
          </div>
          {undo !== undefined && (
            <button
              class="button small"
              onClick={() => {
                close(id);
                void undo().then(() => tell({ kind: "note", text: "Undone." }), tellError);
              }}
            >
              Undo
            </button>
          )}
          <button class="button plain small" aria-label="Close this message" onClick={() => close(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
