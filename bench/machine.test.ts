import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, describe, expect, test } from "vitest";
import { cpuSeconds, machine, measure, measureCommand, writeResult, type Machine, type Result } from "./machine.ts";

const folder = mkdtempSync(path.join(tmpdir(), "results-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Burns CPU until the process itself has used this much: no clock on the wall decides. */
const burn = (seconds: number): string =>
  `const from = process.cpuUsage(); let x = 0; while (process.cpuUsage(from).user + process.cpuUsage(from).system < ${seconds} * 1e6) for (let i = 0; i < 1e5; i++) x += Math.sqrt(i);`;

test("a machine has a name, cores, memory and its rivals, installed or not", () => {
  const here = machine(["a-package-that-is-not-there"]);
  expect(here.cores).toBeGreaterThan(0);
  expect(here.memoryGiB).toBeGreaterThan(0);
  expect(here.node).toBe(process.version);
  expect(here.rivals).toEqual({ "a-package-that-is-not-there": "not installed" });
});

describe.skipIf(process.platform !== "linux")("cost", () => {
  test("of a command counts its children's children, and not this process", async () => {
    const inner = `require("node:child_process").execFileSync(process.execPath, ["-e", ${JSON.stringify(burn(0.3))}]);`;
    const run = await measureCommand(process.execPath, ["-e", `${burn(0.2)}; ${inner}; console.log("done"); process.exit(3)`]);
    expect(run).toMatchObject({ status: 3, stdout: "done\n", stderr: "" });
    expect(run.cpuSeconds).toBeGreaterThan(0.45);
    expect(run.peakMiB).toBeGreaterThan(20);
  });

  test("of work counts itself and the children it waited for", async () => {
    const before = cpuSeconds();
    const done = await measure(async () => {
      const from = process.cpuUsage();
      while (process.cpuUsage(from).user + process.cpuUsage(from).system < 2e5);
      return (await measureCommand(process.execPath, ["-e", burn(0.2)])).status;
    });
    expect(done.value).toBe(0);
    expect(done.cpuSeconds).toBeGreaterThan(0.35);
    expect(cpuSeconds() - before).toBeGreaterThanOrEqual(done.cpuSeconds - 0.02);
  });

  test("sees memory that is taken and given back without a pause", async () => {
    const done = await measure(() => {
      const block = Buffer.alloc(150 * 2 ** 20, 1);
      return block[block.length - 1];
    });
    expect(done.value).toBe(1);
    expect(done.peakMiB).toBeGreaterThan(150);
  });

  test("is not given when the work throws, and the watch ends", async () => {
    await expect(measure(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    await expect(measureCommand("a-command-that-is-not-there", [])).rejects.toThrow("ENOENT");
  });
});

describe("a result", () => {
  const here: Machine = {
    cpu: "CPU",
    cores: 2,
    memoryGiB: 4,
    os: "OS",
    node: "v24",
    load: 0.1,
    commit: "abc",
    rivals: { fasttext: "0.9" },
  };
  const result: Result = {
    title: "Fits",
    about: "What was done.",
    command: "node bench/x.ts",
    tables: [
      {
        caption: "Times",
        columns: ["who", "s", "rows"],
        rows: [
          ["us | them", 1.23456, 1_000_000],
          ["rival", 12.5, 3],
        ],
      },
    ],
    notes: ["A note."],
    notMeasured: ["Windows."],
    machine: here,
  };

  test("is written for people and for machines", () => {
    const text = writeResult("fits-1", result, folder);
    expect(readFileSync(path.join(folder, "fits-1.md"), "utf8")).toBe(text);
    expect(text).toContain("| who | s | rows |\n| --- | ---: | ---: |\n| us \\| them | 1.2346 | 1,000,000 |\n| rival | 12.50 | 3 |");
    expect(text).toContain("## Not measured\n\n- Windows.");
    expect(text).toContain("- CPU, 2 cores, 4 GiB");
    const parsed: unknown = JSON.parse(readFileSync(path.join(folder, "fits-1.json"), "utf8"));
    expect(parsed).toMatchObject({ name: "fits-1", title: "Fits", machine: { cpu: "CPU" }, tables: result.tables });
  });

  test.each([
    ["a name that is no file name", "../fits", result, "BENCH_BAD_NAME"],
    ["nothing left unmeasured", "fits", { ...result, notMeasured: [] }, "BENCH_ALL_MEASURED"],
    ["a row too short", "fits", { ...result, tables: [{ caption: "T", columns: ["a", "b"], rows: [["x"]] }] }, "BENCH_BAD_TABLE"],
  ])("is refused with %s", (_, name, given, code) => {
    expect(() => writeResult(name, given, folder)).toThrow(expect.objectContaining({ code }));
  });
});
