import { describe, expect, it } from "vitest";
import { aboutOf, groupLetters, type Letter } from "./groups.ts";

const letter = (id: string, code: string, title: string, facts: Letter["error"]["facts"] = {}): Letter => ({
  id,
  workflow: "classify.train",
  title,
  at: `2026-10-0${id}T00:00:00Z`,
  error: { code, message: `Expected more in classify/labelled/GBR/may.csv.`, facts },
});

describe("dead letters", () => {
  it("are about the file that the error names, else the title, else the message, else their workflow", () => {
    expect(aboutOf(letter("1", "A", "train", { key: "classify/sales/2026-10/GBR.csv" }))).toBe("classify/sales/2026-10/GBR.csv");
    expect(aboutOf(letter("1", "A", "train GBR-UK15 on classify/labelled/GBR/june.csv"))).toBe("classify/labelled/GBR/june.csv");
    expect(aboutOf(letter("1", "A", "read sales.csv.gz"))).toBe("sales.csv.gz");
    expect(aboutOf(letter("1", "A", "train"))).toBe("classify/labelled/GBR/may.csv");
    expect(aboutOf({ ...letter("1", "A", "train"), error: { code: "A", message: "Expected more.", facts: {} } })).toBe("classify.train");
  });

  it("stand together by code and file, the largest group first, in it the newest first", () => {
    const letters = [
      letter("1", "A", "train on a/b.csv"),
      letter("2", "B", "train on a/b.csv"),
      letter("3", "A", "train on a/b.csv"),
      letter("4", "A", "train on a/c.csv"),
    ];
    expect(groupLetters(letters).map(({ code, about, letters }) => [code, about, letters.map(({ id }) => id)])).toEqual([
      ["A", "a/b.csv", ["3", "1"]],
      ["A", "a/c.csv", ["4"]],
      ["B", "a/b.csv", ["2"]],
    ]);
  });
});
