import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forbidden, forbiddenSource, homeless } from "./rooms.js";

const root = path.resolve(import.meta.dirname, "../..");

interface Rooms {
  readonly ground: readonly string[];
  readonly base: readonly string[];
  readonly wings: readonly string[];
  readonly floors: readonly string[];
  readonly top: readonly string[];
}
const rooms: Rooms = JSON.parse(readFileSync(path.join(root, "tools/rooms.json"), "utf8"));

type Case = readonly [law: string, from: string, to: string, why: RegExp | undefined];

const cases: readonly Case[] = [
  // L1: the ground floor looks down only.
  ["L1", "src/base/errors.ts", "src/base/bytes.ts", undefined],
  ["L1", "src/base/errors.ts", "src/base/config/index.ts", /ground files/],
  ["L1", "src/base/errors.ts", "src/classify/index.ts", /ground files/],
  ["L1", "src/base/log.test.ts", "src/base/log.ts", undefined],
  ["L1", "src/base/log.test.ts", "src/base/config/index.ts", /ground files/],
  ["L1", "src/base/events/relay.ts", "src/base/workflow/contract.ts", undefined],
  ["L1", "src/base/events/relay.ts", "src/base/errors.ts", undefined],
  ["L1", "src/base/events/relay.ts", "src/base/events/contract.ts", undefined],
  ["L1", "src/base/workflow/run.ts", "src/base/events/contract.ts", /stands below/],
  ["L1", "src/base/workflow/run.test.ts", "src/base/events/contract.ts", /stands below/],
  ["L1", "src/base/vault/vault.ts", "src/base/objects/contract.ts", /stands below/],
  ["L1", "src/base/tables/read.ts", "src/base/records/contract.ts", /stands below/],
  ["L1", "src/base/notify/notify.ts", "src/classify/index.ts", /knows nothing/],
  ["L1", "src/base/notify/notify.ts", "src/house.ts", /knows nothing/],
  ["L1", "src/base/notify/notify.ts", "src/cli/main.ts", /knows nothing/],
  // L2: a wing knows the ground floor and itself.
  ["L2", "src/classify/flow/train.ts", "src/base/workflow/contract.ts", undefined],
  ["L2", "src/classify/flow/train.ts", "src/classify/store/lines.ts", undefined],
  ["L2", "src/classify/flow/train.ts", "src/classify/engine/words.ts", undefined],
  ["L2", "src/classify/flow/train.ts", "src/classify/flow/jobs/items.ts", undefined],
  ["L2", "src/classify/store/lines.ts", "src/classify/flow/train.ts", /reaches up/],
  ["L2", "src/classify/engine/words.ts", "src/classify/store/lines.ts", /reaches up/],
  ["L2", "src/classify/engine/words.ts", "src/classify/doors/verbs.ts", /reaches up/],
  ["L2", "src/classify/flow/train.ts", "src/classify/doors/verbs.ts", /reaches up/],
  ["L2", "src/classify/flow/train.ts", "src/classify/demo/shop.ts", /reaches up/],
  ["L2", "src/classify/doors/verbs.ts", "src/classify/demo/shop.ts", undefined],
  ["L2", "src/classify/doors/verbs.ts", "src/classify/flow/train.ts", undefined],
  ["L2", "src/classify/index.ts", "src/classify/doors/verbs.ts", undefined],
  ["L2", "src/classify/doors/verbs.ts", "src/classify/index.ts", /reaches up/],
  ["L2", "src/classify/flow/train.ts", "src/classify/index.ts", /reaches up/],
  ["L2", "src/classify/index.ts", "src/forecast/index.ts", /never import each other/],
  ["L2", "src/classify/flow/train.ts", "src/forecast/engine/model.ts", /never import each other/],
  ["L2", "src/images/flow/serve.ts", "src/classify/index.ts", /never import each other/],
  ["L2", "src/classify/index.ts", "src/house.ts", /wings know nothing/],
  ["L2", "src/classify/doors/routes.ts", "src/server/api.ts", /wings know nothing/],
  ["L2", "src/classify/doors/verbs.ts", "src/cli/main.ts", /wings know nothing/],
  // A name that only begins like a room is not in it.
  ["L2", "src/classify/flow/train.ts", "src/classifyish/index.ts", /which is not/],
  ["L1", "src/base/events/relay.ts", "src/base/errors.ts.ts", /which is not/],
  // L3: engines are pure.
  ["L3", "src/classify/engine/fit.ts", "src/base/errors.ts", undefined],
  ["L3", "src/classify/engine/fit.ts", "src/base/random.ts", undefined],
  ["L3", "src/classify/engine/fit.ts", "src/base/tables/contract.ts", undefined],
  ["L3", "src/classify/engine/fit.ts", "src/base/clock.ts", /pure/],
  ["L3", "src/classify/engine/fit.ts", "src/base/log.ts", /pure/],
  ["L3", "src/classify/engine/deep/er/fit.ts", "src/base/objects/contract.ts", /pure/],
  ["L3", "src/forecast/engine/fit.ts", "src/base/records/contract.ts", /pure/],
  ["L3", "src/classify/engine/fit.test.ts", "src/base/compute/index.ts", undefined],
  ["L3", "src/classify/engine/fit.test.ts", "src/classify/store/lines.ts", /reaches up/],
  // L4: one door for each wing.
  ["L4", "src/house.ts", "src/classify/index.ts", undefined],
  ["L4", "src/house.ts", "src/classify/flow/train.ts", /through its index\.ts/],
  ["L4", "src/server/server.ts", "src/classify/index.ts", undefined],
  ["L4", "src/server/server.ts", "src/classify/doors/routes.ts", /through its index\.ts/],
  ["L4", "src/cli/main.ts", "src/classify/engine/index.ts", /through its index\.ts/],
  ["L4", "src/cli/main.ts", "src/classify", /through its index\.ts/],
  ["L4", "src/cli/main.test.ts", "src/classify/engine/words.ts", /through its index\.ts/],
  // L5: the top.
  ["L5", "src/house.ts", "src/base/records/open.ts", undefined],
  ["L5", "src/house.ts", "src/server/server.ts", /stands below/],
  ["L5", "src/house.ts", "src/cli/main.ts", /stands below/],
  ["L5", "src/server/server.ts", "src/house.ts", undefined],
  ["L5", "src/server/server.ts", "src/cli/main.ts", /stands below/],
  ["L5", "src/cli/main.ts", "src/server/server.ts", undefined],
  ["L5", "src/cli/main.ts", "src/house.ts", undefined],
  // L6: nothing but the product in the product.
  ["L6", "src/house.ts", "test/kit/home.ts", /which is not/],
  ["L6", "src/cli/main.ts", "package.json", /which is not/],
  ["L6", "src/base/log.ts", "../elsewhere/x.ts", /which is not/],
  ["L6", "src/base/events/relay.test.ts", "test/kit/home.ts", undefined],
  ["L6", "src/base/events/relay.ts", "src/base/events/relay.test.ts", /may not import the test/],
  ["L6", "src/base/events/laws.test.ts", "src/base/events/relay.test.ts", undefined],
  ["L6", "src/stray.ts", "src/base/errors.ts", /in no room/],
  ["L6", "src/base/stray/x.ts", "src/base/errors.ts", /in no room/],
  ["L6", "test/house/start.test.ts", "src/classify/engine/words.ts", undefined],
  ["L6", "bench/months.ts", "src/cli/main.ts", undefined],
];

describe("by place", () => {
  test.each(cases)("%s: %s imports %s", (_, from, to, why) => {
    expect(forbidden(from, to) ?? "allowed").toMatch(why ?? /^allowed$/);
  });

  test("every pair of base rooms goes one way and never both", () => {
    for (const a of rooms.base) {
      for (const b of rooms.base) {
        const there = forbidden(`${a}/x.ts`, `${b}/y.ts`) === undefined;
        const back = forbidden(`${b}/x.ts`, `${a}/y.ts`) === undefined;
        expect([a, b, there && back]).toEqual([a, b, a === b]);
        expect([a, b, there || back]).toEqual([a, b, true]);
      }
    }
  });

  test("no chain of allowed imports leads back up, wherever it starts", () => {
    const files = [
      ...rooms.ground,
      ...rooms.base.map((room) => `${room}/index.ts`),
      ...rooms.wings.flatMap((wing) => [...rooms.floors.map((floor) => `${wing}/${floor}/x.ts`), `${wing}/index.ts`]),
      ...rooms.top.map((room) => (room.endsWith(".ts") ? room : `${room}/x.ts`)),
    ];
    const rank = (file: string): number => (rooms.ground.includes(file) ? 0 : files.indexOf(file));
    const upward = files.flatMap((from) =>
      files.filter((to) => forbidden(from, to) === undefined && rank(to) > rank(from)).map((to) => [from, to]),
    );
    expect(upward).toEqual([]);
  });

  test("every file of the source stands in a room", () => {
    const files = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })
      .map((file) => `src/${file.split(path.sep).join("/")}`)
      .filter((file) => file.endsWith(".ts"));
    expect(files.length).toBeGreaterThan(5);
    expect(files.map(homeless).filter((why) => why !== undefined)).toEqual([]);
    expect(homeless("src/stray.ts")).toMatch(/in no room/);
    expect(homeless("bench/stray.ts")).toBeUndefined();
  });
});

describe("by name", () => {
  const engine = "src/classify/engine/fit.ts";
  const named: readonly (readonly [from: string, source: string, why: RegExp | undefined])[] = [
    ["src/classify/flow/train.ts", "../../base/errors.ts", undefined],
    ["src/classify/flow/train.ts", "../../forecast/index.ts", /never import each other/],
    ["src/classify/flow/train.ts", "./../../classify/../forecast/index.ts", /never import each other/],
    ["src/classify/flow/train.ts", "../../forecast/index.js", /never import each other/],
    ["src/classify/flow/train.ts", "../../forecast/index.ts?fresh", /never import each other/],
    ["src/house.ts", "./classify/index.ts", undefined],
    ["src/house.ts", "./classify/index.ts?fresh#1", undefined],
    ["src/house.ts", "./classify", /through its index\.ts/],
    ["src/house.ts", "..", /which is not/],
    ["src/house.ts", "stockroom/classify", /relative paths/],
    ["src/house.ts", "stockroom", /relative paths/],
    ["src/house.ts", "stockroom-extra", undefined],
    ["src/house.test.ts", "stockroom/classify", /relative paths/],
    ["src/house.ts", "#classify", /relative paths/],
    ["src/house.ts", "/srv/house/src/classify/flow/x.ts", /relative paths/],
    ["src/house.ts", "file:///srv/x.ts", /relative paths/],
    ["src/house.ts", "C:/srv/x.ts", /relative paths/],
    ["src/house.ts", "data:text/javascript,export{}", /a data URL/],
    ["src/house.ts", "pg", undefined],
    ["src/house.ts", "node:fs", undefined],
    [engine, "node:zlib", undefined],
    [engine, "zlib", undefined],
    [engine, "node:crypto", undefined],
    [engine, "node:fs", /pure/],
    [engine, "fs", /pure/],
    [engine, "fs/promises", /pure/],
    [engine, "node:fs/promises", /pure/],
    [engine, "node:stream/promises", /pure/],
    [engine, "node:sqlite", /pure/],
    [engine, "node:tls", /pure/],
    [engine, "node:process", /pure/],
    [engine, "node:perf_hooks", /pure/],
    [engine, "node:dns/promises", /pure/],
    [engine, "pg", /pure/],
    [engine, "csv-parse/sync", /pure/],
    ["src/classify/engine/fit.test.ts", "node:fs", undefined],
    ["src/classify/engine/fit.test.ts", "vitest", undefined],
    ["src/forecast/engine/deep/x.ts", "node:worker_threads", /pure/],
    ["bench/months.ts", "stockroom/classify", undefined],
  ];
  test.each(named)("%s names %s", (from, source, why) => {
    expect(forbiddenSource(from, source) ?? "allowed").toMatch(why ?? /^allowed$/);
  });
});

describe("in a real run of the linter", () => {
  let copy = "";
  beforeAll(() => {
    copy = realpathSync(mkdtempSync(path.join(tmpdir(), "rooms-")));
    cpSync(path.join(root, "tools/lint/rooms.js"), path.join(copy, "tools/lint/rooms.js"));
    cpSync(path.join(root, "tools/rooms.json"), path.join(copy, "tools/rooms.json"));
    writeFileSync(
      path.join(copy, ".oxlintrc.json"),
      JSON.stringify({ jsPlugins: ["./tools/lint/rooms.js"], rules: { "house/rooms": "error" } }),
    );
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(copy, file)), { recursive: true });
    writeFileSync(path.join(copy, file), text);
  };

  const lint = (): { status: number | null; found: { line: number; file: string; message: string }[] } => {
    const run = spawnSync(process.execPath, [path.join(root, "node_modules/oxlint/bin/oxlint"), "--format", "json", "."], {
      cwd: copy,
      encoding: "utf8",
    });
    const report: { diagnostics: { code: string; message: string; filename: string; labels: { span: { line: number } }[] }[] } = JSON.parse(
      run.stdout,
    );
    const found = report.diagnostics
      .filter((each) => each.code === "house(rooms)")
      .map((each) => ({ line: each.labels[0].span.line, file: each.filename, message: each.message }));
    return { status: run.status, found };
  };

  test("every way of naming a module is seen, on its line, and lawful ones pass", () => {
    const bad = [
      'import { open } from "../../forecast/index.ts";',
      'import type { Forecast } from "../../forecast/index.ts";',
      'import "../../forecast/index.ts";',
      'import { type Forecast as Again } from "../../forecast/index.ts";',
      'export { open as reopen } from "../../forecast/index.ts";',
      'export type { Forecast as Third } from "../../forecast/index.ts";',
      'export * from "../../forecast/index.ts";',
      'export * as forecast from "../../forecast/index.ts";',
      'import old = require("../../forecast/index.ts");',
      'export const late = await import("../../forecast/index.ts");',
      "export const later = await import(`../../forecast/index.ts`);",
      'export type Far = import("../../forecast/index.ts").Forecast;',
      'export type All = typeof import("../../forecast/index.ts");',
      'export const common = require("../../forecast/index.ts");',
      'export const place = import.meta.resolve("../../forecast/index.ts");',
      'export const thread = new URL("../../forecast/engine/job.ts", import.meta.url);',
      'export const either = new URL(fast ? "../../forecast/a.ts" : "./b.js", import.meta.url);',
      'export const whole = await import("../../forecast/index.ts" as string);',
      'import self from "stockroom/forecast";',
    ];
    const good = [
      'import { StockroomError } from "../../base/errors.ts";',
      'import { Pool } from "pg";',
      'export const task = new URL("./job.ts", import.meta.url);',
      'export const asset = new URL("../../../assets/x.bin", import.meta.url);',
      "export const local = 1;",
      "export { task as again };",
    ];
    write("src/classify/flow/bad.ts", `${bad.join("\n")}\n`);
    write("src/classify/flow/good.ts", `${good.join("\n")}\n`);
    write("src/stray.ts", "export const lost = 1;\n");
    write("bench/free.ts", `${bad.filter((line) => !line.includes(" old ")).join("\n")}\n`);
    const { status, found } = lint();
    expect(status).toBe(1);
    expect(found.filter((each) => each.file === "src/classify/flow/bad.ts").map((each) => each.line)).toEqual(bad.map((_, i) => i + 1));
    expect(found.filter((each) => each.file === "src/stray.ts").map((each) => each.message)).toEqual([
      expect.stringContaining("in no room"),
    ]);
    expect(found.map((each) => each.file).filter((file) => file.includes("good") || file.includes("bench"))).toEqual([]);
  });

  test("the house itself is linted by this rule", () => {
    const config = readFileSync(path.join(root, ".oxlintrc.json"), "utf8");
    const parsed: { jsPlugins: string[]; rules: Record<string, string> } = JSON.parse(config);
    expect(parsed.jsPlugins).toContain("./tools/lint/rooms.js");
    expect(parsed.rules["house/rooms"]).toBe("error");
  });
});
