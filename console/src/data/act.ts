// Acting: a call that changes something, from the press of a button to what is told of it.
//
//   A1. While it is under way it cannot be pressed again; what the server refuses is told with its words and code.
//   A2. What can be undone offers it for as long as the message stands.

import { useState } from "preact/hooks";
import { counted } from "../../../src/platform/figures.ts";
import { tell, tellError } from "../frame/toasts.tsx";
import { client, type AnswerOf, type CallOf, type RouteName } from "./client.ts";
import { forget } from "./query.ts";

export interface ActOptions<Name extends RouteName> {
  /** What is told when it is done. */
  readonly done?: string | ((answer: AnswerOf<Name>) => string);
  readonly undo?: (answer: AnswerOf<Name>) => Promise<unknown>;
  /** Routes whose answers are stale now. Default: all. */
  readonly stale?: readonly RouteName[];
}

export interface Act<Name extends RouteName> {
  /** Gives the answer, or undefined when it was refused (and told). */
  run(call: CallOf<Name>, options?: ActOptions<Name>): Promise<AnswerOf<Name> | undefined>;
  readonly isRunning: boolean;
  readonly error: unknown;
}

/**
 * @example
 * const cancel = useAct("POST /api/runs/:id/cancel", { done: "It stops at its next step" });
 * <Button busy={cancel.isRunning} onPress={() => void cancel.run({ params: { id }, body: { reason } })}>Cancel</Button>
 */
export function useAct<Name extends RouteName>(name: Name, usual: ActOptions<Name> = {}): Act<Name> {
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  return {
    isRunning,
    error,
    run: async (call, options = {}) => {
      const { done, undo, stale = [] } = { ...usual, ...options };
      setRunning(true);
      setError(undefined);
      try {
        const send = client.call.bind(client) as (name: Name, call: object) => Promise<AnswerOf<Name>>; // oxlint-disable-line typescript/no-unsafe-type-assertion
        const answer = await send(name, call);
        forget(...stale);
        if (done !== undefined) {
          tell({
            kind: "good",
            text: typeof done === "string" ? done : done(answer),
            ...(undo === undefined
              ? {}
              : {
                  undo: async () => {
                    await undo(answer);
                    forget();
                  },
                }),
          });
        }
        return answer;
      } catch (caught) {
        setError(caught);
        tellError(caught);
        return undefined;
      } finally {
        setRunning(false);
      }
    },
  };
}

interface Many {
  readonly done: readonly string[];
  readonly failed: readonly { readonly error: { readonly message: string } }[];
}

/** What was done to many and what could not be, in a sentence. */
export function toldOf({ done, failed }: Many, noun: string, what: string): string {
  const [first] = failed;
  const good = `${counted(done.length, noun)} ${what}`;
  return first === undefined ? `${good}.` : `${good}; ${failed.length} could not: ${first.error.message}`;
}
