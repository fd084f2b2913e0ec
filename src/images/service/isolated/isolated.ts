// Isolated: heavy pictures and drawings in processes of their own, because only a process can be ended.
//
// Owns: what a picture and its process say to each other. Does not own: the processes (processes.ts), which pictures go there
// (engine/pictures/price.ts), how many at once (budgets.ts).
//   isolated.A1. A picture's signal ends its process: deadlines, callers who left and Ctrl-C hold whatever a decoder or renderer is doing.
//   isolated.A3. A process that ends by itself (too much CPU, too much memory, a broken decoder) is a mistake of the picture, not of the server.

import type { ChildProcess } from "node:child_process";
import { describeError, reviveError } from "../../../platform/errors.ts";
import { notAPicture } from "../../engine/pictures/problems.ts";
import type { Encoded, Tools } from "../../engine/pictures/tools.ts";
import { stopping } from "../problems.ts";
import { openProcesses } from "./processes.ts";
import type { Processes } from "./processes.ts";
import type { Known, Order, Question, ToChild, ToParent } from "./protocol.ts";

/** Makes pictures in processes of their own. */
export interface Isolated {
  /** Makes one; rejects with what its making threw, or with the signal's reason once its process is ended. */
  make(order: Order, tools: Tools): Promise<Encoded>;
  /** Processes that live now. */
  readonly size: number;
  close(): Promise<void>;
}

/** Opens the pool of processes; the first one starts with the first picture. */
export function openIsolated(): Isolated {
  const processes = openProcesses();
  return {
    make: (order, tools) => make(processes, order, tools),
    get size() {
      return processes.size;
    },
    close: async () => await processes.close(),
  };
}

function make(processes: Processes, order: Order, tools: Tools): Promise<Encoded> {
  return new Promise((resolve, reject) => {
    const { signal } = tools;
    signal?.throwIfAborted();
    const child = processes.take();
    const stopListening = (): void => {
      signal?.removeEventListener("abort", left);
      child.off("exit", ended);
      child.off("message", heard);
    };
    const left = (): void => {
      stopListening();
      // Its place is free when it is gone, and not before.
      child.once("exit", () => reject(signal?.reason as Error));
      processes.end(child);
    };
    const ended = (_code: number | null, by: string | null): void => {
      stopListening();
      reject(processes.isClosed ? stopping() : brokeOff(by));
    };
    const heard = (message: ToParent): void => {
      if (message.kind === "question") {
        void answer(child, message, tools);
        return;
      }
      stopListening();
      if (message.kind === "failed" && message.error.facts["ended"] === true) processes.end(child);
      else processes.giveBack(child);
      if (message.kind === "made") resolve(message.made);
      else reject(reviveError(message.error));
    };
    child.on("message", heard);
    child.once("exit", ended);
    signal?.addEventListener("abort", left, { once: true });
    tell(child, { kind: "make", order });
  });
}

const tell = (child: ChildProcess, message: ToChild): void => void (child.connected && child.send(message));

const brokeOff = (by: string | null): Error =>
  notAPicture(`Expected a picture that can be made but its making broke off (${by ?? "ended"}). Upload it again.`);

/** Answers a question of the process; never throws. */
async function answer(child: ChildProcess, { asked, question }: Extract<ToParent, { kind: "question" }>, tools: Tools): Promise<void> {
  try {
    tell(child, { kind: "answer", asked, value: await known(question, tools) });
  } catch (error) {
    tell(child, { kind: "refusal", asked, error: describeError(error) });
  }
}

async function known(
  question: Question,
  { readOverlay, detector, moderator, signal = new AbortController().signal }: Tools,
): Promise<Known> {
  if (question.what === "overlay") return await readOverlay(question.bucket, question.key, signal);
  const { picture, facts } = question;
  if (question.what === "faces") return (await detector?.faces(picture, { ...facts, signal })) ?? [];
  return (await moderator?.labels(picture, { ...facts, signal })) ?? [];
}
