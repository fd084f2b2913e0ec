// The README and the documents as a newcomer pastes them: every block, in order, in a copy of what is checked in, on ports that are free. The
// documents come after the README, on the installation that it leaves, some pages at a time: each needs only what the README left, and the runbook,
// which changes keys and grants, comes last and alone. A block that is not run says why in a comment in front of it.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync, globSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { createServer } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { blocksOf, shellBlocksOf } from "../kit/documents.ts";

const root = path.resolve(import.meta.dirname, "../..");
/** A block that takes longer than this is broken, seconds. */
const patience = 600;
let temp = "";
let clone = "";
let serverPort = "";
/** Process groups of the blocks, which hold the servers that they put into the background. */
const groups: number[] = [];

beforeAll(async () => {
  temp = await mkdtemp(path.join(tmpdir(), "stockroom-readme-"));
  clone = path.join(temp, "clone");
  const parts = ["bin", "src", "examples", "docs", "package.json", "README.md", "RUNBOOK.md"];
  const listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", ...parts];
  for (const file of execFileSync("git", listed, { cwd: root, encoding: "utf8" }).split("\0").filter(Boolean)) {
    await mkdir(path.dirname(path.join(clone, file)), { recursive: true });
    await cp(path.join(root, file), path.join(clone, file));
  }
  await symlink(path.join(root, "node_modules"), path.join(clone, "node_modules"));
});

afterAll(async () => {
  await Promise.all(groups.map(endGroup));
  await rm(temp, { recursive: true, force: true, maxRetries: 5 });
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

/** Runs a shell text in the clone until the shell ends; its background goes on, and its group is added to `begun`. What it printed. */
async function shell(
  text: string,
  name: string,
  env: Readonly<Record<string, string>>,
  begun: number[] = groups,
): Promise<{ code: number | null; said: string }> {
  const log = path.join(temp, `${name.replaceAll("/", "-")}.log`);
  const handle = openSync(log, "w");
  const child = spawn("bash", ["-euo", "pipefail", "-c", text], {
    cwd: clone,
    detached: true,
    env: { PATH: [path.join(clone, "bin"), process.env["PATH"]].join(path.delimiter), HOME: clone, ...env },
    stdio: ["ignore", handle, handle],
  });
  closeSync(handle);
  begun.push(child.pid ?? 0);
  const late = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, "SIGKILL"), patience * 1_000);
  await once(child, "exit");
  clearTimeout(late);
  return { code: child.exitCode, said: await readFile(log, "utf8") };
}

/**
 * Waits as the README says, until all is done, `least` runs at least: nothing runs, no event waits, and the same once more. Asks the server, which
 * costs nothing beside a process for each look. How many runs there are.
 */
async function settle(least: number): Promise<number> {
  let before = "";
  let done = 0;
  await vi.waitUntil(
    async () => {
      const answer = await fetch(`http://127.0.0.1:${serverPort}/metrics`).catch(() => undefined);
      const numbers = (await answer?.text()) ?? "";
      const runs = Object.fromEntries(
        [...numbers.matchAll(/^stockroom_runs\{state="(\w+)"\} (\d+)$/gm)].map(([, state = "", count]) => [state, Number(count)]),
      );
      expect(runs).not.toHaveProperty("dead");
      expect(runs).not.toHaveProperty("failed");
      done = runs["done"] ?? 0;
      const same = numbers.includes("\nstockroom_outbox_waiting 0\n") && before === JSON.stringify(runs);
      before = JSON.stringify(runs);
      return same && done >= least && Object.keys(runs).join() === "done";
    },
    { timeout: patience * 1_000, interval: 250 },
  );
  return done;
}

test("every block of the README works as pasted", async () => {
  const [first = "", ...blocks] = blocksOf(await readFile(path.join(clone, "README.md"), "utf8"));
  // Cloning and installing is what every run of the tests begins with.
  expect(first).toContain("git clone");
  expect(blocks.length).toBeGreaterThan(5);
  serverPort = String(await freePort());
  const ports = { "8080": serverPort, "8081": String(await freePort()) };
  const env = { STOCKROOM_SERVER_PORT: serverPort };
  const said: string[] = [];
  let runs = 0;
  for (const [at, block] of blocks.entries()) {
    const text = block.replaceAll(/\b808[01]\b/g, (port) => (port === "8080" ? ports["8080"] : ports["8081"]));
    const told = await shell(text, `block-${at + 2}`, env);
    expect(told.code, `block ${at + 2} of the README:\n${block}\nsaid\n${told.said}`).toBe(0);
    said.push(told.said);
    // What was put, asked or adjusted starts runs.
    if (/stockroom (put|forecast (adjust|scenario))/.test(block)) runs = await settle(runs + 1);
  }
  const all = said.join("\n");
  expect(all).toMatch(/GBR-WASTE.*2026/);
  expect(all).toMatch(/Learned \d+ codes from 400 items/);
  expect(all).toMatch(/rows want an order/);
  expect((await readFile(path.join(clone, "roof.webp"))).subarray(8, 12).toString()).toBe("WEBP");
  expect(await readFile(path.join(clone, "june/report.html"), "utf8")).toContain("item_00003");
  expect((await shell("./bin/stockroom dead list --json 2>/dev/null", "dead", env)).said.trim()).toBe("[]");
}, 3_600_000);

/** What a reader has where the documents name files of their own. */
const own = {
  "catalogue.csv": "june.csv",
  "new.csv": "new.csv",
  "sales.csv": "demand.csv",
  "photos/cat.jpg": "pictures/roof.jpg",
};
/** Made from the code: forms of commands, each of which src/cli/documents.test.ts tries. */
const isGenerated = (page: string): boolean => /reference\/(?:commands|errors|metrics|roles-routes|routes|settings)\.md$/.test(page);
const orderOf = (page: string): number =>
  ["docs/tutorial", "docs/how-to", "docs/reference", "docs/explanation", "RUNBOOK"].findIndex((each) => page.startsWith(each));

test("every block of the documents works as pasted, or says why it is not run", async () => {
  await mkdir(path.join(clone, "photos"), { recursive: true });
  for (const [name, example] of Object.entries(own)) await cp(path.join(clone, "examples/data", example), path.join(clone, name));
  await mkdir(path.join(temp, "elsewhere"), { recursive: true });
  const pages = [...globSync("docs/**/*.md", { cwd: clone }), "RUNBOOK.md"]
    .filter((page) => !isGenerated(page))
    .toSorted((a, b) => orderOf(a) - orderOf(b) || (a < b ? -1 : 1));
  let ran = 0;
  const reasons: string[] = [];
  const walk = async (page: string): Promise<void> => {
    const begun: number[] = [];
    const blocks = shellBlocksOf(await readFile(path.join(clone, page), "utf8"));
    reasons.push(...blocks.flatMap(({ skipped }) => skipped ?? []));
    // A page that serves pictures on the usual port has it to itself.
    const isServing = blocks.some(({ text, skipped }) => skipped === undefined && /up images (?!.*--port)/.test(text));
    const ports = { "8080": isServing ? String(await freePort()) : serverPort, "8081": String(await freePort()) };
    try {
      for (const [at, { text, skipped }] of blocks.entries()) {
        if (skipped !== undefined) continue;
        const pasted = text
          .replaceAll(/\b808[01]\b/g, (port) => (port === "8080" ? ports["8080"] : ports["8081"]))
          .replaceAll("/elsewhere", path.join(temp, "elsewhere"))
          // The installation is up already.
          .replaceAll(/^(?:\.\/bin\/)?stockroom up &.*$/gm, "true");
        const told = await shell(pasted, `${page}-${at + 1}`, { STOCKROOM_SERVER_PORT: ports["8080"] }, begun);
        expect.soft(told.code, `block ${at + 1} of ${page}:\n${text}\nsaid\n${told.said}`).toBe(0);
        ran += 1;
      }
    } finally {
      await Promise.all(begun.map(endGroup));
    }
  };
  const waiting = pages.filter((page) => page !== "RUNBOOK.md");
  await Promise.all(
    Array.from({ length: Math.max(2, availableParallelism()) }, async () => {
      for (let page = waiting.shift(); page !== undefined; page = waiting.shift()) await walk(page);
    }),
  );
  await walk("RUNBOOK.md");
  expect(ran).toBeGreaterThan(50);
  expect(reasons.filter((reason) => reason.length < 15)).toEqual([]);
}, 3_600_000);
