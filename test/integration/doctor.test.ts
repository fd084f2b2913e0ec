// doctor beside a real app, and on homes that are not well. It changes nothing, and says of each thing what to do.

import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createRawServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Output } from "../../src/platform/command/output.ts";
import { runCommand } from "../../src/cli/run.ts";
import { appProbes, type App } from "../../src/app.ts";
import { openServer, type OpenServer } from "../../src/server/index.ts";
import { makePlace, openAt, operator, settled, textBytes, type TestPlace } from "../kit/app.ts";

interface Finding {
  readonly what: string;
  readonly state: string;
  readonly words: string;
}

let place: TestPlace;
let app: App;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  place = await makePlace();
  app = await openAt(place, { work: true, quiet: true });
});

afterAll(async () => {
  for (const close of closing.toReversed()) await close();
  await app.close();
  await place.remove();
});

async function doctor(env: Readonly<Record<string, string>> = place.env) {
  let stdout = "";
  const output: Output = {
    columns: 100,
    live: false,
    print: (text) => (stdout += text),
    write: async () => undefined,
    say: () => undefined,
  };
  const code = await runCommand(["doctor", "--json"], { output, cwd: tmpdir(), env, stop: new AbortController().signal });
  const findings: readonly Finding[] = JSON.parse(stdout);
  const of = (what: string): readonly string[] => findings.flatMap((one) => (one.what === what ? [`${one.state}: ${one.words}`] : []));
  return { code, findings, of };
}

async function portOf(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server that listens on a port has such an address
  return String((server.address() as AddressInfo).port);
}

test("without a home it says so and makes none", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "stockroom-none-"));
  const home = path.join(folder, "home");
  const { code, of } = await doctor({ STOCKROOM_HOME: home, STOCKROOM_SERVER_PORT: "0" });
  expect([code, of("home")]).toEqual([0, [expect.stringMatching(/^warn: .* is not there yet/)]]);
  expect(existsSync(home)).toBe(false);
  // A database that nobody has started on is left without tables, and the home without key file.
  const empty = await makePlace();
  const looked = await doctor({ ...empty.env, STOCKROOM_SERVER_PORT: "0" });
  expect(looked.of("tables")).toEqual([expect.stringMatching(/^warn: none yet/)]);
  expect(readdirSync(empty.home)).toEqual([]);
  await empty.remove();
  rmSync(folder, { recursive: true });
});

test("it knows whose server has the port", async () => {
  const server: OpenServer = await openServer({
    deps: app,
    settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000 },
    version: "0.0.0",
    probes: appProbes(app),
  });
  closing.push(() => server.close());
  const port = new URL(server.url).port;
  expect((await doctor({ ...place.env, STOCKROOM_SERVER_PORT: port })).of("server")).toEqual([
    expect.stringMatching(/^ok: .*this home's and ready/),
  ]);
  const other = mkdtempSync(path.join(tmpdir(), "stockroom-other-"));
  expect((await doctor({ STOCKROOM_HOME: other, STOCKROOM_SERVER_PORT: port })).of("server")).toEqual([
    expect.stringMatching(/^fail: .*another Stockroom/),
  ]);
  rmSync(other, { recursive: true });
  const web = await portOf(createServer((_request, response) => response.end('{"ready":true}')));
  const raw = await portOf(createRawServer((socket) => socket.on("error", () => undefined).end("220 mail\r\n")));
  for (const taken of [web, raw]) {
    const { code, of } = await doctor({ ...place.env, STOCKROOM_SERVER_PORT: taken });
    expect([code, of("server")]).toEqual([1, [expect.stringMatching(/^fail: another program/)]]);
  }
  const pictures = await portOf(createServer((_request, response) => response.end('{"ready":true,"working":0,"waiting":0}')));
  expect((await doctor({ ...place.env, STOCKROOM_SERVER_PORT: pictures })).of("server")).toEqual([
    expect.stringMatching(/^fail: .*pictures alone/),
  ]);
});

test("a disk below its bound fails in doctor and in /health", async () => {
  const env = { ...place.env, STOCKROOM_DISK_MIN_FREE: "4000 TiB" };
  const { code, of } = await doctor(env);
  expect([code, of("disk")]).toEqual([1, [expect.stringMatching(/^fail: .*not ready: make room/)]]);
  const full = { ...app, settings: { ...app.settings, disk: { minFree: 2 ** 52 } } };
  const server = await openServer({
    deps: full,
    settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000 },
    version: "0.0.0",
    probes: appProbes(full),
  });
  const answer = await fetch(`${server.url}/health`);
  expect([answer.status, await answer.json()]).toMatchObject([
    503,
    { ready: false, home: app.home.id, parts: { disk: { ok: false, code: "DISK_FULL" } } },
  ]);
  await server.close();
});

test("it sees events nobody takes and runs nobody knows", async () => {
  await app.database.query(
    `insert into stockroom.subscription (name, kind, prefix, workflow, seen_at) values ('notify.gone', 'shop.told', '', 'x', now() - interval '1 day')`,
  );
  await app.database.query(`insert into stockroom.outbox (kind, subject, data) values ('shop.told', 'x', '{}')`);
  await app.database.query(
    `insert into stockroom.run (id, workflow, queue, title, input, state, priority) values ('r', 'other.release', 'house', 't', 'null', 'queued', 1)`,
  );
  const { of } = await doctor();
  expect(of("subscribers")).toEqual([expect.stringMatching(/^warn: 1 events wait for notify\.gone/)]);
  expect(of("runs")).toEqual([
    expect.stringMatching(/^ok: /),
    expect.stringMatching(/^warn: 1 wait for a process that knows other\.release/),
  ]);
  await app.database.query(`delete from stockroom.run where id = 'r'`);
  await app.database.query(`delete from stockroom.subscription where name = 'notify.gone'`);
  expect(of("sizes").join("\n")).toContain("tables");
});

test("it sees what is wrong with the store, and that all of it is gone", async () => {
  for (const name of ["a", "b", "c", "d"]) await app.objects.put(operator, `shop/${name}`, textBytes(`object ${name}`));
  await settled(app);
  const root = app.settings.objects.root;
  expect((await doctor()).of("store")).toEqual(["ok: 4 objects, each with its bytes in place"]);
  const fileOf = async (key: string): Promise<string> => {
    const [row] = await app.database.query<{ path: string }>("select path from stockroom.object where key = $1", [key]);
    return path.join(root, row?.path ?? "");
  };
  rmSync(await fileOf("shop/a"));
  truncateSync(await fileOf("shop/b"), 10);
  chmodSync(await fileOf("shop/c"), 0);
  chmodSync(await fileOf("shop/d"), 0o644);
  writeFileSync(path.join(root, "notes.txt"), "mine", { mode: 0o600 });
  const stray = path.join(root, "staging", "0".repeat(32));
  writeFileSync(stray, "half", { mode: 0o600 });
  utimesSync(stray, 1, 1);
  const before = statSync(root).mtimeMs;
  const { code, of } = await doctor();
  expect(code).toBe(1);
  expect(of("store")).toEqual([
    expect.stringMatching(/^fail: the bytes of 1 of 4 objects are gone: shop\/a@\d+;/),
    expect.stringMatching(/^fail: 1 files are longer or shorter than was stored: shop\/b@\d+;/),
    expect.stringMatching(/^fail: cannot be read under .*: objects\//),
    expect.stringMatching(/^warn: others on this machine may look into: objects\//),
    expect.stringMatching(/^warn: 1 files are not ours and left alone: notes\.txt/),
    expect.stringMatching(/^warn: 1 files of broken-off uploads are older than a day: staging\/0000/),
  ]);
  expect([statSync(root).mtimeMs, existsSync(stray)]).toEqual([before, true]);
  rmSync(root, { recursive: true });
  const empty = await doctor();
  expect([empty.code, empty.of("store")]).toEqual([1, [expect.stringMatching(/^fail: the bytes of all 4 objects are gone from /)]]);
  expect(existsSync(root)).toBe(false);
});

test("it sees a key file that is another's, lost or open to others", async () => {
  const { keyFile } = app.settings.vault;
  chmodSync(keyFile, 0o644);
  expect((await doctor()).of("key file")).toEqual([expect.stringMatching(/^fail: .*readable by its owner alone/)]);
  chmodSync(keyFile, 0o600);
  const elsewhere = { ...place.env, STOCKROOM_VAULT_KEY_FILE: path.join(place.home, "none.json") };
  expect((await doctor(elsewhere)).of("key file")).toEqual([expect.stringMatching(/^fail: .*but there is none/)]);
  expect(existsSync(elsewhere.STOCKROOM_VAULT_KEY_FILE)).toBe(false);
});
