// The picture process: makes one picture after the other for the server that started it, and nothing else.
//
//   picture-task.C1. It watches itself: past the bounds of one URL on CPU or memory it says so and ends, whatever its libraries are doing just then.
//   picture-task.C2. It lives no longer than its server: when the channel closes, however that came about, it ends at once.
//   picture-task.C3. Ctrl-C in a terminal reaches it too; ending is the server's business, which may still have answers to give.

import process from "node:process";
import { describeError, reviveError } from "../../../platform/errors.ts";
import { mostBytes, mostCpuMs } from "../../engine/pictures/price.ts";
import type { Face, FaceDetector, ModerationLabel, Moderator, PictureFacts } from "../../engine/pictures/tools.ts";
import { transform } from "../../engine/pictures/transform.ts";
import type { Known, Order, Question, ToChild, ToParent } from "./protocol.ts";

const watchMs = 20;
/** Where it ends itself: what starting it takes belongs to the URL as well, and the next look may come late. */
const endAt = { cpuMs: mostCpuMs - 800, bytes: mostBytes - 30_000_000 };

const open = new Map<number, { readonly resolve: (value: Known) => void; readonly reject: (error: Error) => void }>();
let lastAsked = 0;

const send = (message: ToParent, then?: () => void): void => void process.send?.(message, undefined, {}, () => then?.());
const end = (): void => void process.kill(process.pid, "SIGKILL");

function ask(question: Question): Promise<Known> {
  lastAsked += 1;
  const asked = lastAsked;
  return new Promise((resolve, reject) => {
    open.set(asked, { resolve, reject });
    send({ kind: "question", asked, question });
  });
}

/** The facts without what cannot be sent. */
const sendable = ({ id, contentType, width, height }: PictureFacts): PictureFacts => ({ id, contentType, width, height });

const detector: FaceDetector = {
  faces: async (picture, facts) => (await ask({ what: "faces", picture, facts: sendable(facts) })) as readonly Face[],
};
const moderator: Moderator = {
  labels: async (picture, facts) => (await ask({ what: "labels", picture, facts: sendable(facts) })) as readonly ModerationLabel[],
};

/** Ends the process when the picture takes more than one URL may. */
function watch(): () => void {
  const begin = process.cpuUsage();
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(begin);
    const cpuMs = (user + system) / 1000;
    const bytes = process.memoryUsage.rss();
    if (cpuMs <= endAt.cpuMs && bytes <= endAt.bytes) return;
    const took = cpuMs > endAt.cpuMs ? `${(mostCpuMs / 1000).toFixed(0)} s of one core` : `${mostBytes / 1e6} MB`;
    const message = `Expected a picture that can be made with ${took} but this one takes more. Ask for a smaller size, or for less.`;
    clearInterval(timer);
    send({ kind: "failed", error: { kind: "input", code: "ImageEdits::TooCostly", message, facts: { status: 400, ended: true } } }, end);
  }, watchMs);
  return () => clearInterval(timer);
}

async function make({ original, request, limits, load, originalId, hasDetector, hasModerator }: Order): Promise<void> {
  const rest = watch();
  try {
    const made = await transform(original, request, {
      readOverlay: async (bucket, key) => (await ask({ what: "overlay", bucket, key })) as Uint8Array,
      limits,
      load,
      originalId,
      detector: hasDetector ? detector : undefined,
      moderator: hasModerator ? moderator : undefined,
    });
    send({ kind: "made", made });
  } catch (error) {
    send({ kind: "failed", error: describeError(error) });
  } finally {
    rest();
    open.clear();
  }
}

process.on("message", (message: ToChild) => {
  if (message.kind === "make") void make(message.order);
  else {
    const waiting = open.get(message.asked);
    open.delete(message.asked);
    if (message.kind === "answer") waiting?.resolve(message.value);
    else waiting?.reject(reviveError(message.error));
  }
});
process.on("disconnect", end);
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
