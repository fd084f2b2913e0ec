// The commands about people and tokens: as typed at a shell, the password on standard input.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runWords } from "../kit/command.ts";
import { openTestServer } from "./server-kit.ts";

const main = path.resolve(import.meta.dirname, "../../src/cli/main.ts");
let home: string;
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), "stockroom-users-"));
});
afterAll(async () => await rm(home, { recursive: true, force: true }));

function run(words: readonly string[], input = ""): Promise<{ exit: number | null; out: string; said: string }> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env["PATH"], STOCKROOM_HOME: home };
    const child = spawn(process.execPath, [main, "users", ...words], { cwd: home, env });
    let [out, said] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.on("error", reject);
    child.on("close", (exit) => resolve({ exit, out, said }));
    child.stdin.on("error", () => undefined).end(input);
  });
}

it("users: add, list, role, passwd, remove; no password is ever printed", async () => {
  const password = "a good long password";
  const file = path.join(home, "users.yaml");
  expect(await run(["add", "anna", "--role", "planner,reviewer"], `${password}\nmore\n`)).toMatchObject({
    exit: 0,
    out: "added: anna (planner, reviewer)\n",
  });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const first = await readFile(file, "utf8");
  const listed = await run(["list", "--json"]);
  expect(JSON.parse(listed.out)).toMatchObject([{ name: "anna", roles: ["planner", "reviewer"] }]);
  expect(`${listed.out}${first}`).not.toContain(password);
  expect(listed.out).not.toContain("argon2");
  for (const [words, input, code] of [
    [["add", "ANNA", "--role", "viewer"], password, "USER_THERE"],
    [["add", "ben", "--role", "king"], password, "USER_ROLE"],
    [["add", "a:b", "--role", "viewer"], password, "USER_NAME"],
    [["add", "ben", "--role", "viewer"], "short", "PASSWORD_WEAK"],
    [["add", "ben", "--role", "viewer"], "", "PASSWORD_WEAK"],
    [["passwd", "zoe"], password, "USER_MISSING"],
    [["remove", "zoe"], "", "USER_MISSING"],
  ] as const) {
    const told = await run(words, input);
    expect([words, told.exit, told.said.includes(code), told.said.includes(password)]).toEqual([words, 2, true, false]);
  }
  expect(await readFile(file, "utf8")).toBe(first);
  expect(await run(["role", "anna", "operator"])).toMatchObject({ exit: 0, out: "set: anna is operator\n" });
  expect((await run(["passwd", "anna"], "another good password\n")).exit).toBe(0);
  expect(await readFile(file, "utf8")).not.toContain(/\$argon2id\S+/.exec(first)?.[0] ?? "nothing");
  expect(await run(["remove", "anna"])).toMatchObject({ exit: 0, out: "removed: anna\n" });
  expect((await run([])).out + (await run([])).said).toContain("no users");
});

it("tokens: add shows it once, list never, revoke ends it", async () => {
  const app = await openTestServer({ token: "the-one-token-of-this-server" }, {}, undefined, {});
  try {
    const words = async (...all: readonly string[]) => await runWords({ home, env: {} } as never, app as never, ["tokens", ...all]);
    const statusOf = async (token: string): Promise<number> =>
      (await fetch(`${app.url}/api/me`, { headers: { authorization: `Bearer ${token}` } })).status;
    const { out, said } = await words("add", "grafana", "--role", "viewer", "--days", "30");
    const secret = out.trim();
    expect([secret.startsWith("stockroom_"), said.includes("machine:grafana (viewer)"), await statusOf(secret)]).toEqual([true, true, 200]);
    const listed = await words("list", "--json");
    const [token] = JSON.parse(listed.out) as { id: string; name: string; roles: string[]; madeBy: string }[];
    expect(token).toMatchObject({ name: "grafana", roles: ["viewer"], madeBy: expect.stringMatching(/^shell:/) });
    expect(listed.out).not.toContain(secret);
    expect((await words("revoke", token?.id ?? "")).exit).toBe(0);
    expect(await statusOf(secret)).toBe(401);
    expect((await words()).out).toContain("revoked");
    expect((await words("revoke", "none")).said).toContain("TOKEN_MISSING");
    for (const bad of [
      ["add", "x", "--role", "king"],
      ["add", "x", "--role", "viewer", "--days", "9999"],
      ["add", "", "--role", "viewer"],
    ])
      expect([bad, (await words(...bad)).exit]).toEqual([bad, 2]);
  } finally {
    await app.close();
  }
});
