import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Book, byUnit, type BookOptions, type ChangeRecord } from "./changes.ts";

const names = ["Product", "Text", "Quantity"];
const open = (more: Partial<BookOptions> = {}): Book =>
  new Book({ kind: "overwriting", repeated: "refuse", keys: [0], measures: [2], names, ...more });
const record = (product: string, quantity: string, mode: string, counter: string): ChangeRecord => ({
  fields: [product, `text of ${product}`, quantity],
  mode,
  counter,
});
const left = (book: Book): Record<string, string> => Object.fromEntries([...book.rows()].map(({ fields }) => [fields[0], fields[2] ?? ""]));

describe("an additive source", () => {
  const additive = { kind: "additive" } as const;

  test("moves a key by its images and adds differences", () => {
    const book = open(additive);
    book.hold(["A", "", "10"], 1);
    book.hold(["B", "", "100"], 1);
    for (const change of [record("A", "-10", "U", "-1"), record("A'", "10", "U", "1"), record("B", "5", "U", "0")])
      book.change(change, true);
    expect(book.trouble).toBeUndefined();
    expect(left(book)).toEqual({ "A'": "10", B: "105" });
  });

  test("sums repeated keys of a first load and takes one of them away again", () => {
    const book = open(additive);
    book.load(record("A", "4", "", "1"));
    book.load(record("A", "6.5", "", "1"));
    expect(left(book)).toEqual({ A: "10.5" });
    book.change(record("A", "-4", "D", "-1"), true);
    expect(left(book)).toEqual({ A: "6.5" });
    book.change(record("A", "-6.5", "D", "-1"), true);
    expect(left(book)).toEqual({});
    expect(book.counts.deleted).toBe(1);
  });

  test.each([
    ["0", "D"],
    ["-1", "D"],
  ])("deletes by key alone, whatever it stands for (counter %s)", (counter) => {
    const book = open(additive);
    book.hold(["A", "", "10"], 3);
    book.change({ fields: ["A", "", ""], mode: "D", counter }, false);
    expect(left(book)).toEqual({});
  });

  test("creates a row by a difference and keeps the texts of one that comes without", () => {
    const book = open(additive);
    book.change(record("N", "7", "U", "0"), false);
    book.change({ fields: ["N", "", "1"], mode: "U", counter: "0" }, false);
    expect([...book.rows()]).toEqual([{ fields: ["N", "text of N", "8"], counter: 1 }]);
  });

  test("reads ABAP's sign behind the number", () => {
    const book = open(additive);
    book.hold(["A", "", "10.000"], 1);
    book.change(record("A", "4.000-", "U", "0"), false);
    expect(left(book)).toEqual({ A: "6.000" });
  });

  test("stops at a before image that is not negated, and at what is no number", () => {
    const book = open(additive);
    book.hold(["A", "", "10"], 1);
    book.change(record("A", "10", "U", "-1"), true);
    expect(book.trouble).toMatchObject({ code: "SAP_BEFORE_IMAGE" });
    const other = open(additive);
    other.hold(["A", "", "10"], 1);
    other.change(record("A", "many", "U", "0"), false);
    expect(other.trouble?.said).toMatch(/Quantity.*"many".*Product "A"/);
  });

  test("equals the sum of its source, whatever happened to it (law)", () => {
    const step = fc.tuple(fc.constantFrom("add", "move", "delete", "create"), fc.nat(4), fc.nat(4), fc.integer({ min: 1, max: 99 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const book = open(additive);
        // The source: documents, each with a product; several may have the same one.
        const documents: { product: string; quantity: number }[] = [];
        for (const [what, which, to, quantity] of steps) {
          const document = documents[which];
          if (what === "create" || document === undefined) {
            documents.push({ product: `P${to}`, quantity });
            book.change(record(`P${to}`, String(quantity), "C", "1"), true);
          } else if (what === "add") {
            document.quantity += quantity;
            book.change(record(document.product, String(quantity), "U", "0"), true);
          } else {
            // One document of several with one product: its image is the row's own only by chance.
            if (documents.filter((one) => one.product === document.product).length === 1 && document.quantity === 0) continue;
            book.change(record(document.product, String(-document.quantity), what === "move" ? "U" : "D", "-1"), true);
            if (what === "delete") documents.splice(which, 1);
            else {
              document.product = `P${to}`;
              book.change(record(document.product, String(document.quantity), "U", "1"), true);
            }
          }
        }
        const sums: Record<string, number> = {};
        for (const { product, quantity } of documents) sums[product] = (sums[product] ?? 0) + quantity;
        expect(book.trouble).toBeUndefined();
        expect(Object.fromEntries(Object.entries(left(book)).map(([key, text]) => [key, Number(text)]))).toEqual(sums);
      }),
    );
  });
});

describe("an overwriting source", () => {
  test("replaces, creates, deletes, and by key alone too", () => {
    const book = open();
    for (const product of ["A", "B", "C"]) book.hold([product, "", "1"], 1);
    book.change(record("A", "2", "U", "1"), false);
    book.change({ fields: ["B", "", ""], mode: "D", counter: "0" }, false);
    book.change({ fields: ["C", "", ""], mode: "D", counter: "-1" }, false);
    book.change(record("D", "4", "C", "1"), false);
    expect(left(book)).toEqual({ A: "2", D: "4" });
    expect(book.counts).toMatchObject({ set: 2, deleted: 2 });
  });

  test.each([[[0, 1]], [[1, 0]]])("with images from both sides replaces in either order (%s)", (order) => {
    const book = open();
    book.hold(["A", "", "10"], 1);
    const images = [record("A", "-10", "U", "-1"), record("A", "12", "U", "1")];
    for (const at of order) book.change(images[at] ?? record("", "", "", ""), true);
    expect(left(book)).toEqual({ A: "12" });
  });

  test("with images from both sides moves a key", () => {
    const book = open();
    book.hold(["A", "", "10"], 1);
    book.change(record("A", "-10", "U", "-1"), true);
    book.change(record("A'", "10", "U", "1"), true);
    expect(left(book)).toEqual({ "A'": "10" });
  });

  test("deleted and made again within one delta is there", () => {
    const book = open();
    book.hold(["A", "", "10"], 1);
    book.change(record("A", "10", "D", "-1"), false);
    book.change(record("A", "3", "C", "1"), false);
    expect(left(book)).toEqual({ A: "3" });
  });

  test("that sends a difference stops", () => {
    const book = open();
    book.hold(["A", "", "10"], 1);
    book.change(record("A", "5", "U", "0"), false);
    expect(book.trouble?.said).toContain("kind: additive");
    expect(left(book)).toEqual({ A: "10" });
  });

  test("never drops a repeated key of a first load", () => {
    const refusing = open();
    refusing.load(record("A", "1", "", "1"));
    refusing.load(record("A", "2", "", "1"));
    expect(refusing.counts).toMatchObject({ repeated: 1, sample: 'Product "A"' });
    const keeping = open({ repeated: "keep" });
    keeping.load(record("A", "1", "", ""));
    keeping.load(record("A", "2", "C", ""));
    expect([...keeping.rows()].map(({ fields }) => fields[2])).toEqual(["1", "2"]);
  });
});

test.each([
  ["X", "1"],
  ["R", "-1"],
  ["u", "1"],
])("a change of unknown meaning (%s, %s) stops everything", (mode, counter) => {
  const book = open();
  book.hold(["A", "", "10"], 1);
  book.change(record("A", "1", mode, counter), false);
  book.change(record("A", "2", "U", "1"), false);
  expect(book.trouble?.code).toBe("SAP_CHANGE");
  expect(left(book)).toEqual({ A: "10" });
});

test("an empty text is a key as any other", () => {
  const book = open();
  book.load(record("", "1", "", "1"));
  book.change(record("", "2", "U", "1"), false);
  expect(left(book)).toEqual({ "": "2" });
});

describe("rows that were not held when their images came", () => {
  const both = (changes: readonly (readonly [string, string, string])[]): Record<string, string> => {
    const book = open();
    book.hold(["A", "", "1"], 1);
    for (const [quantity, mode, counter] of changes) book.change(record("B", quantity, mode, counter), true);
    return left(book);
  };
  test.each([
    [
      "changed",
      [
        ["-5", "U", "-1"],
        ["7", "U", "1"],
      ],
      { A: "1", B: "7" },
    ],
    [
      "changed, the images the wrong way round",
      [
        ["7", "U", "1"],
        ["-5", "U", "-1"],
      ],
      { A: "1", B: "7" },
    ],
    [
      "changed twice",
      [
        ["-5", "U", "-1"],
        ["7", "U", "1"],
        ["-7", "U", "-1"],
        ["9", "U", "1"],
      ],
      { A: "1", B: "9" },
    ],
    [
      "come and gone",
      [
        ["7", "U", "1"],
        ["-7", "U", "-1"],
      ],
      { A: "1" },
    ],
    [
      "come and gone, the wrong way round",
      [
        ["-7", "U", "-1"],
        ["7", "U", "1"],
      ],
      { A: "1" },
    ],
    [
      "changed and deleted",
      [
        ["-5", "U", "-1"],
        ["7", "U", "1"],
        ["-7", "D", "-1"],
      ],
      { A: "1" },
    ],
  ] as const)("%s", (_, changes, expected) => {
    expect(both(changes)).toEqual(expected);
  });
});

test("images within a first load count whatever their order", () => {
  const before = record("A", "-10", "U", "-1");
  const after = record("A", "12", "U", "1");
  for (const images of [
    [before, after],
    [after, before],
  ]) {
    const book = open();
    for (const one of [record("A", "10", "", "1"), record("B", "3", "", "1"), ...images]) book.load(one);
    expect(left(book)).toEqual({ A: "12", B: "3" });
    expect(book.counts.repeated).toBe(0);
  }
  const again = open();
  for (const one of [record("A", "10", "", "1"), record("A", "10", "D", "-1"), record("A", "4", "C", "1")]) again.load(one);
  expect(left(again)).toEqual({ A: "4" });
  expect(again.counts.repeated).toBe(0);
});

test("a deletion that counts off a single record with initial amounts is one by its key", () => {
  const book = open({ kind: "additive" });
  book.hold(["A", "text", "10"], 1);
  book.change({ fields: ["A", "", "0.000"], mode: "D", counter: "-1" }, true);
  expect([...book.kept()]).toEqual([]);
  book.change(record("A", "4", "C", "1"), true);
  expect(left(book)).toEqual({ A: "4" });
});

test("a difference that comes before its record counts no record of its own", () => {
  const book = open({ kind: "additive" });
  book.change(record("A", "5", "U", "0"), true);
  book.change(record("A", "10", "C", "1"), true);
  expect(left(book)).toEqual({ A: "15" });
  book.change(record("A", "-15", "D", "-1"), true);
  expect([...book.kept()]).toEqual([]);
});

test("blanks are no counter", () => {
  const book = open();
  book.hold(["A", "", "10"], 1);
  book.change(record("A", "12", "U", " "), false);
  expect(book.trouble).toBeUndefined();
  expect(left(book)).toEqual({ A: "12" });
});

test("keys are texts: none is another one", () => {
  const book = open();
  const keys = ["20240131", "2024-01-31", "4711-", "-4711", "000123", "123", "1E5", "100000", " 1", "1", "/Date(0)/"];
  for (const key of keys) book.load(record(key, "1", "", "1"));
  expect(Object.keys(left(book)).toSorted()).toEqual(keys.toSorted());
});

test("changes are put in the order of their units of work", () => {
  const units = [
    ["20261123.2", "9", "1"],
    ["20261123.2", "10", "1"],
    ["20261123.1", "11", "2"],
    ["20261123.1", "11", "1"],
  ];
  expect(units.toSorted(byUnit)).toEqual([units[3], units[2], units[0], units[1]]);
  expect(byUnit(["", "", ""], ["", "", ""])).toBe(0);
});

test("a source of differences that does not count: a change leaves the row one row, and a deletion takes it away", () => {
  const book = new Book({ kind: "additive", repeated: "refuse", keys: [0], measures: [1], names: ["K", "Q"] });
  book.hold(["A", "10"], 1);
  book.change({ fields: ["A", "5"], mode: "U", counter: "" }, false);
  expect([...book.rows()]).toEqual([{ fields: ["A", "15"], counter: 1 }]);
  book.change({ fields: ["A", "-15"], mode: "D", counter: "" }, false);
  expect([...book.rows()]).toEqual([]);
});

test("a counter may have ABAP's sign behind it", () => {
  const book = new Book({ kind: "additive", repeated: "refuse", keys: [0], measures: [1], names: ["K", "Q"] });
  book.hold(["A", "10"], 1);
  book.change({ fields: ["A", "10.000-"], mode: "U", counter: "1-" }, true);
  expect([...book.rows()]).toEqual([]);
});
