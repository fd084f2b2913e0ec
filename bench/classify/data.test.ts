import { describe, expect, test } from "vitest";
import { readTable } from "../../src/platform/formats/index.ts";
import { parseSchemes } from "../../src/classify/engine/schemes.ts";
import {
  findReal,
  keywordPattern,
  makeCodeOf,
  realLabelledFiles,
  realSalesFiles,
  realSchemes,
  summariseReal,
  type BenchFile,
} from "./data.ts";

describe("a keyword rule", () => {
  const fridge = keywordPattern(String.raw`\b(køleskab|kühlschrank|öl|e-cig)\b`);
  test.each([
    ["køleskab", true],
    ["et køleskab, hvidt", true],
    ["køleskabe", false],
    ["minikøleskab", false],
    ["kühlschrank.", true],
    ["kühlschränke", false],
    ["(öl)", true],
    ["föl", false],
    ["ölö", false],
    ["öl_", false],
    ["öl2", false],
    ["冷öl", false],
    ["an e-cig!", true],
    ["e-cigs", false],
    ["", false],
  ])("has its edges where words have them: %s", (text, found) => {
    expect(fridge.test(text)).toBe(found);
  });

  test("finds what starts or ends outside ASCII, where JavaScript's own edge does not", () => {
    expect(/\b(été)\b/u.test("un été chaud")).toBe(false);
    expect(keywordPattern(String.raw`\b(été)\b`).test("un été chaud")).toBe(true);
  });
});

const item = (category: string, title: string, description = ""): { category: string; title: string; description: string } => ({
  category,
  title,
  description,
});

async function readBack(file: BenchFile): Promise<Record<string, string>[]> {
  const table = await readTable(file.body(), { name: file.key, onBadRow: () => expect.unreachable() });
  const rows: Record<string, string>[] = [];
  for await (const batch of table.batches) {
    for (const row of batch.rows) rows.push(Object.fromEntries(table.columns.map((column, i) => [column, row[i]])));
  }
  return rows;
}

describe("the code of an item", () => {
  const codeOf = makeCodeOf(
    [
      { code_set: "A", ords_category: "Misc", code: "5" },
      { code_set: "A", ords_category: "Lamp", code: "3" },
      { code_set: "B", ords_category: "Misc", code: "50" },
    ],
    [
      { code_sets: "A;B", ords_categories: "Misc|Large", regex: String.raw`\b(fridge)\b`, code: "1" },
      { code_sets: "A", ords_categories: "*", regex: String.raw`\b(vape|fridge)\b`, code: "7.1" },
    ],
    [
      { code_set: "C", code: "18", name: "Misc" },
      { code_set: "A", code: "99", name: "Misc" },
    ],
  );
  test.each([
    ["the default", "A", item("Misc", "thing"), "5"],
    ["the first rule that matches", "A", item("Misc", "Fridge with vape"), "1"],
    ["a rule for every category", "A", item("Lamp", "a FRIDGE lamp"), "7.1"],
    ["a word of the description", "B", item("Misc", "", "it is a fridge"), "1"],
    ["no rule of another set", "B", item("Misc", "vape"), "50"],
    ["the category's own code where the set lists categories", "C", item("Misc", "fridge"), "18"],
    ["nothing where no rule says anything", "B", item("Lamp", "lamp"), ""],
  ])("is %s", (_, set, given, code) => {
    expect(codeOf(set, given)).toBe(code);
  });
});

describe.skipIf(findReal() === undefined)("the real items", () => {
  test("fill 60 lines in 12 countries as models60.csv counts them, every item with a code", async () => {
    const summary = await summariseReal();
    expect(summary).toHaveLength(60);
    expect(summary.filter((row) => row.items !== row.expected || row.labelled !== row.items)).toEqual([]);
    expect(summary.every((row) => row.codes >= 4)).toBe(true);
  });

  test("of the three parts make the whole, and the files say how many rows they have", async () => {
    const parts = await Promise.all((["train", "valid", "test", "all"] as const).map(async (split) => await realLabelledFiles({ split })));
    const [train, valid, test_, all] = parts.map((files) => files.map((file) => file.rows));
    expect(train.map((rows, i) => rows + valid[i] + test_[i])).toEqual(all);
    expect((await realLabelledFiles({ split: ["train", "valid"] })).map((file) => file.rows)).toEqual(
      train.map((rows, i) => rows + valid[i]),
    );
    for (const file of parts[1]) {
      const rows = await readBack(file);
      expect(rows).toHaveLength(file.rows);
      expect(Object.keys(rows[0]).slice(9)).toEqual(file.schemes.map((scheme) => `code.${scheme}`));
    }
  });

  test("make schemes in which every label is a code and every parent stands", async () => {
    const schemes = await realSchemes();
    expect(schemes).toHaveLength(15);
    const codes = new Map(schemes.map((file) => [file.scheme, new Set(file.versions[0].codes.map((code) => code.code))]));
    for (const file of schemes) {
      for (const code of file.versions[0].codes) expect([undefined, ...(codes.get(file.scheme) ?? [])]).toContain(code.parent);
    }
    for (const file of await realLabelledFiles({ split: "valid" })) {
      const rows = await readBack(file);
      const strange = file.schemes.flatMap((scheme) =>
        rows.map((row) => row[`code.${scheme}`]).filter((code) => !codes.get(scheme)?.has(code)),
      );
      expect(strange).toEqual([]);
    }
    const dated = await realSchemes({ validity: "dated" });
    expect([...parseSchemes(schemes).problems, ...parseSchemes(dated).problems]).toEqual([]);
    expect(dated.find((file) => file.scheme === "UK14")?.versions[0]).toMatchObject({ valid_from: "2014-01-01", valid_to: "2025-08-11" });
  });

  test("repeat into as many sales as asked, with ids of their own and dates in the period", async () => {
    const files = await realSalesFiles({ rows: 100_003, period: "2024-02" });
    expect(files.map((file) => file.rows).reduce((sum, rows) => sum + rows, 0)).toBe(100_003);
    const ids = new Set<string>();
    for (const file of files) {
      const rows = await readBack(file);
      expect(rows).toHaveLength(file.rows);
      for (const row of rows) ids.add(row["id"]);
      const wrong = rows.filter(
        (row) => row["country"] !== file.country || !/^2024-02-(0[1-9]|[12]\d)$/.test(row["date"]) || !(Number(row["kg"]) > 0),
      );
      expect(wrong).toEqual([]);
    }
    expect(ids.size).toBe(100_003);
    await expect(realSalesFiles({ rows: 3 })).rejects.toMatchObject({ code: "BENCH_BAD_ROWS" });
  });
});
