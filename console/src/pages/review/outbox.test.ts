import { describe, expect, it } from "vitest";
import { openOutbox, type Answer, type Batch } from "./outbox.ts";

function openTest(refuses: (answer: Answer) => boolean = () => false) {
  const sent: string[] = [];
  const refused: string[][] = [];
  const timers: (() => void)[] = [];
  const outbox = openOutbox<Batch>({
    send: async (answer) => {
      await Promise.resolve();
      if (refuses(answer)) throw new Error("no");
      sent.push(`${answer.review}=${answer.code}`);
    },
    onRefused: (_batch, of) => void refused.push(of.map(({ answer }) => answer.review)),
    onChange: () => undefined,
    holdMs: 3_000,
    later: (call) => {
      timers.push(call);
      return () => void timers.splice(timers.indexOf(call), 1);
    },
  });
  const quiet = async (): Promise<void> => {
    while (outbox.open > 0) await new Promise((resolve) => setImmediate(resolve));
  };
  return { outbox, sent, refused, timers, quiet };
}
const batch = (...reviews: string[]): Batch => ({ answers: reviews.map((review) => ({ review, code: "K" })) });

describe("answers on their way", () => {
  it("sends in order, the last one when its time is over", async () => {
    const { outbox, sent, timers, quiet } = openTest();
    outbox.give(batch("a"));
    outbox.give(batch("b", "c"));
    outbox.give(batch("d"));
    expect(outbox.open).toBe(4);
    expect(timers).toHaveLength(1);
    timers[0]?.();
    await quiet();
    expect(sent).toEqual(["a=K", "b=K", "c=K", "d=K"]);
    expect(timers).toHaveLength(0);
  });

  it("takes back what is held as if it had never been, and says that what was sent is kept", async () => {
    const { outbox, sent, timers, quiet } = openTest();
    outbox.give(batch("a"));
    outbox.give(batch("b"));
    expect(outbox.undo()).toMatchObject({ how: "taken back", batch: { answers: [{ review: "b" }] } });
    expect(timers).toHaveLength(0);
    expect(outbox.undo()).toMatchObject({ how: "kept", batch: { answers: [{ review: "a" }] } });
    expect(outbox.undo()).toBeUndefined();
    await quiet();
    expect(sent).toEqual(["a=K"]);
  });

  it("tells of a refused answer and sends the others; what is not there cannot be undone", async () => {
    const { outbox, sent, refused, quiet } = openTest(({ review }) => review === "b" || review === "x");
    outbox.give(batch("a", "b", "c"));
    outbox.give(batch("x"));
    outbox.give(batch("d"));
    outbox.flush();
    await quiet();
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toEqual(["a=K", "c=K", "d=K"]);
    expect(refused).toEqual([["b"], ["x"]]);
    expect(outbox.undo()?.batch.answers[0]?.review).toBe("d");
    expect(outbox.undo()?.batch.answers[0]?.review).toBe("a");
  });
});
