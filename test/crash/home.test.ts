// A home that was copied while it ran: both at work would start schedules, send notices and deliver twice.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testDatabase } from "../kit/database.ts";

const main = path.resolve(import.meta.dirname, "../../src/cli/main.ts");
let folder = "";
const children = new Set<ChildProcess>();

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "stockroom-copied-"));
});

afterAll(async () => {
  for (const child of children) await stop(child);
  await rm(folder, { recursive: true, force: true });
});

const at = (name: string): string => path.join(folder, name);

function start(home: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOME: folder, STOCKROOM_HOME: at(home), ...env },
  });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

async function run(home: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = start(home, args, env);
  let said = "";
  child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await once(child, "close");
  return { code: child.exitCode, said };
}

/** Starts a process that works, and waits for its word; `said` grows on. */
async function open(home: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = start(home, args, env);
  const opened = { child, said: "" };
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      opened.said += chunk.toString();
      if (/Ctrl-C (stops|closes) it/.test(opened.said)) resolve();
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    child.once("exit", () => reject(new Error(`ended before it was open:\n${opened.said}`)));
  });
  return opened;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

test("a running home copied with its database takes no work, stays quiet as a copy, and can take over", async () => {
  const heard: string[] = [];
  const receiver = createServer((request, response) => {
    request.on("data", (chunk: Buffer) => heard.push(chunk.toString())).on("end", () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const address = receiver.address();
  const hook = {
    kind: "webhook",
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/`,
    secret: "whsec_c2VzYW1l",
  };
  await writeFile(
    at("stockroom.yaml"),
    `notify: ${JSON.stringify({ channels: { hook, log: { kind: "log" } }, topics: { "*": ["hook", "log"] } })}\n`,
  );

  const original = await open("home", ["worker"]);
  await run("home", ["put", "stockroom.yaml", "shop/first"]);
  // As an administrator would: everything, the running server's files included.
  await cp(at("home"), at("copy"), { recursive: true, preserveTimestamps: true });
  for (const command of [["worker"], ["up", "--port", "0"]]) {
    const refused = await run("copy", command);
    expect(refused).toMatchObject({ code: 2, said: expect.stringContaining("HOME_COPIED") });
    expect(refused.said).toContain(at("home"));
    expect(refused.said).toContain("stockroom home adopt --copy");
  }
  // Reading the copy is harmless, and told.
  expect(await run("copy", ["get", "shop/first"])).toMatchObject({ code: 0, said: expect.stringContaining("is a copy of it") });

  expect(await run("copy", ["home", "adopt", "--copy"])).toMatchObject({ code: 0, said: expect.stringContaining("rest") });
  const quiet = await open("copy", ["worker"]);
  expect(quiet.said).toContain("schedules, notices and deliveries rest");
  const schedules = await run("copy", ["schedule", "list", "--json"]);
  expect(schedules.said).not.toContain("classify.");
  // A hint of the inbox is a notice; in the copy it reaches nobody, at the original it reaches the webhook.
  await writeFile(at("copy/inbox/typo.csv"), "a\n1\n");
  await writeFile(at("home/inbox/real.csv"), "a\n1\n");
  await waitUntil(async () => heard.some((body) => body.includes("real.csv")));
  const told = async () => (await run("copy", ["notices", "--json"])).said;
  await waitUntil(async () => (await told()).includes("typo.csv"));
  expect(heard.filter((body) => body.includes("typo.csv"))).toEqual([]);
  await stop(quiet.child);
  await stop(original.child);

  // The original is gone for good: the copy takes its place, and what waited is told now.
  await rm(at("home"), { recursive: true });
  expect(await run("copy", ["home", "adopt"])).toMatchObject({ code: 0 });
  await rename(at("copy"), at("home"));
  const heir = await open("home", ["worker"]);
  await waitUntil(async () => heard.some((body) => body.includes("typo.csv")));
  await stop(heir.child);
  receiver.close();
});

test("a copied home on the original's database is refused; as one more machine it works beside it", async () => {
  const postgres = await testDatabase();
  const env = {
    DATABASE_URL: postgres.url,
    STOCKROOM_OBJECTS_ROOT: at("common/objects"),
    STOCKROOM_VAULT_KEY_FILE: at("common/keys.json"),
  };
  const first = await open("one", ["worker"], env);
  await cp(at("one"), at("two"), { recursive: true });
  expect(await run("two", ["worker"], env)).toMatchObject({ code: 2, said: expect.stringContaining("HOME_COPIED") });
  expect(await run("two", ["home", "adopt", "--copy"], env)).toMatchObject({ code: 2, said: expect.stringContaining("HOME_ADOPTION") });
  expect(await run("two", ["home", "adopt", "--beside"], env)).toMatchObject({ code: 0 });
  const second = await open("two", ["worker"], env);
  // A home of its own on the same database needs no word.
  const third = await open("three", ["worker"], env);
  for (const { child } of [first, second, third]) await stop(child);
  expect(await readFile(at("one/home-id"), "utf8")).not.toBe(await readFile(at("two/home-id"), "utf8"));
  await postgres.drop();
});

async function waitUntil(look: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + 120_000;
  while (!(await look())) {
    if (Date.now() > until) throw new Error("Waited in vain.");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
