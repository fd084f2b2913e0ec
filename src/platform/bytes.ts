// Bytes: the one shape in which bytes move through the app.

/** A stream of bytes, pulled by its reader; a slow reader slows the source. */
export type Body = AsyncIterable<Uint8Array>;

/** Puts a small body into one piece. The caller has bounded it. */
export async function gather(body: Body): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

/** A small body out of one piece. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A value handed over from one side to the other, the writer waiting while the reader is behind. */
export interface Pipe<T> extends AsyncIterable<T> {
  /** Resolves when there is part again; rejects once the reader has gone. */
  write(value: T): Promise<void>;
  end(): void;
  /** The reader's next pull throws `error`. */
  fail(error: unknown): void;
}

/**
 * Makes a pipe that holds at most `room` values. One writer, one reader; the reader may begin before, while or after writing.
 */
export function makePipe<T>(room = 4): Pipe<T> {
  const waiting: T[] = [];
  let state: { readonly kind: "open" } | { readonly kind: "ended" } | { readonly kind: "failed"; readonly error: unknown } = {
    kind: "open",
  };
  let readerGone = false;
  let wakeReader: (() => void) | undefined;
  let wakeWriter: (() => void) | undefined;
  const wake = (): void => {
    wakeReader?.();
    wakeReader = undefined;
  };
  const wakeBack = (): void => {
    wakeWriter?.();
    wakeWriter = undefined;
  };
  return {
    async write(value) {
      if (readerGone) throw new Error("The reader of this pipe has gone.");
      waiting.push(value);
      wake();
      while (waiting.length >= room) {
        if (readerGone) return;
        await new Promise<void>((resolve) => (wakeWriter = resolve));
      }
    },
    end() {
      if (state.kind === "open") state = { kind: "ended" };
      wake();
    },
    fail(error) {
      if (state.kind === "open") state = { kind: "failed", error };
      wake();
    },
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const value = waiting.shift();
          if (value !== undefined) {
            wakeBack();
            yield value;
          } else if (state.kind === "ended") return;
          else if (state.kind === "failed") throw state.error;
          else await new Promise<void>((resolve) => (wakeReader = resolve));
        }
      } finally {
        readerGone = true;
        wakeBack();
      }
    },
  };
}
