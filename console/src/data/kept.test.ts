import { expect, it } from "vitest";
import { hasTexts, openKept, parseThings, withThing } from "./kept.ts";

interface View {
  readonly name: string;
  readonly path: string;
  readonly search: string;
}
const isView = (value: unknown): value is View => hasTexts(value, ["name", "path", "search"]);

it("reads what was kept and leaves out what is no view", () => {
  expect(parseThings(undefined, isView)).toEqual([]);
  expect(parseThings("{", isView)).toEqual([]);
  expect(parseThings('{"name":"x"}', isView)).toEqual([]);
  expect(parseThings('[{"name":"dead","path":"/runs","search":"state=dead"},{"name":1},null,"x"]', isView)).toEqual([
    { name: "dead", path: "/runs", search: "state=dead" },
  ]);
});

it("replaces the one that is the same", () => {
  const isSame = (one: View, other: View): boolean => one.name === other.name && one.path === other.path;
  const views = [{ name: "mine", path: "/runs", search: "state=dead" }];
  expect(withThing(views, { name: "mine", path: "/runs", search: "state=done" }, isSame)).toEqual([
    { name: "mine", path: "/runs", search: "state=done" },
  ]);
  expect(withThing(views, { name: "mine", path: "/dead", search: "" }, isSame)).toHaveLength(2);
});

it("keeps, forgets and takes back where there is no place to keep anything", () => {
  const kept = openKept("views", isView);
  const view = { name: "mine", path: "/runs", search: "" };
  kept.keep(view);
  kept.keep({ ...view, name: "a" });
  expect(kept.all.value.map(({ name }) => name)).toEqual(["a", "mine"]);
  const takeBack = kept.forget(view);
  expect(kept.all.value.map(({ name }) => name)).toEqual(["a"]);
  takeBack();
  expect(kept.all.value.map(({ name }) => name)).toEqual(["a", "mine"]);
});
