import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { runCommand } from "citty";
import { afterAll, beforeAll, expect, test } from "vitest";
import { quietTools } from "../../../test/kit/tools.ts";
import { makeRandom } from "../../platform/random.ts";
import { makeCommands } from "./commands.ts";
import { parseCondition } from "../../platform/intake/conditions.ts";

let folder: string;
const at = (name: string): string => path.join(folder, name);

interface Ran {
  readonly exit: number;
  readonly lines: readonly string[];
  readonly said: readonly string[];
  readonly json: unknown;
}

async function run(command: string, ...rawArgs: readonly string[]): Promise<Ran> {
  let exit = 0;
  let json: unknown;
  const lines: string[] = [];
  const said: string[] = [];
  const print = {
    say: (text: string) => void said.push(text),
    line: (text: string) => void lines.push(text),
    json: (value: unknown) => void (json = value),
    table: (rows: unknown) => void lines.push(JSON.stringify(rows)),
  };
  const commands = makeCommands(quietTools(print, { exitWith: (code) => void (exit = code) }));
  await runCommand(commands[command] ?? {}, { rawArgs: [...rawArgs] });
  return { exit, lines, said, json };
}

const kinds = ["kettle", "toaster", "lamp"];

function shop(count: number, seed: number): string[] {
  const random = makeRandom(seed);
  return Array.from({ length: count }, (_, id) => {
    const kind = random.below(3);
    const country = ["GBR", "DEU"][random.below(2)];
    const title = random.next() < 0.1 ? "thing" : `"${kinds[kind]}, ${["red", "blue"][random.below(2)]}\nno ""${random.below(500)}"""`;
    return `${id},${title},${country},${10 + random.below(50)},C${kind},2026-0${1 + random.below(9)}-15,${id % 5 === 0 ? "test" : "train"}`;
  });
}

const header = "id,title,country,price,category,date,split";
const fitArgs = ["--label", "category", "--text", "title", "--categories", "country", "--numbers", "price"];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "classify-commands-"));
  await writeFile(at("items.csv"), [header, ...shop(600, 1)].join("\n"));
});
afterAll(() => rm(folder, { recursive: true }));

test("fit, evaluate and predict as the contract writes them", async () => {
  const fitted = await run("fit", at("items.csv"), ...fitArgs, "--out", at("m.model"), "--where", "split=train", "--json");
  expect(fitted).toMatchObject({ exit: 0, json: { items: 480, classes: 3, bad_rows: 0, date: "2026-09-15" } });

  const evaluated = await run("evaluate", at("m.model"), at("items.csv"), "--where", "split=test", "--json");
  expect(evaluated.json).toMatchObject({ items: 120, unknown_codes: 0, promised_precision: 0.98 });
  const report = evaluated.json as { accuracy: number; unseen_texts: { items: number }; segments: object };
  expect(report.accuracy).toBeGreaterThan(0.85);
  expect(report.unseen_texts.items).toBeGreaterThan(0);
  expect(Object.keys(report.segments)).toEqual(["DEU", "GBR"]);

  const predicted = await run(
    "predict",
    at("m.model"),
    at("items.csv"),
    "--out",
    at("p.csv.gz"),
    "--where",
    "split=test",
    "--where",
    "country!=DEU",
  );
  expect(predicted.exit).toBe(0);
  const text = gunzipSync(await readFile(at("p.csv.gz"))).toString();
  expect(text.slice(0, text.search(/\r?\n/))).toBe(`${header},code,probability,decision,reason,runner_up,evidence`);

  await run("predict", at("m.model"), at("items.csv"), "--out", at("p.jsonl"), "--where", "split=test");
  const answers = (await readFile(at("p.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, string | number>);
  expect(answers).toHaveLength(120);
  const sure = answers.filter((answer) => String(answer["title"]).includes("kettle"));
  expect(sure.every((answer) => answer["code"] === "C0" && Number(answer["probability"]) > 0.5)).toBe(true);
  expect(sure.every((answer) => String(answer["evidence"]).includes("title: kettle"))).toBe(true);
  expect((await readdir(folder)).filter((name) => name.endsWith(".part"))).toEqual([]);
});

test("the same input and seed give the same bytes, with trials on threads and without", async () => {
  const small = [...fitArgs, "--trials", "3", "--seed", "7", "--where", "split=train"];
  for (const threads of ["1", "2"]) await run("fit", at("items.csv"), ...small, "--out", at(`t${threads}.model`), "--threads", threads);
  expect((await readFile(at("t1.model"))).equals(await readFile(at("t2.model")))).toBe(true);
});

test("bad rows are kept apart with their lines, and the exit code says so", async () => {
  const lines = shop(200, 3);
  lines[50] = "50,too,few";
  lines[70] = "70,kettle,GBR,10,,2026-01-01,train";
  await writeFile(at("bad.csv"), [header, ...lines].join("\n"));
  expect(await run("fit", at("bad.csv"), ...fitArgs, "--out", at("b.model"))).toMatchObject({ exit: 3 });
  const bad = (await readFile(at("b.model.bad.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { code: string });
  expect(bad).toHaveLength(2);
  expect(bad[1].code).toBe("FIT_NO_LABEL");
  expect(await run("predict", at("b.model"), at("bad.csv"), "--out", at("b.jsonl"))).toMatchObject({ exit: 3 });
  expect((await readFile(at("b.jsonl"), "utf8")).trim().split("\n")).toHaveLength(199);
});

test("what is wrong is said in words", async () => {
  const out = ["--out", at("x.model")];
  const file = at("items.csv");
  await expect(run("fit", file, "--label", "code", "--text", "title", ...out)).rejects.toThrow(
    /label column "code" but its columns are id, title,/,
  );
  await expect(run("fit", file, "--label", "category", "--text", "name", ...out)).rejects.toThrow(/text column "name"/);
  await expect(run("fit", file, ...fitArgs, ...out, "--where", "category=C1")).rejects.toThrow(/at least two codes/);
  await expect(run("fit", file, ...fitArgs, ...out, "--where", "id=1,2")).rejects.toThrow(/there are 2/);
  await expect(run("fit", file, ...fitArgs, ...out, "--where", "split")).rejects.toThrow(/--where COLUMN=VALUE/);
  await expect(run("fit", file, ...fitArgs, ...out, "--where", "side=left")).rejects.toThrow(/column of --where "side"/);
  await expect(run("fit", file, ...fitArgs, ...out, "--trials", "many")).rejects.toThrow(/--trials to be a whole number/);
  await expect(run("fit", at("none.csv"), ...fitArgs, ...out)).rejects.toThrow(/none\.csv/);
  await writeFile(at("empty.csv"), "");
  await expect(run("fit", at("empty.csv"), ...fitArgs, ...out)).rejects.toThrow(/empty/);
  await expect(run("predict", file, file, "--out", at("y.csv"))).rejects.toThrow(/to be a model/);
  await expect(run("predict", at("none.model"), file, "--out", at("y.csv"))).rejects.toThrow(/Expected a model at/);
  await expect(run("fit", file, ...fitArgs, "--out", at("no/such/m.model"))).rejects.toThrow(/folder/);
  expect((await readdir(folder)).filter((name) => name.startsWith("x.model"))).toEqual([]);
});

test("conditions", () => {
  expect(parseCondition("split=train")).toEqual({ column: "split", not: false, values: ["train"] });
  expect(parseCondition("country!=GBR,DEU")).toEqual({ column: "country", not: true, values: ["GBR", "DEU"] });
  expect(parseCondition('title="a, b",c')).toEqual({ column: "title", not: false, values: ["a, b", "c"] });
  expect(parseCondition("brand=")).toEqual({ column: "brand", not: false, values: [""] });
  expect(parseCondition("a=b=c")).toEqual({ column: "a", not: false, values: ["b=c"] });
});

/** Kettles and toasters that only their price tells apart, the price written by `write`. */
function priced(count: number, write: (cents: number) => string): string {
  const random = makeRandom(9);
  const rows = Array.from({ length: count }, (_, id) => {
    const kind = random.below(2);
    const cents = 100_000 * (kind + 1) + random.below(90_000);
    return `${id};thing ${random.below(400)};${write(cents)};C${kind}`;
  });
  return ["id;title;price;category", ...rows].join("\n");
}
const pointed = (cents: number): string => (cents / 100).toFixed(2);
const grouped = (cents: number, thousands: string, decimal: string): string =>
  pointed(cents)
    .replace(".", decimal)
    .replace(/\B(?=(?:\d{3})+\b(?!$))(?<!\D\d*)/, thousands);
const pricedArgs = ["--label", "category", "--text", "title", "--numbers", "price", "--json"];

const accuracyOf = async (
  name: string,
  content: string | Buffer,
  ...more: readonly string[]
): Promise<{ readonly accuracy: number; readonly ran: Ran }> => {
  await writeFile(at(name), content);
  const ran = await run("fit", at(name), ...pricedArgs, "--out", at(`${name}.model`), ...more);
  return { accuracy: (ran.json as { validation: { accuracy: number } }).validation.accuracy, ran };
};

test("a decimal comma is learned from as a decimal point is", async () => {
  const point = await accuracyOf("point.csv", priced(400, pointed));
  expect(point.accuracy).toBeGreaterThan(0.95);
  for (const [name, write] of [
    ["comma.csv", (cents: number) => pointed(cents).replace(".", ",")],
    ["thousands.csv", (cents: number) => grouped(cents, ".", ",")],
    ["apostrophes.csv", (cents: number) => `CHF ${grouped(cents, "'", ".")}`],
    ["spaces.csv", (cents: number) => `${grouped(cents, "\u00a0", ",")} €`],
  ] as const) {
    const { accuracy, ran } = await accuracyOf(name, priced(400, write));
    expect([name, accuracy, ran.exit]).toEqual([name, point.accuracy, 0]);
  }
  const commas = at("comma.csv");
  const judged = await run("evaluate", at("point.csv.model"), commas, "--json");
  expect((judged.json as { accuracy: number }).accuracy).toBeGreaterThan(0.95);
  expect(judged.said).toContainEqual(expect.stringContaining('The column "price" was read with a decimal comma'));
  await run("predict", at("point.csv.model"), commas, "--out", at("comma.out.csv"));
  // The file's own columns come back as they were.
  expect((await readFile(at("comma.out.csv"), "utf8")).split("\n")[1]).toMatch(/^0,thing \d+,"\d{4},\d\d",/);
});

test("numbers that can be read in two ways are refused with the value and the way out", async () => {
  const thousandth = (cents: number): string => `${Math.floor(cents / 10_000)},${String(cents % 1000).padStart(3, "0")}`;
  await writeFile(at("twoways.csv"), priced(100, thousandth));
  await expect(run("fit", at("twoways.csv"), ...pricedArgs, "--out", at("twoways.model"))).rejects.toMatchObject({
    kind: "input",
    code: "TABLE_NUMBER_AMBIGUOUS",
    message: expect.stringMatching(/"price".*received "\d+,\d{3}" on line 2.*--decimal ,/),
  });
  expect((await accuracyOf("twoways.csv", priced(100, thousandth), "--decimal", ",")).accuracy).toBeGreaterThan(0.9);
});

test("a number that contradicts its column is a bad row with its value, in every command", async () => {
  const lines = priced(100, pointed).split("\n");
  lines[7] = "6;thing;about 12;C0";
  await writeFile(at("slip.csv"), lines.join("\n"));
  const fitted = await run("fit", at("slip.csv"), ...pricedArgs, "--out", at("slip.model"));
  expect([fitted.exit, fitted.json]).toMatchObject([3, { bad_rows: 1 }]);
  expect(JSON.parse((await readFile(at("slip.model.bad.jsonl"), "utf8")).trim())).toMatchObject({ line: 8, column: 3, sample: "about 12" });
  for (const command of ["evaluate", "predict"]) {
    const ran = await run(
      command,
      at("slip.model"),
      at("slip.csv"),
      "--json",
      ...(command === "predict" ? ["--out", at("slip.out.csv")] : []),
    );
    expect([ran.exit, ran.json]).toMatchObject([3, { bad_rows: 1 }]);
    expect(ran.said).toContainEqual(expect.stringContaining('"about 12"'));
  }
});

test("Latin-1 is found or named, and what is left of a damaged file is no model", async () => {
  const words = ["Kühlschrank", "Föhn"];
  const rows = Array.from({ length: 200 }, (_, id) => `${id},${words[id % 2]} ${id % 37},C${id % 2}`);
  const latin = Buffer.from(["id,title,category", ...rows].join("\n"), "latin1");
  await writeFile(at("latin.csv"), latin);
  const args = ["--label", "category", "--text", "title", "--json"];
  const found = await run("fit", at("latin.csv"), ...args, "--out", at("latin.model"));
  expect([found.exit, found.json]).toMatchObject([0, { bad_rows: 0, notes: [expect.stringContaining("windows-1252")] }]);
  const named = await run("fit", at("latin.csv"), ...args, "--out", at("named.model"), "--encoding", "latin1");
  expect(named.json).toMatchObject({ bad_rows: 0, notes: [] });
  expect(await readFile(at("named.model"))).toEqual(await readFile(at("latin.model")));
  await expect(run("fit", at("latin.csv"), ...args, "--out", at("x.model"), "--encoding", "klingon")).rejects.toMatchObject({
    code: "TABLE_ENCODING_UNKNOWN",
  });
  const cut = rows.map((row, id) => (id < 103 ? `${row},surplus` : row));
  await writeFile(at("damaged.csv"), ["id,title,category", ...cut].join("\n"));
  await expect(run("fit", at("damaged.csv"), ...args, "--out", at("damaged.model"))).rejects.toMatchObject({
    kind: "input",
    code: "TOO_MANY_BAD_ROWS",
    message: expect.stringContaining("103 of 200"),
  });
  expect(await readdir(folder)).not.toContain("damaged.model");
  expect((await run("fit", at("damaged.csv"), ...args, "--out", at("damaged.model"), "--max-bad", "0.6")).exit).toBe(3);
});

test("columns that tell nothing are told, and a figure over nothing is a dash", async () => {
  const rows = Array.from({ length: 60 }, (_, id) => `${id},${id % 2 === 0 ? "kettle" : "lamp"} ${id},DEU,,5,C${id % 2}`);
  await writeFile(at("empty.csv"), ["id,title,country,price,watts,category", ...rows].join("\n"));
  const args = ["--label", "category", "--text", "title", "--categories", "country", "--numbers", "price,watts"];
  const fitted = await run("fit", at("empty.csv"), ...args, "--out", at("empty.model"));
  expect(fitted.said).toEqual([
    expect.stringContaining('"price" is empty'),
    expect.stringContaining('"watts" is constant'),
    expect.stringContaining('"country" is the same in all 60 rows'),
  ]);
  // All 60 texts were learned from.
  const judged = await run("evaluate", at("empty.model"), at("empty.csv"));
  expect(judged.lines).toContainEqual("texts not learned from (0 items): accuracy –, macro-F1 –");
  const asJson = (await run("evaluate", at("empty.model"), at("empty.csv"), "--json")).json;
  expect(asJson).toMatchObject({ unseen_texts: { items: 0, accuracy: null, macro_f1: null } });
});

test("predict, evaluate and export refuse a damaged file as fit does, and leave no output", async () => {
  const args = [...fitArgs, "--out", at("whole.model")];
  await run("fit", at("items.csv"), ...args);
  const half = shop(100, 5).map((row, id) => (id < 52 ? `${id},too,few` : row));
  const cents = shop(100, 6).map((row, id) => (id < 60 ? row.replace(/,(\d\d),C/, ",about $1,C") : row));
  await writeFile(at("half.csv"), [header, ...half].join("\n"));
  await writeFile(at("words.csv"), [header, ...cents].join("\n"));
  for (const [name, bad] of [
    ["half.csv", 52],
    ["words.csv", 60],
  ] as const) {
    const refused = { kind: "input", code: "TOO_MANY_BAD_ROWS", facts: { rows: 100, badRows: bad } };
    await expect(run("predict", at("whole.model"), at(name), "--out", at("half.out.csv"))).rejects.toMatchObject(refused);
    expect((await readdir(folder)).filter((file) => file.startsWith("half.out"))).toEqual(["half.out.csv.bad.jsonl"]);
    await rm(at("half.out.csv.bad.jsonl"));
    await expect(run("evaluate", at("whole.model"), at(name))).rejects.toMatchObject(refused);
    // The bound is a setting, and what passes it is told.
    expect(await run("predict", at("whole.model"), at(name), "--out", at("lax.csv"), "--max-bad", "0.7")).toMatchObject({ exit: 3 });
    expect(await run("evaluate", at("whole.model"), at(name), "--max-bad", "0.7", "--json")).toMatchObject({
      exit: 3,
      json: { bad_rows: bad },
    });
    await expect(run("export", at("whole.model"), "--out", at("onnx"), "--samples", at(name))).rejects.toMatchObject({
      code: "TOO_MANY_BAD_ROWS",
    });
    const exported = await run("export", at("whole.model"), "--out", at("onnx"), "--samples", at(name), "--max-bad", "0.9");
    expect([exported.exit, exported.said.at(-1)]).toEqual([3, expect.stringMatching(/^\d+ bad rows, the first on line \d+: Expected/)]);
  }
  // A cell out of a hundred lets everything else through.
  await writeFile(at("one.csv"), [header, ...shop(100, 7), "100,too,few"].join("\n"));
  expect(await run("predict", at("whole.model"), at("one.csv"), "--out", at("one.out.csv"))).toMatchObject({ exit: 3 });
  await writeFile(at("header.csv"), `${header}\n`);
  await expect(run("export", at("whole.model"), "--out", at("none"), "--samples", at("header.csv"))).rejects.toMatchObject({
    code: "EXPORT_NO_SAMPLES",
  });
  await expect(run("predict", at("whole.model"), at("one.csv"), "--out", at("x.csv"), "--max-bad", "")).rejects.toThrow(/--max-bad/);
});
