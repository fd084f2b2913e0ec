import { describe, expect, it } from "vitest";
import { above, folderOf, pageSize, readFolder } from "./folder.ts";

/** A store of keys as the server lists it, which counts how often it was asked. */
function storeOf(keys: readonly string[], prefix: string) {
  const sorted = keys.filter((key) => key.startsWith(prefix)).toSorted();
  const asked: (string | undefined)[] = [];
  const list = async (after: string | undefined) => {
    asked.push(after);
    const rest = after === undefined ? sorted : sorted.filter((key) => key > after);
    return await Promise.resolve(rest.slice(0, pageSize).map((key) => ({ key })));
  };
  return { list, asked };
}

describe("a folder", () => {
  const many = Array.from({ length: 1_000 }, (_, at) => `a/big/${String(at).padStart(4, "0")}.csv`);

  it("has what lies directly below it, and skips what lies in its folders", async () => {
    const { list, asked } = storeOf([...many, "a/small/1.csv", "a/z.csv", "a/b.csv", "other"], "a/");
    const page = await readFolder(list, "a/");
    expect(page.folders).toEqual(["big/", "small/"]);
    expect(page.objects.map(({ key }) => key)).toEqual(["a/b.csv", "a/z.csv"]);
    expect(page.next).toBeUndefined();
    expect(asked).toHaveLength(2);
  });

  it("goes on from where it stopped", async () => {
    const flat = Array.from({ length: 5_100 }, (_, at) => `f/${String(at).padStart(5, "0")}`);
    const { list } = storeOf(flat, "f/");
    const first = await readFolder(list, "f/");
    expect(first.objects).toHaveLength(5_000);
    const second = await readFolder(list, "f/", first.next);
    expect(second.objects.map(({ key }) => key)).toEqual(flat.slice(5_000));
    expect(second.next).toBeUndefined();
  });

  it("knows the way to it", () => {
    expect(above("")).toEqual([{ name: "All", prefix: "" }]);
    expect(above("a/b/")).toEqual([
      { name: "All", prefix: "" },
      { name: "a", prefix: "a/" },
      { name: "b", prefix: "a/b/" },
    ]);
    expect(folderOf("a/b/c.csv")).toBe("a/b/");
    expect(folderOf("c.csv")).toBe("");
  });
});
