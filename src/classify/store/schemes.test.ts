import { afterAll, beforeAll, expect, test } from "vitest";
import { openClassify, type ClassifyParts } from "../../../test/kit/classify.ts";
import { minutesLater, rowTime } from "../../../test/kit/classify-rows.ts";
import type { Scheme } from "../engine/schemes.ts";
import { findScheme, insertScheme, insertSchemeFiles, listSchemes, unreadSchemeFiles } from "./schemes.ts";

let parts: ClassifyParts;
beforeAll(async () => {
  parts = await openClassify();
});
afterAll(async () => await parts.close());

const scheme = (name: string, code: string): Scheme => ({
  scheme: name,
  country: "*",
  versions: [{ version: "1", validFrom: "2020-01-01", codes: [{ code, name: code }] }],
  mappings: [],
});

const insert = async (name: string, code: string, at: string) =>
  await parts.database.transaction(async (tx) => await insertScheme(tx, scheme(name, code), "test", at));
const codeOf = (revision: { readonly scheme: Scheme } | undefined): string | undefined => revision?.scheme.versions[0]?.codes[0]?.code;

test("the same definition makes no revision; going back to an earlier one makes that the latest again", async () => {
  const first = await insert("A", "x", rowTime);
  expect(first.isNew).toBe(true);
  expect(await insert("A", "x", minutesLater(1))).toEqual({ revision: first.revision, isNew: false });
  const second = await insert("A", "y", minutesLater(2));
  expect(second.revision).toBeGreaterThan(first.revision);
  expect(codeOf(await findScheme(parts.database, "A"))).toBe("y");
  // Old months are coded again as they were: a former revision is found by its number.
  expect(codeOf(await findScheme(parts.database, "A", first.revision))).toBe("x");
  expect(await insert("A", "x", minutesLater(3))).toEqual({ revision: first.revision, isNew: true });
  expect(codeOf(await findScheme(parts.database, "A"))).toBe("x");
  expect(await findScheme(parts.database, "A", 999)).toBeUndefined();
  expect(await findScheme(parts.database, "B")).toBeUndefined();
});

test("the list has the latest revision of each scheme, by name", async () => {
  await insert("B", "z", rowTime);
  expect((await listSchemes(parts.database)).map((one) => [one.scheme.scheme, codeOf(one)])).toEqual([
    ["A", "x"],
    ["B", "z"],
  ]);
});

test("two who import different definitions at once make two revisions, one after the other", async () => {
  const both = await Promise.all([insert("C", "p", minutesLater(1)), insert("C", "q", minutesLater(1))]);
  expect(new Set(both.map(({ revision }) => revision)).size).toBe(2);
  expect(both.every(({ isNew }) => isNew)).toBe(true);
  const [again] = await Promise.all([insert("D", "p", rowTime), insert("D", "p", rowTime)]);
  expect((await findScheme(parts.database, "D"))?.revision).toBe(again?.revision);
});

test("a version of a scheme file is read once, whatever came of it", async () => {
  const files = [
    { key: "classify/schemes/a.yaml", version: "1" },
    { key: "classify/schemes/a.yaml", version: "2" },
    { key: "classify/schemes/b.yaml", version: "1" },
  ];
  expect(await unreadSchemeFiles(parts.database, files)).toEqual(files);
  expect(await unreadSchemeFiles(parts.database, [])).toEqual([]);
  await insertSchemeFiles(parts.database, files.slice(0, 1), false, rowTime);
  await insertSchemeFiles(parts.database, files.slice(0, 1), true, rowTime);
  expect(await unreadSchemeFiles(parts.database, files)).toEqual(files.slice(1));
});
