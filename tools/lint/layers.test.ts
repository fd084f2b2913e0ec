import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forbidden, forbiddenSource, homeless } from "./layers.js";

const root = path.resolve(import.meta.dirname, "../..");

interface Layers {
  readonly foundation: readonly string[];
  readonly platform: readonly string[];
  readonly modules: readonly string[];
  readonly layers: readonly (readonly string[])[];
  readonly top: readonly string[];
}
const map: Layers = JSON.parse(readFileSync(path.join(root, "tools/layers.json"), "utf8"));

type Case = readonly [law: string, from: string, to: string, why: RegExp | undefined];

const cases: readonly Case[] = [
  // L1: the platform looks down only.
  ["L1", "src/platform/errors.ts", "src/platform/bytes.ts", undefined],
  ["L1", "src/platform/errors.ts", "src/platform/config/index.ts", /foundation may/],
  ["L1", "src/platform/errors.ts", "src/classify/module.ts", /foundation may/],
  ["L1", "src/platform/log.test.ts", "src/platform/log.ts", undefined],
  ["L1", "src/platform/log.test.ts", "src/platform/config/index.ts", /foundation may/],
  ["L1", "src/platform/events/relay.ts", "src/platform/workflow/contract.ts", undefined],
  ["L1", "src/platform/events/relay.ts", "src/platform/errors.ts", undefined],
  ["L1", "src/platform/events/relay.ts", "src/platform/events/contract.ts", undefined],
  ["L1", "src/platform/workflow/run.ts", "src/platform/events/contract.ts", /stands below/],
  ["L1", "src/platform/workflow/run.test.ts", "src/platform/events/contract.ts", /stands below/],
  ["L1", "src/platform/vault/vault.ts", "src/platform/objects/contract.ts", /stands below/],
  ["L1", "src/platform/formats/read.ts", "src/platform/database/contract.ts", /stands below/],
  ["L1", "src/platform/notify/notify.ts", "src/classify/module.ts", /knows nothing/],
  ["L1", "src/platform/notify/notify.ts", "src/app.ts", /knows nothing/],
  ["L1", "src/platform/notify/notify.ts", "src/cli/main.ts", /knows nothing/],
  // L2: a module knows the platform and itself.
  ["L2", "src/classify/workflows/train.ts", "src/platform/workflow/contract.ts", undefined],
  ["L2", "src/classify/workflows/train.ts", "src/classify/store/lines.ts", undefined],
  ["L2", "src/classify/workflows/train.ts", "src/classify/engine/lines.ts", undefined],
  ["L2", "src/classify/workflows/train.ts", "src/classify/workflows/jobs/items.ts", undefined],
  ["L2", "src/classify/store/lines.ts", "src/classify/workflows/train.ts", /reaches up/],
  ["L2", "src/classify/engine/lines.ts", "src/classify/store/lines.ts", /reaches up/],
  ["L2", "src/classify/engine/lines.ts", "src/classify/cli/commands.ts", /reaches up/],
  ["L2", "src/classify/workflows/train.ts", "src/classify/cli/commands.ts", /reaches up/],
  ["L2", "src/classify/workflows/train.ts", "src/classify/sample/shop.ts", /reaches up/],
  ["L2", "src/classify/cli/commands.ts", "src/classify/sample/shop.ts", undefined],
  ["L2", "src/classify/cli/commands.ts", "src/classify/workflows/train.ts", undefined],
  ["L2", "src/classify/module.ts", "src/classify/cli/commands.ts", undefined],
  ["L2", "src/classify/cli/commands.ts", "src/classify/module.ts", /reaches up/],
  ["L2", "src/classify/workflows/train.ts", "src/classify/module.ts", /reaches up/],
  ["L2", "src/classify/module.ts", "src/forecast/module.ts", /never import each other/],
  ["L2", "src/classify/workflows/train.ts", "src/forecast/engine/model.ts", /never import each other/],
  ["L2", "src/images/service/serve.ts", "src/classify/module.ts", /never import each other/],
  ["L2", "src/classify/module.ts", "src/app.ts", /modules know nothing/],
  ["L2", "src/classify/http/routes.ts", "src/server/api.ts", /modules know nothing/],
  ["L2", "src/classify/cli/commands.ts", "src/cli/main.ts", /modules know nothing/],
  // A name that only begins like a part is not in it.
  ["L2", "src/classify/workflows/train.ts", "src/classifyish/index.ts", /which is not/],
  ["L1", "src/platform/events/relay.ts", "src/platform/errors.ts.ts", /which is not/],
  // L3: engines are pure.
  ["L3", "src/classify/engine/fit.ts", "src/platform/errors.ts", undefined],
  ["L3", "src/classify/engine/fit.ts", "src/platform/random.ts", undefined],
  ["L3", "src/classify/engine/fit.ts", "src/platform/formats/contract.ts", undefined],
  ["L3", "src/classify/engine/fit.ts", "src/platform/time.ts", /pure/],
  ["L3", "src/classify/engine/fit.ts", "src/platform/log.ts", /pure/],
  ["L3", "src/classify/engine/deep/er/fit.ts", "src/platform/objects/contract.ts", /pure/],
  ["L3", "src/forecast/engine/fit.ts", "src/platform/database/contract.ts", /pure/],
  ["L3", "src/classify/engine/fit.test.ts", "src/platform/compute/index.ts", undefined],
  ["L3", "src/classify/engine/fit.test.ts", "src/classify/store/lines.ts", /reaches up/],
  // L4: one door for each module.
  ["L4", "src/app.ts", "src/classify/module.ts", undefined],
  ["L4", "src/app.ts", "src/classify/workflows/train.ts", /through its module\.ts/],
  ["L4", "src/server/server.ts", "src/classify/module.ts", undefined],
  ["L4", "src/server/server.ts", "src/classify/http/routes.ts", /through its module\.ts/],
  ["L4", "src/cli/main.ts", "src/classify/engine/index.ts", /through its module\.ts/],
  ["L4", "src/cli/main.ts", "src/classify", /through its module\.ts/],
  ["L4", "src/cli/main.test.ts", "src/classify/engine/lines.ts", /through its module\.ts/],
  // L5: the top.
  ["L5", "src/app.ts", "src/platform/database/open.ts", undefined],
  ["L5", "src/app.ts", "src/server/server.ts", /stands below/],
  ["L5", "src/app.ts", "src/cli/main.ts", /stands below/],
  ["L5", "src/server/server.ts", "src/app.ts", undefined],
  ["L5", "src/server/server.ts", "src/cli/main.ts", /stands below/],
  ["L5", "src/cli/main.ts", "src/server/server.ts", undefined],
  ["L5", "src/cli/main.ts", "src/app.ts", undefined],
  // L6: nothing but the product in the product.
  ["L6", "src/app.ts", "test/kit/home.ts", /which is not/],
  ["L6", "src/cli/main.ts", "package.json", /which is not/],
  ["L6", "src/platform/log.ts", "../elsewhere/x.ts", /which is not/],
  ["L6", "src/platform/events/relay.test.ts", "test/kit/home.ts", undefined],
  ["L6", "src/platform/events/relay.ts", "src/platform/events/relay.test.ts", /may not import the test/],
  ["L6", "src/platform/events/laws.test.ts", "src/platform/events/relay.test.ts", undefined],
  ["L6", "src/stray.ts", "src/platform/errors.ts", /in no part/],
  ["L6", "src/platform/stray/x.ts", "src/platform/errors.ts", /in no part/],
  ["L6", "test/integration/start.test.ts", "src/classify/engine/lines.ts", undefined],
  ["L6", "bench/months.ts", "src/cli/main.ts", undefined],
];

describe("by place", () => {
  test.each(cases)("%s: %s imports %s", (_, from, to, why) => {
    expect(forbidden(from, to) ?? "allowed").toMatch(why ?? /^allowed$/);
  });

  test("every pair of parts of the platform goes one way and never both", () => {
    for (const a of map.platform) {
      for (const b of map.platform) {
        const there = forbidden(`${a}/x.ts`, `${b}/y.ts`) === undefined;
        const back = forbidden(`${b}/x.ts`, `${a}/y.ts`) === undefined;
        expect([a, b, there && back]).toEqual([a, b, a === b]);
        expect([a, b, there || back]).toEqual([a, b, true]);
      }
    }
  });

  test("no chain of allowed imports leads back up, wherever it starts", () => {
    const files = [
      ...map.foundation,
      ...map.platform.map((part) => `${part}/index.ts`),
      ...map.modules.flatMap((module) => [...map.layers.map(([layer]) => `${module}/${layer}/x.ts`), `${module}/module.ts`]),
      ...map.top.map((part) => (part.endsWith(".ts") ? part : `${part}/x.ts`)),
    ];
    const rank = (file: string): number => (map.foundation.includes(file) ? 0 : files.indexOf(file));
    const upward = files.flatMap((from) =>
      files.filter((to) => forbidden(from, to) === undefined && rank(to) > rank(from)).map((to) => [from, to]),
    );
    expect(upward).toEqual([]);
  });

  test("every file of the source stands in a part", () => {
    const files = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })
      .map((file) => `src/${file.split(path.sep).join("/")}`)
      .filter((file) => file.endsWith(".ts"));
    expect(files.length).toBeGreaterThan(5);
    expect(files.map(homeless).filter((why) => why !== undefined)).toEqual([]);
    expect(homeless("src/stray.ts")).toMatch(/in no part/);
    expect(homeless("bench/stray.ts")).toBeUndefined();
  });
});

describe("by name", () => {
  const engine = "src/classify/engine/fit.ts";
  const named: readonly (readonly [from: string, source: string, why: RegExp | undefined])[] = [
    ["src/classify/workflows/train.ts", "../../platform/errors.ts", undefined],
    ["src/classify/workflows/train.ts", "../../forecast/module.ts", /never import each other/],
    ["src/classify/workflows/train.ts", "./../../classify/../forecast/module.ts", /never import each other/],
    ["src/classify/workflows/train.ts", "../../forecast/module.js", /never import each other/],
    ["src/classify/workflows/train.ts", "../../forecast/module.ts?fresh", /never import each other/],
    ["src/app.ts", "./classify/module.ts", undefined],
    ["src/app.ts", "./classify/module.ts?fresh#1", undefined],
    ["src/app.ts", "./classify", /through its module\.ts/],
    ["src/app.ts", "..", /which is not/],
    ["src/app.ts", "stockroom/classify", /relative paths/],
    ["src/app.ts", "stockroom", /relative paths/],
    ["src/app.ts", "stockroom-extra", undefined],
    ["src/app.test.ts", "stockroom/classify", /relative paths/],
    ["src/app.ts", "#classify", /relative paths/],
    ["src/app.ts", "/srv/stockroom/src/classify/workflows/x.ts", /relative paths/],
    ["src/app.ts", "file:///srv/x.ts", /relative paths/],
    ["src/app.ts", "C:/srv/x.ts", /relative paths/],
    ["src/app.ts", "data:text/javascript,export{}", /a data URL/],
    ["src/app.ts", "pg", undefined],
    ["src/app.ts", "node:fs", undefined],
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
    copy = realpathSync(mkdtempSync(path.join(tmpdir(), "layers-")));
    cpSync(path.join(root, "tools/lint/layers.js"), path.join(copy, "tools/lint/layers.js"));
    cpSync(path.join(root, "tools/layers.json"), path.join(copy, "tools/layers.json"));
    writeFileSync(
      path.join(copy, ".oxlintrc.json"),
      JSON.stringify({ jsPlugins: ["./tools/lint/layers.js"], rules: { "stockroom/layers": "error" } }),
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
      .filter((each) => each.code === "stockroom(layers)")
      .map((each) => ({ line: each.labels[0].span.line, file: each.filename, message: each.message }));
    return { status: run.status, found };
  };

  test("every way of naming a module is seen, on its line, and lawful ones pass", () => {
    const bad = [
      'import { open } from "../../forecast/module.ts";',
      'import type { Forecast } from "../../forecast/module.ts";',
      'import "../../forecast/module.ts";',
      'import { type Forecast as Again } from "../../forecast/module.ts";',
      'export { open as reopen } from "../../forecast/module.ts";',
      'export type { Forecast as Third } from "../../forecast/module.ts";',
      'export * from "../../forecast/module.ts";',
      'export * as forecast from "../../forecast/module.ts";',
      'import old = require("../../forecast/module.ts");',
      'export const late = await import("../../forecast/module.ts");',
      "export const later = await import(`../../forecast/module.ts`);",
      'export type Far = import("../../forecast/module.ts").Forecast;',
      'export type All = typeof import("../../forecast/module.ts");',
      'export const common = require("../../forecast/module.ts");',
      'export const place = import.meta.resolve("../../forecast/module.ts");',
      'export const thread = new URL("../../forecast/engine/job.ts", import.meta.url);',
      'export const either = new URL(fast ? "../../forecast/a.ts" : "./b.js", import.meta.url);',
      'export const whole = await import("../../forecast/module.ts" as string);',
      'import self from "stockroom/forecast";',
    ];
    const good = [
      'import { StockroomError } from "../../platform/errors.ts";',
      'import { Pool } from "pg";',
      'export const task = new URL("./job.ts", import.meta.url);',
      'export const asset = new URL("../../../assets/x.bin", import.meta.url);',
      "export const local = 1;",
      "export { task as again };",
    ];
    write("src/classify/workflows/bad.ts", `${bad.join("\n")}\n`);
    write("src/classify/workflows/good.ts", `${good.join("\n")}\n`);
    write("src/stray.ts", "export const lost = 1;\n");
    write("bench/free.ts", `${bad.filter((line) => !line.includes(" old ")).join("\n")}\n`);
    const { status, found } = lint();
    expect(status).toBe(1);
    expect(found.filter((each) => each.file === "src/classify/workflows/bad.ts").map((each) => each.line)).toEqual(
      bad.map((_, i) => i + 1),
    );
    expect(found.filter((each) => each.file === "src/stray.ts").map((each) => each.message)).toEqual([
      expect.stringContaining("in no part"),
    ]);
    expect(found.map((each) => each.file).filter((file) => file.includes("good") || file.includes("bench"))).toEqual([]);
  });

  test("the house itself is linted by this rule", () => {
    const config = readFileSync(path.join(root, ".oxlintrc.json"), "utf8");
    const parsed: { jsPlugins: string[]; rules: Record<string, string> } = JSON.parse(config);
    expect(parsed.jsPlugins).toContain("./tools/lint/layers.js");
    expect(parsed.rules["stockroom/layers"]).toBe("error");
  });
});
