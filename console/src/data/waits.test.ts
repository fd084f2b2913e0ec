import { expect, it } from "vitest";
import { folded, totalText, worstFirst, type Wait } from "./waits.ts";

const wait = (of: Partial<Wait>): Wait => ({ id: "x", weight: 3, kind: "dead letter", title: "x", why: "", href: "/", count: 1, ...of });

it("tells a failed forecast once: by its dead letter, where it has one", () => {
  const waits = [
    wait({ id: "group oslo", kind: "question", run: "forecast/oslo/1" }),
    wait({ id: "dead 1", run: "forecast/oslo/1" }),
    wait({ id: "group bern", kind: "question", run: "forecast/bern/1", at: "2026-10-01" }),
  ];
  expect(worstFirst(waits).map(({ id }) => id)).toEqual(["group bern", "dead 1"]);
});

it("puts the worst first, and of equal ones the newest", () => {
  const waits = [
    wait({ id: "a", weight: 1 }),
    wait({ id: "b", at: "2026-01-01" }),
    wait({ id: "c", at: "2026-02-01" }),
    wait({ id: "d", weight: 2 }),
  ];
  expect(worstFirst(waits).map(({ id }) => id)).toEqual(["c", "b", "d", "a"]);
});

it("counts all, and says where it could not", () => {
  const letters = Array.from({ length: 7 }, (_, at) => wait({ id: `dead ${at}`, run: `run ${at}` }));
  const rest = { id: "dead rest", href: "/dead", noun: "dead letters" };
  expect(folded(letters, 10, true, rest)).toBe(letters);
  expect(folded([], 10, true, rest)).toEqual([]);
  const all = folded(letters, 5, true, rest);
  expect([all.length, all.at(-1)?.title, totalText(all)]).toEqual([6, "2 further dead letters", "7"]);
  const some = folded(letters, 5, false, rest);
  expect([some.at(-1)?.title, totalText(some)]).toEqual(["2 or more further dead letters", "7+"]);
  expect(folded(letters, 7, false, rest).at(-1)).toMatchObject({ title: "Further dead letters", count: 0, isLeast: true });
  expect(totalText(letters, 5)).toBe("5+");
});
