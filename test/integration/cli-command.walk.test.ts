// The one command as people and scripts run it: real processes, a real home, `up` beside clients.

import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  cpSync,
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
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../kit/app.ts";
import type { Output } from "../../src/platform/command/output.ts";
import { runCommand } from "../../src/cli/run.ts";

const bin = path.resolve(import.meta.dirname, "../../bin/stockroom");
const temp = realpathSync(mkdtempSync(path.join(tmpdir(), "stockroom-cli-")));
const home = path.join(temp, "home");

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Options {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly program?: readonly string[];
}

function start(args: readonly string[], { env = {}, program = [process.execPath, bin] }: Options = {}): ChildProcess {
  const [file = "", ...before] = program;
  return spawn(file, [...before, ...args], { cwd: temp, env: { PATH: process.env["PATH"], HOME: temp, STOCKROOM_HOME: home, ...env } });
}

/** Runs a command in this process: the same but for the launcher, and quicker by a second. */
async function call(args: readonly string[], { env = {} }: Options = {}): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  const output: Output = {
    columns: 100,
    live: false,
    print: (text) => {
      stdout += `${text}\n`;
    },
    write: async (bytes) => {
      stdout += Buffer.from(bytes).toString();
    },
    say: (text) => {
      stderr += `${text}\n`;
    },
  };
  const code = await runCommand(args, { output, cwd: temp, env: { STOCKROOM_HOME: home, ...env }, stop: new AbortController().signal });
  return { code: code === "stopped" ? null : code, stdout, stderr };
}

/** Runs a command as a process of its own. */
async function stockroom(args: readonly string[], options: Options = {}): Promise<Ended> {
  const child = start(args, options);
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin?.end(options.input ?? "");
  await once(child, "close");
  return { code: child.exitCode, stdout, stderr };
}

/** Starts a command that stays, and waits for words on its standard error. */
async function startUntil(
  args: readonly string[],
  words: RegExp,
  options: Options = {},
): Promise<{ child: ChildProcess; match: RegExpExecArray }> {
  const child = start(args, options);
  let said = "";
  const match = await new Promise<RegExpExecArray>((resolve, reject) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const found = words.exec(said);
      if (found !== null) resolve(found);
    });
    child.on("exit", (code) => reject(new Error(`Expected it to stay but it ended with ${code}: ${said}`)));
  });
  return { child, match };
}

async function stopped(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const ended = once(child, "close");
  child.kill(signal);
  await ended;
  return child.exitCode;
}

afterAll(() => rmSync(temp, { recursive: true, force: true }));

describe("without a database", () => {
  it.each([
    [["--version"], 0, /^\d+\.\d+\.\d+\n$/, /^$/],
    [["--help"], 0, /Commands:\n {2}up /, /^$/],
    [[], 0, /Usage: stockroom COMMAND/, /^$/],
    [["dead", "redrive", "--help"], 0, /Usage: stockroom dead redrive \[ID\]/, /^$/],
    [["putt", "x"], 2, /^$/, /"putt" is none. Did you mean put\?.*\n {2}USAGE\n$/],
    [["ls", "--limt", "3"], 2, /^$/, /"--limt" is none. Did you mean --limit\?/],
    [["put", "nothing.csv", "x"], 2, /^$/, /Expected a file nothing.csv but there is none/],
    [["put", ".", "x"], 2, /^$/, /is a folder/],
    [["ls", "--limit", "-3"], 2, /^$/, /whole number from 1 to/],
    [["runs", "--state", "asleep"], 2, /^$/, /queued or running or/],
    [["worker", "forecast", "forecats"], 2, /^$/, /Expected MODULES of classify, forecast, images but received "forecats"/],
    [["up", "forecats"], 2, /^$/, /Expected MODULES of classify, forecast, images but received "forecats". Did you mean forecast\?/],
    [["config", "check"], 0, /without mistakes/, /^$/],
    [["config", "check", "--home"], 2, /^$/, /--home wants a value/],
  ] as const)("stockroom %j", async (args, code, stdout, stderr) => {
    const ended = await call(args);
    expect(ended.stdout).toMatch(stdout);
    expect(ended.stderr).toMatch(stderr);
    expect(ended.code).toBe(code);
    expect(existsSync(home)).toBe(false);
  });

  it("tells all mistakes in the settings at once, and no secret", async () => {
    const file = path.join(temp, "bad.yaml");
    writeFileSync(file, "server:\n  port: 99999\n  tokn: s3cret-s3cret-s3cret\nlog:\n  level: loud\n");
    const checked = await call(["config", "check", "--config", file, "--json"]);
    expect(checked.code).toBe(2);
    const { good, problems }: { good: boolean; problems: { path: string }[] } = JSON.parse(checked.stdout);
    expect([good, problems.map((problem) => problem.path)]).toEqual([false, expect.arrayContaining(["server.port", "log.level"])]);
    const used = await call(["ls", "--config", file]);
    expect([used.code, used.stdout]).toEqual([2, ""]);
    expect(used.stderr).toContain("CONFIG_INVALID");
    const printed = await call(["config", "print"], { env: { STOCKROOM_SERVER_TOKEN: "s3cret-s3cret-s3cret" } });
    expect(printed.stdout).toMatch(/server\.token = \[secret\] +# environment STOCKROOM_SERVER_TOKEN/);
    expect(checked.stdout + used.stderr + printed.stdout).not.toContain("s3cret");
  });
});

describe("the beginning", () => {
  it("is a settings file of comments, which is never written over, and a word that nothing is open yet", async () => {
    const file = path.join(temp, "begin.yaml");
    const made = await call(["init", file]);
    expect(made).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^written: .*begin\.yaml\n$/),
      stderr: expect.stringContaining("stockroom up"),
    });
    const text = readFileSync(file, "utf8");
    expect(text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))).toEqual([]);
    expect(text).toMatch(/^# forecast:$/m);
    expect(await call(["config", "check", "--config", file])).toMatchObject({ code: 0 });
    expect(await call(["init", file])).toMatchObject({ code: 2, stderr: expect.stringContaining("SETTINGS_THERE") });
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(await call(["init", path.join(temp, "no/such/begin.yaml")])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("SETTINGS_PLACE"),
    });
    const none = await call(["open"], { env: { STOCKROOM_SERVER_PORT: "1" } });
    expect(none).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("Start it with: stockroom up") });
  });
});

describe("the launcher", () => {
  const olderNode = ["/usr/bin/node", "/usr/local/bin/node"].find((file) => {
    const major = Number(/^v(\d+)/.exec(spawnSync(file, ["--version"], { encoding: "utf8" }).stdout ?? "")?.[1]);
    return major >= 20 && major < 24;
  });

  it("works through a link, from any folder", async () => {
    const link = path.join(temp, "linked");
    symlinkSync(bin, link);
    expect(await stockroom(["--version"], { program: [link] })).toMatchObject({ code: 0, stderr: "" });
  });

  it.runIf(olderNode !== undefined)("goes over to Node 24 when an older one called it, with the exit code and the signal", async () => {
    const program = [olderNode ?? "", bin];
    expect(await stockroom(["--version"], { program })).toMatchObject({ code: 0 });
    expect(await stockroom(["pu"], { program })).toMatchObject({ code: 2 });
    const elsewhere = path.join(temp, "elsewhere");
    const { child } = await startUntil(["worker", "forecast"], /takes runs of forecast \(home/, {
      program,
      env: { STOCKROOM_HOME: elsewhere },
    });
    expect(await stopped(child, "SIGTERM")).toBe(0);
    expect(existsSync(path.join(elsewhere, "postgres/data/postmaster.pid"))).toBe(false);
  });

  it("says what to do where nothing is installed", async () => {
    const folder = path.join(temp, "bare/bin");
    cpSync(path.dirname(bin), folder, { recursive: true });
    writeFileSync(path.join(temp, "bare/package.json"), '{ "type": "module" }');
    const ended = await stockroom(["--version"], { program: [process.execPath, path.join(folder, "stockroom")] });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain("npm install");
  });
});

describe("beside `stockroom up`", () => {
  let up: ChildProcess;
  let url = "";
  beforeAll(async () => {
    const { child, match } = await startUntil(["up", "--port", "0"], /is open at (http:\S+)/);
    up = child;
    url = match[1] ?? "";
  });
  afterAll(async () => {
    if (up.exitCode === null) await stopped(up, "SIGKILL");
  });

  it("clients put, list, get and remove what the server has too", async () => {
    writeFileSync(path.join(temp, "june.csv"), "id,title\n1,Kettle\n");
    expect(await stockroom(["put", "june.csv", "shop/"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("stored: shop/june.csv (18 B"),
    });
    const again = await stockroom(["put", "-", "shop/june.csv", "--json"], { input: "id,title\n1,Kettle\n" });
    expect(JSON.parse(again.stdout)).toMatchObject({ key: "shop/june.csv", bytes: 18, known: true });
    expect(await (await fetch(`${url}/objects/shop/june.csv`)).text()).toBe("id,title\n1,Kettle\n");
    expect(JSON.parse((await call(["ls", "shop/", "--json"])).stdout)).toMatchObject([
      { key: "shop/june.csv", writtenBy: "operator: cli put" },
    ]);
    expect(await stockroom(["get", "shop/june.csv", "--out", "back.csv"])).toMatchObject({ code: 0, stdout: "" });
    expect(readFileSync(path.join(temp, "back.csv"), "utf8")).toBe("id,title\n1,Kettle\n");
    expect((await call(["keys", "rotate", "general"])).stdout).toContain("key version 2");
    expect((await call(["get", "shop/june.csv"])).stdout).toBe("id,title\n1,Kettle\n");
    const missing = await stockroom(["get", "shop/none", "--out", "none.csv"]);
    expect(missing).toMatchObject({ code: 2, stdout: "" });
    expect(missing.stderr).toMatch(/^stockroom: Expected an object .*\n {2}OBJECT_MISSING {2}key=shop\/none\n$/);
    expect(readdirSync(temp).filter((name) => name.startsWith("none.csv"))).toEqual([]);
  });

  it("tells the address of the console, and watches a list until it is stopped", async () => {
    const shown = await call(["open", "runs"], { env: { STOCKROOM_SERVER_PORT: new URL(url).port, CI: "1" } });
    expect(shown).toMatchObject({ code: 0, stdout: `${url}/console/runs\n`, stderr: expect.stringContaining("No browser") });
    const child = start(["ls", "watched/", "--watch"]);
    let seen = "";
    child.stdout?.on("data", (part: Buffer) => (seen += part.toString()));
    child.stderr?.on("data", (part: Buffer) => (seen += part.toString()));
    await waitFor("its first look", async () => await Promise.resolve(seen.includes("no objects")));
    await stockroom(["put", "-", "watched/new"], { input: "x" });
    await waitFor("what came", async () => await Promise.resolve(seen.includes("watched/new")));
    expect(await stopped(child, "SIGINT")).toBe(130);
    expect(await call(["rm", "watched/new"])).toMatchObject({ code: 0 });
  });

  it("lists are JSON documents and nothing else", async () => {
    const lists = [["runs"], ["dead"], ["events"], ["notices"], ["schedule"], ["keys"], ["keys", "grants"], ["keys", "uses"], ["doctor"]];
    for (const list of [...lists, ["sql", "select kind from outbox", "--system"], ["sql", "from runs"], ["sql"], ["config", "print"]]) {
      const ended = await call([...list, "--json"]);
      expect([list, ended.code, Array.isArray(JSON.parse(ended.stdout))]).toEqual([list, 0, true]);
    }
  });

  it("a reader that goes away ends a command quietly", async () => {
    await stockroom(["put", "-", "shop/large"], { input: "x".repeat(5_000_000) });
    const child = start(["get", "shop/large"]);
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.stdout?.once("data", () => child.stdout?.destroy());
    await once(child, "exit");
    expect([child.exitCode, said]).toEqual([0, ""]);
  });

  it("Ctrl-C ends a command that waits for its input, told and with 130, and nothing of it is stored", async () => {
    const child = start(["put", "-", "shop/cut"]);
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.stdin?.write("half of it");
    const begun = async () => JSON.parse((await call(["keys", "uses", "--limit", "1", "--json"])).stdout)[0]?.key === "shop/cut";
    while (!(await begun()));
    expect(await stopped(child, "SIGINT")).toBe(130);
    expect(said).toBe("\nStopping; what is done stays done. Once more ends it at once.\n");
    expect(JSON.parse((await call(["ls", "shop/cut", "--json"])).stdout)).toEqual([]);
  });

  it("a grant taken away binds the next command, and is on record", async () => {
    expect((await call(["keys", "grants", "deny", "operator", "general", "read"])).code).toBe(0);
    const denied = await call(["get", "shop/june.csv"]);
    expect([denied.code, denied.stdout]).toEqual([2, ""]);
    expect(denied.stderr).toContain("VAULT_NO_GRANT");
    expect((await call(["keys", "uses", "--limit", "1"])).stdout).toMatch(/NO +operator +read +general/);
    await call(["keys", "grants", "allow", "operator", "general", "read"]);
    expect((await call(["get", "shop/june.csv"])).code).toBe(0);
  });

  it("refuses to serve strangers without a token", async () => {
    const ended = await call(["up", "--host", "0.0.0.0", "--port", "0"]);
    expect([ended.code, ended.stdout]).toEqual([2, ""]);
    expect(ended.stderr).toMatch(/token/);
  });

  it("says that a port is taken", async () => {
    const ended = await stockroom(["up", "--port", new URL(url).port]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain("SERVER_PORT_TAKEN");
  });

  it("backs up while it works, and the copy opens in another home", async () => {
    expect((await call(["backup", "copy"])).stdout).toContain("backed up");
    expect(await call(["backup", "copy"])).toMatchObject({ code: 2, stderr: expect.stringContaining("BACKUP_EXISTS") });
    expect(await call(["restore", "copy"])).toMatchObject({ code: 2, stderr: expect.stringContaining("RESTORE_OVER_DATA") });
    const env = { STOCKROOM_HOME: path.join(temp, "restored") };
    const restored = await call(["restore", "copy"], { env });
    expect(restored).toMatchObject({ code: 0, stderr: expect.stringContaining("put the key file back") });
    copyFileSync(path.join(home, "keys.json"), path.join(temp, "restored/keys.json"));
    expect((await call(["get", "shop/june.csv"], { env })).stdout).toBe("id,title\n1,Kettle\n");
  });

  it("is not emptied as if it were the sample shop", async () => {
    const alone = await call(["demo", "reset", "--yes"]);
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining("DEMO_NOT_ALONE")]);
    for (const key of ["shop/june.csv", "shop/large"]) await call(["rm", key]);
    expect(await call(["demo", "reset"])).toMatchObject({ code: 2, stderr: expect.stringContaining("DEMO_RESET_UNSURE") });
    expect(await call(["demo", "reset", "--yes"])).toMatchObject({ code: 2, stderr: expect.stringContaining("DEMO_IN_USE") });
  });

  it("ends with 0 on Ctrl-C and leaves nothing running", async () => {
    expect(await stopped(up, "SIGINT")).toBe(0);
    expect(existsSync(path.join(home, "postgres/data/postmaster.pid"))).toBe(false);
    await expect(fetch(`${url}/health/live`)).rejects.toThrow("fetch failed");
    expect(await call(["demo", "reset", "--yes"])).toMatchObject({ code: 0, stdout: `emptied: ${home}\n` });
    expect(readdirSync(home)).toEqual([]);
  });
});
