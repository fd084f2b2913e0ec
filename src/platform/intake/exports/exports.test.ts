import { expect, test } from "vitest";
import { columnsOfPart, exportProfiles, findExport } from "./index.ts";

test.each(exportProfiles.flatMap((profile) => profile.recognisedBy.map((set) => [profile.name, profile, set] as const)))(
  "%s is known by each of its sets of columns, however they are written",
  (_, profile, set) => {
    expect(findExport(set)?.name).toBe(profile.name);
    expect(findExport(set.map((name) => name.toUpperCase().replaceAll(" ", "_")))?.name).toBe(profile.name);
    expect(findExport(["further", ...set.toReversed()])?.name).toBe(profile.name);
    expect(findExport(set.slice(1))?.name).not.toBe(profile.name);
    expect(findExport(set, "none")).toBeUndefined();
    const parts = (["item", "instant", "quantity", "title", "category"] as const).filter(
      (part) => columnsOfPart(profile, part, set).length > 0,
    );
    expect(parts.length).toBeGreaterThan(0);
  },
);

test("names are told apart, and what nobody exports is none", () => {
  expect(new Set(exportProfiles.map(({ name }) => name)).size).toBe(exportProfiles.length);
  expect(findExport(["date", "item", "quantity"])).toBeUndefined();
  expect(findExport(["id", "title", "description"])).toBeUndefined();
});
