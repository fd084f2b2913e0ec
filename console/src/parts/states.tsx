// States: what stands where an answer is not there yet, is empty, or was refused.

import type { ComponentChildren } from "preact";
import { sayError } from "../data/client.ts";
import type { Asked } from "../data/query.ts";
import { Button } from "./button.tsx";

/** Grey lines of about the height of what will stand there. */
export function Waiting({ lines = 4, what = "Loading" }: { lines?: number; what?: string }) {
  return (
    <div class="waiting" role="status" aria-label={what}>
      {Array.from({ length: lines }, (_, at) => (
        <i key={at} />
      ))}
    </div>
  );
}

/** Nothing is there: what that means, and what would change it. */
export const Empty = ({ children }: { children: ComponentChildren }) => <div class="empty">{children}</div>;

export type NoteKind = "note" | "good" | "warn" | "bad";

export function Note({ kind = "note", children }: { kind?: NoteKind; children: ComponentChildren }) {
  return (
    <div class={`note ${kind}`} role={kind === "bad" || kind === "warn" ? "alert" : "note"}>
      {children}
    </div>
  );
}

/** An error as people need it: its words, its code, and the way to try again. */
export function Failed({ error, again }: { error: unknown; again?: () => void }) {
  const { code, message } = sayError(error);
  return (
    <Note kind="bad">
      <p>{message}</p>
      <div class="row">
        <span class="dim mono">{code}</span>
        {again !== undefined && (
          <Button small onPress={again}>
            Try again
          </Button>
        )}
      </div>
    </Note>
  );
}

/**
 * An answer in each of its states.
 *
 * @example
 * <Shown of={runs}>{({ runs }) => <RunTable rows={runs} />}</Shown>
 */
export function Shown<Value>({
  of,
  children,
  lines = 4,
}: {
  of: Asked<Value>;
  children: (value: Value) => ComponentChildren;
  lines?: number;
}) {
  if (of.value === undefined) return of.error === undefined ? <Waiting lines={lines} /> : <Failed error={of.error} again={of.again} />;
  return (
    <>
      {of.error !== undefined && <Failed error={of.error} again={of.again} />}
      {of.isFormer && <div class="asking" role="progressbar" aria-label="Loading" />}
      {children(of.value)}
    </>
  );
}
