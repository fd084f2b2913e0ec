// Apart: heavy pictures and drawings in processes of their own, because only a process can be ended.
//
// Owns: starting, giving work to, and ending the processes. Does not own: which pictures go there (engine/pictures/price.ts), how many at once (gate.ts).
//   A1. A picture's signal ends its process: deadlines, callers who left and Ctrl-C hold whatever a decoder or renderer is doing.
//   A2. A process makes one picture at a time. One that made its picture waits for the next for `idleMs` and is then ended.
//   A3. A process that ends by itself (too much CPU, too much memory, a broken decoder) is a mistake of the picture, not of the server.
//   A4. No process holds this one open: a program that uses the library ends when its own work is done.

import { type ChildProcess, fork } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describeError, reviveError } from "../../../platform/errors.ts";
import type { Encoded } from "../../engine/pictures/encode.ts";
import { notAPicture } from "../../engine/pictures/problems.ts";
import type { Tools } from "../../engine/pictures/tools.ts";
import { stopping } from "../problems.ts";
import type { Known, Order, Question, ToChild, ToParent } from "./protocol.ts";

/** Makes pictures apart. */
export interface Isolated {
  /** Makes one; rejects with what its making threw, or with the signal's reason once its process is ended. */
  make(order: Order, tools: Tools): Promise<Encoded>;
  /** Processes that live now. */
  readonly size: number;
  close(): Promise<void>;
}

const idleMs = 20_000;
// From the sources it is a .ts file, from dist a .js file.
const taskModule = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./picture-task.ts" : "../../service/isolated/picture-task.js", import.meta.url),
);
const secret = /SECRET|TOKEN|PASSW|KEY|CREDENTIAL|DATABASE_URL|NODE_OPTIONS/i;

/** Opens the room for such pictures; the first process starts with the first of them. */
export function openIsolated(): Isolated {
  const all = new Set<ChildProcess>();
  const idle = new Map<ChildProcess, NodeJS.Timeout>();
  let closed = false;

  const end = (child: ChildProcess): void => {
    clearTimeout(idle.get(child));
    idle.delete(child);
    child.kill("SIGKILL");
  };
  const hold = (child: ChildProcess): void => {
    child.ref();
    child.channel?.ref();
  };
  const start = (): ChildProcess => {
    // What decodes strangers' bytes has no need of our secrets.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !secret.test(name)));
    const child = fork(taskModule, [], { serialization: "advanced", execArgv: [], env, stdio: ["ignore", "ignore", "ignore", "ipc"] });
    all.add(child);
    child.once("exit", () => {
      all.delete(child);
      clearTimeout(idle.get(child));
      idle.delete(child);
    });
    // Writing to one that just ended; its exit tells the rest.
    child.on("error", () => undefined);
    return child;
  };
  const take = (): ChildProcess => {
    const [known] = idle;
    if (known === undefined) return start();
    clearTimeout(known[1]);
    idle.delete(known[0]);
    hold(known[0]);
    return known[0];
  };
  const giveBack = (child: ChildProcess): void => {
    if (closed || !child.connected) return end(child);
    const timer = setTimeout(() => end(child), idleMs);
    timer.unref();
    idle.set(child, timer);
    child.unref();
    child.channel?.unref();
  };

  const make = (order: Order, tools: Tools): Promise<Encoded> =>
    new Promise((resolve, reject) => {
      const { signal } = tools;
      signal?.throwIfAborted();
      const child = take();
      const tell = (message: ToChild): void => void (child.connected && child.send(message));
      const done = (after: () => void): void => {
        signal?.removeEventListener("abort", left);
        child.off("exit", ended);
        child.off("message", heard);
        after();
      };
      const left = (): void =>
        done(() => {
          // Its place is free when it is gone, and not before.
          child.once("exit", () => reject(signal?.reason as Error));
          end(child);
        });
      const ended = (_code: number | null, by: string | null): void =>
        done(() =>
          reject(
            closed
              ? stopping()
              : notAPicture(`Expected a picture that can be made but its making broke off (${by ?? "ended"}). Upload it again.`),
          ),
        );
      const heard = (message: ToParent): void => {
        if (message.kind === "question") {
          answer(message.question, tools)
            .then((value) => tell({ kind: "answer", asked: message.asked, value }))
            .catch((error: unknown) => tell({ kind: "refusal", asked: message.asked, error: describeError(error) }));
          return;
        }
        done(() => {
          if (message.kind === "made") giveBack(child);
          else if (message.error.facts["ended"] === true) end(child);
          else giveBack(child);
        });
        if (message.kind === "made") resolve(message.made);
        else reject(reviveError(message.error));
      };
      child.on("message", heard);
      child.once("exit", ended);
      signal?.addEventListener("abort", left, { once: true });
      tell({ kind: "make", order });
    });

  return {
    make,
    get size() {
      return all.size;
    },
    async close() {
      closed = true;
      const gone = [...all].map((child) => new Promise((resolve) => child.once("exit", resolve)));
      for (const child of all) {
        // An idle one holds nothing open; whoever closes waits for it all the same.
        hold(child);
        end(child);
      }
      await Promise.all(gone);
    },
  };
}

async function answer(
  question: Question,
  { readOverlay, detector, moderator, signal = new AbortController().signal }: Tools,
): Promise<Known> {
  if (question.what === "overlay") return await readOverlay(question.bucket, question.key, signal);
  const { picture, facts } = question;
  if (question.what === "faces") return (await detector?.faces(picture, { ...facts, signal })) ?? [];
  return (await moderator?.labels(picture, { ...facts, signal })) ?? [];
}
