// The README as a newcomer pastes it: every block of it, in order, in a copy of what is checked in, on ports that are free.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { blocksOf } from "../kit/documents.ts";

const root = path.resolve(import.meta.dirname, "../..");
/** A block that takes longer than this is broken, seconds. */
const patience = 120;
let clone = "";
/** Process groups of the blocks, which hold the servers that they put into the background. */
const groups: number[] = [];

beforeAll(async () => {
  clone = await mkdtemp(path.join(tmpdir(), "stockroom-readme-"));
  const listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "bin", "src", "examples", "package.json", "README.md"];
  for (const file of execFileSync("git", listed, { cwd: root, encoding: "utf8" }).split("\0").filter(Boolean)) {
    await mkdir(path.dirname(path.join(clone, file)), { recursive: true });
    await cp(path.join(root, file), path.join(clone, file));
  }
  await symlink(path.join(root, "node_modules"), path.join(clone, "node_modules"));
});

afterAll(async () => {
  await Promise.all(groups.map(endGroup));
  await rm(clone, { recursive: true, force: true, maxRetries: 5 });
});

/** Stops what a block left in the background, and waits until it is gone. */
async function endGroup(group: number): Promise<void> {
  const send = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(-group, signal);
    } catch {
      return false;
    }
  };
  if (!send("SIGTERM")) return;
  await vi.waitUntil(() => !send(0), { timeout: 60_000, interval: 100 });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Runs a shell text in the clone until the shell ends; its background goes on. What it printed. */
async function shell(text: string, name: string, env: Readonly<Record<string, string>>): Promise<{ code: number | null; said: string }> {
  const log = path.join(clone, `${name}.log`);
  const handle = openSync(log, "w");
  const child = spawn("bash", ["-euo", "pipefail", "-c", text], {
    cwd: clone,
    detached: true,
    env: { PATH: process.env["PATH"], HOME: clone, ...env },
    stdio: ["ignore", handle, handle],
  });
  closeSync(handle);
  groups.push(child.pid ?? 0);
  const late = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, "SIGKILL"), patience * 1_000);
  await once(child, "exit");
  clearTimeout(late);
  return { code: child.exitCode, said: await readFile(log, "utf8") };
}

/** Waits as the README says: until `runs list` shows that everything is done, `least` runs at least, twice in a row. */
async function settle(least: number, env: Readonly<Record<string, string>>): Promise<number> {
  let before = "";
  let ended = 0;
  await expect
    .poll(
      async () => {
        const { code, said } = await shell("./bin/stockroom runs list --json 2>/dev/null", "runs", env);
        const runs = code === 0 ? (JSON.parse(said) as { state: string }[]) : [];
        const same = said === before;
        before = said;
        ended = runs.length;
        return same && ended >= least && runs.every((run) => run.state === "done");
      },
      { timeout: patience * 1_000, interval: 1_000 },
    )
    .toBe(true);
  return ended;
}

test("every block of the README works as pasted", async () => {
  const [first = "", ...blocks] = blocksOf(await readFile(path.join(clone, "README.md"), "utf8"));
  // Cloning and installing is what every run of the tests begins with.
  expect(first).toContain("git clone");
  expect(blocks.length).toBeGreaterThan(5);
  const ports = { "8080": String(await freePort()), "8081": String(await freePort()) };
  const env = { STOCKROOM_SERVER_PORT: ports["8080"] };
  const said: string[] = [];
  let runs = 0;
  for (const [at, block] of blocks.entries()) {
    const text = block.replaceAll(/\b808[01]\b/g, (port) => (port === "8080" ? ports["8080"] : ports["8081"]));
    const told = await shell(text, `block-${at + 2}`, env);
    expect(told.code, `block ${at + 2} of the README:\n${block}\nsaid\n${told.said}`).toBe(0);
    said.push(told.said);
    // What was put, asked or adjusted starts runs.
    if (/stockroom (put|forecast (adjust|scenario))/.test(block)) runs = await settle(runs + 1, env);
  }
  const all = said.join("\n");
  expect(all).toMatch(/GBR-WASTE.*2026/);
  expect(all).toMatch(/Learned \d+ codes from 400 items/);
  expect(all).toMatch(/rows want an order/);
  expect((await readFile(path.join(clone, "roof.webp"))).subarray(8, 12).toString()).toBe("WEBP");
  expect(await readFile(path.join(clone, "june/report.html"), "utf8")).toContain("item_00003");
  expect((await shell("./bin/stockroom dead list --json 2>/dev/null", "dead", env)).said.trim()).toBe("[]");
}, 900_000);
