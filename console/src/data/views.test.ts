import { expect, it } from "vitest";
import { readViews, withView } from "./views.ts";

it("reads what was kept and leaves out what is no view", () => {
  expect(readViews(null)).toEqual([]);
  expect(readViews("{")).toEqual([]);
  expect(readViews('{"name":"x"}')).toEqual([]);
  expect(readViews('[{"name":"dead","path":"/runs","search":"state=dead"},{"name":1},null,"x"]')).toEqual([
    { name: "dead", path: "/runs", search: "state=dead" },
  ]);
});

it("replaces the one of the same page and name", () => {
  const views = [{ name: "mine", path: "/runs", search: "state=dead" }];
  expect(withView(views, { name: "mine", path: "/runs", search: "state=done" })).toEqual([
    { name: "mine", path: "/runs", search: "state=done" },
  ]);
  expect(withView(views, { name: "mine", path: "/dead", search: "" })).toHaveLength(2);
});
