// The package as a stranger gets it: packed, unpacked elsewhere, run by plain Node without the sources.

import { execFile, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestServer } from "./server-kit.ts";

const root = path.resolve(import.meta.dirname, "../..");
const temp = realpathSync(mkdtempSync(path.join(tmpdir(), "package-")));
const packed = path.join(temp, "package");
const shop = path.join(temp, "shop");

const facts: { version: string; exports: Record<string, unknown> } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));

/** Runs a command to its end with Node 24 first on the PATH and nothing of the user's own settings. */
function run(command: string, args: readonly string[], cwd: string): { status: number | null; stdout: string; stderr: string } {
  const PATH = [path.join(root, "node_modules/.bin"), path.dirname(process.execPath), process.env["PATH"]].join(path.delimiter);
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: { PATH, HOME: temp, STOCKROOM_HOME: path.join(temp, "home"), npm_config_offline: "true", npm_config_update_notifier: "false" },
  });
  return { status, stdout, stderr };
}

function must({ status, stdout, stderr }: { status: number | null; stdout: string; stderr: string }): void {
  if (status !== 0) throw new Error(`Expected the package to be made but it failed:\n${stdout}${stderr}`);
}

beforeAll(() => {
  // Built in a copy: a test leaves no dist in the tree, and one that lies there is not what is tested.
  const copy = path.join(temp, "copy");
  mkdirSync(copy);
  for (const name of [
    "bin",
    "src",
    "console",
    "tools",
    "docs",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "tsconfig.build.json",
    "README.md",
  ]) {
    if (existsSync(path.join(root, name))) cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
  }
  symlinkSync(path.join(root, "node_modules"), path.join(copy, "node_modules"));
  must(run("npm", ["pack", "--pack-destination", temp, "--loglevel=error"], copy));
  const archive = readdirSync(temp).find((name) => name.endsWith(".tgz")) ?? "";
  must(run("tar", ["-xzf", archive], temp));
  symlinkSync(path.join(root, "node_modules"), path.join(packed, "node_modules"));
  mkdirSync(path.join(shop, "node_modules"), { recursive: true });
  symlinkSync(packed, path.join(shop, "node_modules/stockroom"));
}, 240_000);
afterAll(() => rmSync(temp, { recursive: true, force: true }));

test("holds what runs and nothing else", () => {
  const files = readdirSync(packed, { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules"))
    .map((entry) => path.relative(packed, path.join(entry.parentPath, entry.name)));
  expect(files).toContain("bin/stockroom");
  expect(files).toContain("dist/cli/main.js");
  expect(files).toContain("console/dist/index.html");
  expect(files.filter((file) => /\.(test|bench)\.|laws\.|fixtures|^src\/|^test\/|^bench\/|\.as\./.test(file))).toEqual([]);
  expect(files.filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))).toEqual([]);
  const telling = files.filter(
    (file) => /\.(js|json|d\.ts|md)$/.test(file) && readFileSync(path.join(packed, file), "utf8").includes(root),
  );
  expect(telling).toEqual([]);
});

describe("its command", () => {
  test("tells its version", () => {
    expect(run(process.execPath, [path.join(packed, "bin/stockroom"), "--version"], shop)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(facts.version),
    });
  });

  test("tells its verbs", () => {
    const help = run(process.execPath, [path.join(packed, "bin/stockroom"), "--help"], shop);
    expect(help.status).toBe(0);
    for (const command of ["up", "worker", "put", "runs", "classify"]) expect(help.stdout).toMatch(new RegExp(`\\b${command}\\b`));
  });

  test("refuses a verb that it does not know as wrong use", () => {
    expect(run(process.execPath, [path.join(packed, "bin/stockroom"), "clasify"], shop).status).toBe(2);
  });
});

describe("its doors", () => {
  test("open under plain Node", () => {
    for (const door of Object.keys(facts.exports).filter((name) => !name.endsWith(".json"))) {
      const name = `stockroom${door.slice(1)}`;
      const script = `const door = await import(${JSON.stringify(name)}); console.log(Object.keys(door).length);`;
      const opened = run(process.execPath, ["--input-type=module", "-e", script], shop);
      expect(opened).toMatchObject({ status: 0, stderr: "" });
      expect(Number(opened.stdout)).toBeGreaterThan(0);
    }
  });

  test("take in a file of any shape: look, propose, apply, and ask where it does not tell", () => {
    const rows = Array.from(
      { length: 60 },
      (_, i) => `${String((i % 28) + 1).padStart(2, "0")}.${String(Math.floor(i / 28) + 1).padStart(2, "0")}.2024;A${i % 2};${i},5`,
    );
    writeFileSync(path.join(shop, "verkauf.csv"), `Datum;Artikel;Menge\n${rows.join("\n")}\n`);
    writeFileSync(
      path.join(shop, "two.csv"),
      `when,item,a,b\n${rows.map((_, i) => `2024-01-${String((i % 28) + 1).padStart(2, "0")},A,${i},${60 - i}`).join("\n")}\n`,
    );
    const script = `
      import { apply, fileBody, look, propose, readInputs } from "stockroom/forecast";
      const open = (name) => ({ name, open: () => fileBody(name) });
      const file = open("verkauf.csv");
      const profile = await look(file);
      const { panel } = await readInputs({ ...apply(file, propose(profile)), horizon: 7, frequency: "D" });
      const doubt = propose(await look(open("two.csv")));
      let code = "";
      try { apply(open("two.csv"), doubt); } catch (error) { code = error.code; }
      console.log(JSON.stringify([profile.rows, panel.offsets.length - 1, doubt.questions.length, code]));`;
    const told = run(process.execPath, ["--input-type=module", "-e", script], shop);
    expect(told).toMatchObject({ status: 0, stderr: "" });
    expect(JSON.parse(told.stdout)).toEqual([60, 2, 1, "INTAKE_QUESTION"]);
  });

  test("take in a catalogue of any shape: look, propose, apply, learn and ask where it does not tell", () => {
    const words = ["kettle", "toaster", "headset"];
    const rows = Array.from({ length: 90 }, (_, i) => `S${i};${words[i % 3]} no ${i};Haus > ${words[i % 3]}`);
    writeFileSync(path.join(shop, "katalog.csv"), `Artikelnummer;Bezeichnung;Warengruppe\n${rows.join("\n")}\n`);
    writeFileSync(path.join(shop, "doubt.csv"), `title,category\n${rows.map((_, i) => `Red thing ${i},C${i % 60}`).join("\n")}\n`);
    const script = `
      import { apply, fileBody, fitModel, look, openPredictor, propose } from "stockroom/classify";
      const open = (name) => ({ name, open: () => fileBody(name) });
      const file = open("katalog.csv");
      const profile = await look(file);
      const { dataset, card } = await apply(file, profile, propose(profile));
      const model = fitModel(dataset, { ...card, seed: 1 });
      const [{ code }] = openPredictor(model).predict([{ text: ["toaster no 5"], categories: [], numbers: [] }]);
      const unsure = await look(open("doubt.csv"));
      const doubt = propose(unsure);
      const asked = await apply(open("doubt.csv"), unsure, doubt).catch((error) => error.code);
      const answered = propose(unsure, { map: { category: "label" } });
      console.log(JSON.stringify([dataset.size, code, card.data.hash.length, doubt.questions.length, asked, answered.questions.length]));`;
    const told = run(process.execPath, ["--input-type=module", "-e", script], shop);
    expect(told).toMatchObject({ status: 0, stderr: "" });
    expect(JSON.parse(told.stdout)).toEqual([90, "Haus > toaster", 64, 1, "INTAKE_QUESTION", 0]);
  });

  test("lead nowhere else: what is not a door does not open", () => {
    const script = 'await import("stockroom/dist/app.js").catch((error) => console.log(error.code));';
    expect(run(process.execPath, ["--input-type=module", "-e", script], shop).stdout.trim()).toBe("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });

  test("have types that compile for whoever imports them, strictly", () => {
    const compilerOptions = {
      strict: true,
      module: "nodenext",
      target: "es2024",
      types: ["node"],
      typeRoots: [path.join(root, "node_modules/@types")],
      noEmit: true,
    };
    writeFileSync(path.join(shop, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    writeFileSync(path.join(shop, "package.json"), JSON.stringify({ type: "module" }));
    const doors = Object.keys(facts.exports).filter((name) => !name.endsWith(".json"));
    const lines = doors.map(
      (door, i) => `import * as door${i} from "stockroom${door.slice(1)}";\nexport const names${i}: string[] = Object.keys(door${i});`,
    );
    writeFileSync(path.join(shop, "index.ts"), `${lines.join("\n")}\n`);
    expect(run(process.execPath, [path.join(root, "node_modules/typescript/bin/tsc"), "--skipLibCheck"], shop)).toMatchObject({
      status: 0,
      stdout: "",
    });
  });
});

test("its client is typed by the server's own declarations, and speaks to one", async () => {
  const program = `import { isStockroomError, makeClient, type Routes } from "stockroom/client";

const client = makeClient({ url: process.argv[2] ?? "" });
const stored = await client.call("PUT /objects/*", { params: { "*": "shop/a b.csv" }, body: "id,units\\n1,2\\n", contentType: "text/csv" });
const key: string = stored.key;
for (const name of ["c", "d"]) await client.call("PUT /objects/*", { params: { "*": \`shop/\${name}\` }, body: name });
const pages: string[][] = [];
for await (const page of client.pages("GET /objects", { query: { prefix: "shop/", limit: 2 } })) pages.push(page.objects.map((one) => one.key));
const back: Response = await client.call("GET /objects/*", { params: { "*": key } });
const refused = await client.call("GET /api/runs/:id", { params: { id: "none" } }).catch((error: unknown) => (isStockroomError(error) ? [error.kind, error.code] : error));
let told = "";
const { events } = await client.call("GET /api/events", { query: { limit: 1 } });
for await (const one of client.stream({ after: \`\${(events[0]?.id ?? 1) - 1}-0\`, of: "events" })) {
  if (one.event === "event") told = one.data.subject;
  break;
}
// @ts-expect-error -- there is no such route
const none: keyof Routes = "GET /api/nothing";
// @ts-expect-error -- no such state
const wrong = () => client.call("GET /api/runs", { query: { state: "odd" } });
// @ts-expect-error -- the id is not left out
const less = () => client.call("GET /api/runs/:id");
console.log(JSON.stringify({ key, pages, back: await back.text(), refused, told, none, more: [typeof wrong, typeof less] }));
`;
  writeFileSync(path.join(shop, "client.ts"), program);
  const compiler = path.join(root, "node_modules/typescript/bin/tsc");
  writeFileSync(
    path.join(shop, "tsconfig.client.json"),
    JSON.stringify({
      extends: "./tsconfig.json",
      compilerOptions: { noEmit: false, outDir: "out", skipLibCheck: true },
      files: ["client.ts"],
      include: [],
    }),
  );
  expect(run(process.execPath, [compiler, "-p", "tsconfig.client.json"], shop)).toMatchObject({ status: 0, stdout: "" });
  const app = await openTestServer();
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [path.join(shop, "out/client.js"), app.url], {
      cwd: shop,
      env: { HOME: temp },
    });
    expect(JSON.parse(stdout)).toMatchObject({
      key: "shop/a b.csv",
      pages: [["shop/a b.csv", "shop/c"], ["shop/d"]],
      back: "id,units\n1,2\n",
      refused: ["missing", "RUN_UNKNOWN"],
      told: "shop/d",
    });
  } finally {
    await app.close();
  }
}, 120_000);
