// `stockroom forecast run` as a process: its exit codes, Ctrl-C and going on, and the examples that readers are shown.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gather } from "../../src/platform/bytes.ts";
import { makeCatalogue } from "../../src/forecast/sample/catalogue.ts";

const root = path.resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(path.join(tmpdir(), "forecast-run-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const commandOf = (out: string): string[] => [
  path.join(root, "bin/stockroom"),
  "forecast",
  "run",
  ..."--target target.csv --related related.csv --metadata metadata.csv --horizon 6 --frequency M --threads 2 --out".split(" "),
  out,
];
const env = {
  ...process.env,
  STOCKROOM_HOME: path.join(folder, "home"),
  PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env["PATH"]}`,
};

function filesOf(name: string): Map<string, string> {
  const top = path.join(folder, name);
  const files = readdirSync(top, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((file) => [path.relative(top, file), readFileSync(file, "latin1")] as const);
  return new Map(bytes.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

beforeAll(async () => {
  const catalogue = makeCatalogue({ seed: 9, items: 10, stores: 2, frequency: "M", length: 60, horizon: 6 });
  for (const name of ["target", "related", "metadata"] as const)
    writeFileSync(path.join(folder, `${name}.csv`), await gather(catalogue[name]()));
});

/** Waits until a file whose name begins so is there. */
async function seen(place: string, start: string): Promise<void> {
  mkdirSync(place, { recursive: true });
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (): void => {
    if (readdirSync(place).some((name) => name.startsWith(start) && !name.endsWith(".part"))) resolve();
  };
  const watcher = watch(place, look);
  look();
  await promise;
  watcher.close();
}

describe("the command", () => {
  test("stopped by Ctrl-C has written no output; started again it ends as one that was never stopped", async () => {
    const child = spawn(process.execPath, commandOf("stopped"), { cwd: folder, env, stdio: "ignore" });
    const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
    await seen(path.join(folder, "stopped/.work/pieces"), "try-");
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect([...filesOf("stopped").keys()].every((name) => name.startsWith(`.work${path.sep}`))).toBe(true);
    const pieces = readdirSync(path.join(folder, "stopped/.work/pieces")).length;
    expect(pieces).toBeGreaterThan(0);

    const again = spawnSync(process.execPath, commandOf("stopped"), { cwd: folder, env, encoding: "utf8" });
    expect(again).toMatchObject({ status: 0, stdout: expect.stringContaining("Forecast 20 series 6 steps ahead into stopped.") });
    const whole = spawnSync(process.execPath, commandOf("whole"), { cwd: folder, env, encoding: "utf8" });
    expect(whole.status).toBe(0);
    expect(filesOf("stopped")).toEqual(filesOf("whole"));
  }, 180_000);

  test("ends with 2 for wrong use and for inputs that cannot be, with what to do", () => {
    const wrong = spawnSync(process.execPath, [...commandOf("never"), "--horizn", "3"], { cwd: folder, env, encoding: "utf8" });
    expect(wrong).toMatchObject({ status: 2, stderr: expect.stringContaining("Did you mean --horizon") });
    const frequency = spawnSync(process.execPath, [...commandOf("never"), "--frequency", "monthly"], {
      cwd: folder,
      env,
      encoding: "utf8",
    });
    expect(frequency).toMatchObject({ status: 2, stderr: expect.stringContaining("INPUT_FREQUENCY_UNKNOWN") });
    expect(existsSync(path.join(folder, "never"))).toBe(false);
  });
});

test("the example runs and says what it says in the manual", () => {
  const run = spawnSync(process.execPath, [path.join(root, "examples/forecast.ts")], { cwd: folder, env, encoding: "utf8" });
  expect(run).toMatchObject({ status: 0, stderr: "" });
  const lines = run.stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^ETS\(.*\): [\d. ]+$/);
  expect(lines.at(-3)).toMatch(/^20 % off: [\d.]+ % more is sold$/);
  expect(lines.at(-1)).toMatch(/^order \d+: /);
});
