// Outbox: answers on their way to the server.
//
//   O1. Answers are sent one after another, in the order in which they were given.
//   O2. The last one is held for a moment, or until the next is given: until then it is taken back whole, as if it had never been. What was sent can only
//       be amended, and `undo` says which of the two it is.
//   O3. A refused answer is told with its error; those after it are sent all the same, for they are answers on other items.

export interface Answer {
  readonly review: string;
  readonly code: string;
}

/** What was answered by one press of a key. */
export interface Batch {
  readonly answers: readonly Answer[];
  /** Why, where a kept answer is replaced. */
  readonly amends?: string | undefined;
}

export interface OutboxDeps<Of extends Batch> {
  readonly send: (answer: Answer, batch: Of) => Promise<unknown>;
  readonly onRefused: (batch: Of, refused: readonly { readonly answer: Answer; readonly error: unknown }[]) => void;
  readonly onChange: () => void;
  readonly holdMs: number;
  /** Calls after so many milliseconds; gives a way to call it off. */
  readonly later: (call: () => void, ms: number) => () => void;
}

export interface Outbox<Of extends Batch> {
  give(batch: Of): void;
  /** The last batch, and whether it was taken back or is kept and can only be amended. */
  undo(): { readonly batch: Of; readonly how: "taken back" | "kept" } | undefined;
  /** Sends what is held. */
  flush(): void;
  /** Answers not yet kept. */
  readonly open: number;
}

export function openOutbox<Of extends Batch>({ send, onRefused, onChange, holdMs, later }: OutboxDeps<Of>): Outbox<Of> {
  const given: Of[] = [];
  let held: { readonly batch: Of; readonly callOff: () => void } | undefined;
  let sending = Promise.resolve();
  let underWay = 0;

  const deliver = async (batch: Of): Promise<void> => {
    const refused: { answer: Answer; error: unknown }[] = [];
    for (const answer of batch.answers) {
      try {
        await send(answer, batch);
      } catch (error) {
        refused.push({ answer, error });
      }
      underWay -= 1;
      onChange();
    }
    if (refused.length === 0) return;
    // Where nothing was kept there is nothing to undo.
    const place = given.indexOf(batch);
    if (refused.length === batch.answers.length && place !== -1) given.splice(place, 1);
    onRefused(batch, refused);
  };

  const flush = (): void => {
    if (held === undefined) return;
    const { batch, callOff } = held;
    callOff();
    held = undefined;
    underWay += batch.answers.length;
    const before = sending;
    sending = (async () => {
      await before;
      await deliver(batch);
    })();
  };

  return {
    give: (batch) => {
      flush();
      given.push(batch);
      held = { batch, callOff: later(flush, holdMs) };
      onChange();
    },
    undo: () => {
      const batch = given.pop();
      if (batch === undefined) return undefined;
      const how = held?.batch === batch ? "taken back" : "kept";
      if (how === "taken back") {
        held?.callOff();
        held = undefined;
      }
      onChange();
      return { batch, how };
    },
    flush,
    get open() {
      return underWay + (held?.batch.answers.length ?? 0);
    },
  };
}
