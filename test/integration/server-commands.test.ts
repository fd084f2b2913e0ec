// Every command that has a route, asked of the app beside it and of its server: both print the same, and end alike.

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand } from "../../src/cli/run.ts";
import { staysHereOf } from "../../src/cli/stays-here.ts";
import { modules } from "../../src/modules.ts";
import { makeUsers } from "../../src/platform/identity/users.ts";
import { systemClock } from "../../src/platform/time.ts";
import { gather } from "../../src/platform/bytes.ts";
import { makeShop } from "../../src/classify/sample/shop.ts";
import { findLatest } from "../../src/forecast/store/runs.ts";
import type { App } from "../../src/app.ts";
import { openEntrance, openServer, type OpenServer } from "../../src/server/index.ts";
import { makePlace, openAt, operator, settled, textBytes, type TestPlace } from "../kit/app.ts";
import { runWords, type Told } from "../kit/command.ts";
import { shopDefaults, shopMetadata, shopRelated, shopTarget } from "../kit/forecast-shop.ts";
import { seedDoubt, seedImport } from "../kit/sap-app.ts";

let place: TestPlace;
let folder: string;
let app: App;
let server: OpenServer;
const shop = makeShop({ seed: 5, items: 160, countries: ["GBR"], months: ["2026-10"] });
const version = (JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8")) as { version: string }).version;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "stockroom-commands-"));
  place = await makePlace({ STOCKROOM_CLASSIFY_TRAIN_TRIALS: "1", STOCKROOM_FORECAST_SETTLE_MS: "0" });
  await writeFile(path.join(folder, "items.csv"), "id,country,title,units\na,GBR,kettle,2\n");
  await writeFile(
    path.join(place.home, "stockroom.yaml"),
    `classify:
  warehouses:
    files: { kind: duckdb }
  extracts:
    - { name: sold, kind: sales, warehouse: files, sql: "select * from '${path.join(folder, "items.csv")}'" }
forecast:
  sap:
    sources:
      - { name: facts, url: "http://127.0.0.1:9/none", set: Facts, keys: [Product], credentials: secrets/sap.json, group: facts, columns: { item_id: Product, timestamp: Day, demand: Quantity } }
    targets:
      - { name: drop, kind: file, folder: "${folder}", fields: { PRODUCT: { from: item_id }, DAY: { from: timestamp, as: dats }, QUANTITY: { from: p50, as: decimal } } }
`,
  );
  app = await openAt(place, { work: true, quiet: true });
  server = await openServer({
    deps: app,
    entrance: openEntrance(app),
    settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000_000 },
    version,
    modules: app.modules,
  });
  for (const file of shop.files()) {
    if (file.key.includes("/sales/")) await settled(app);
    const bytes = textBytes(Buffer.from(await gather(file.body())).toString("utf8"));
    await app.objects.put(operator, file.key, bytes, { contentType: file.contentType });
  }
  const put = async (key: string, text: string): Promise<void> => void (await app.objects.put(operator, key, textBytes(text)));
  await put("forecast-defaults.yaml", shopDefaults({ related: true }));
  await put("forecast/train/shop.metadata.csv", shopMetadata({ items: 4 }));
  await put("forecast/train/shop.related.csv", shopRelated({ items: 4, months: 32 }));
  await put("forecast/train/shop.csv", shopTarget({ items: 4, months: 30 }));
  await put("forecast/stock/shop.csv", "item_id,store,on_hand,pack_size\nitem_0,store_0,0,12\nitem_1,store_1,500,12\n");
  await settled(app);
  await put("forecast/train/shop.csv", shopTarget({ items: 4, months: 32 }));
  await settled(app);
}, 300_000);

afterAll(async () => {
  await server.close();
  await app.close();
  await place.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Commands that were asked both ways. */
const asked = new Set<string>();

async function there(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Told> {
  const told = { exit: 0, out: "", said: "" };
  const output = {
    columns: 100,
    live: false,
    print: (text: string) => void (told.out += `${text}\n`),
    write: async (bytes: Uint8Array) => void (told.out += Buffer.from(bytes).toString("utf8")),
    say: (text: string) => void (told.said += `${text}\n`),
  };
  // A folder without a home: what asked this machine instead would find nothing.
  const exit = await runCommand(words, {
    output,
    cwd: place.home,
    env: { STOCKROOM_SERVER: server.url, ...env },
    stop: new AbortController().signal,
  });
  if (exit === "stopped") throw new Error(`${words.join(" ")} was stopped.`);
  return { ...told, exit };
}

/** What is said of an error at either end: its words, then its code. */
const inShort = (said: string): string =>
  said
    .replace(/^stockroom: /m, "")
    // How far a reading is, where it takes its time.
    .replaceAll(/^reading: .*$/gm, "")
    .replaceAll(/\s+/g, " ")
    .trim();

/** What differs by nature: when it was, under which id it stands. */
const plain = (text: string): string =>
  text
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "AT")
    .replaceAll(/\b[0-9a-f]{12,64}\b/g, "ID")
    .replaceAll(/@\d+|\/\d{13,}|now\/\S+/g, "AT");

async function both(command: string, ...more: readonly string[]): Promise<Told> {
  const words = [...command.split(" "), ...more];
  const here = await runWords(place, app, words);
  const told = await there(words);
  const isJson = here.exit === 0 && words.includes("--json") && command !== "logs";
  const read = (text: string): unknown => (isJson ? JSON.parse(text) : text);
  expect([words, told.exit, read(told.out)]).toEqual([words, here.exit, read(here.out)]);
  // Facts follow the code of an error where it is told.
  const said = inShort(here.said);
  expect([words, inShort(told.said).slice(0, here.exit === 0 ? undefined : said.length)]).toEqual([words, said]);
  asked.add(command);
  return here;
}

/** The same change of two things, one here and one there. */
async function each(
  command: string,
  here: readonly string[],
  elsewhere: readonly string[],
  also: Readonly<Record<string, string>> = {},
): Promise<readonly [Told, Told]> {
  const one = await runWords(place, app, [...command.split(" "), ...here]);
  const other = await there([...command.split(" "), ...elsewhere]);
  const pairs = [...elsewhere.map((word, at) => [word, here[at] ?? ""] as const), ...Object.entries(also)];
  const swap = (text: string): string => plain(pairs.reduce((made, [word, by]) => (word === by ? made : made.replaceAll(word, by)), text));
  expect([command, other.exit, swap(other.out)]).toEqual([command, one.exit, plain(one.out)]);
  expect([command, one.exit, one.said]).toEqual([command, 0, one.said]);
  asked.add(command);
  return [one, other];
}

test("objects", async () => {
  await both("ls");
  await both("ls", "classify/", "--json", "--limit", "3");
  await both("ls", "forecast/train/shop.csv", "--versions");
  await both("get", "forecast/stock/shop.csv");
  await both("get", "none");
  await writeFile(path.join(place.home, "one.csv"), "a,b\n1,2\n");
  await each("put", ["one.csv", "answers/here.csv"], ["one.csv", "answers/elsewhere.csv"]);
  const [here, elsewhere] = [await there(["put", "one.csv", "answers/", "--json"]), await there(["put", "one.csv", "answers/", "--json"])];
  expect([JSON.parse(here.out), JSON.parse(elsewhere.out)]).toMatchObject([
    { known: false, zone: "general" },
    { known: true, bytes: 8 },
  ]);
  await there(["get", "answers/one.csv", "--out", "two.csv"]);
  expect(await readFile(path.join(place.home, "two.csv"), "utf8")).toBe("a,b\n1,2\n");
  await each("rm", ["answers/here.csv"], ["answers/elsewhere.csv"]);
  await both("rm", "answers/here.csv");
});

test("runs, letters, events, notices, schedules, keys", async () => {
  const [run] = await app.workflows.list({ workflow: "classify.train" });
  for (const more of [[], ["--json"], ["--state", "done", "--limit", "2"]]) {
    await both("runs", ...more);
    await both("runs list", ...more);
  }
  await both("runs list", "--state", "asleep");
  for (const more of [[], ["--json"]]) await both("runs show", run?.id ?? "", ...more);
  await both("runs show", "none");
  await both("runs logs", run?.id ?? "");
  await both("runs logs", "none");
  const lines = await both("logs", "--since", "2020-01-01", "--json");
  expect(lines.out.split("\n").length).toBeGreaterThan(5);
  await both("logs", "--since", "1d", "--run", run?.id ?? "");
  await both("logs", "--since", "yesterday");
  await each("runs rerun", [run?.id ?? ""], [run?.id ?? ""]);
  await settled(app);
  await both("runs cancel", run?.id ?? "");
  await both("runs retry", run?.id ?? "");
  for (const number of ["1", "2", "3", "4"]) {
    await app.workflows.start("classify.train", { line: "none", key: "none", version: number }, { id: `answers/dead/${number}` });
    await app.workflows.outcome(`answers/dead/${number}`);
  }
  const letters = await app.workflows.deadLetters({ state: "waiting" });
  const [one = "", two = "", three = "", four = ""] = letters.map(({ id }) => id);
  for (const more of [[], ["--json"], ["--state", "all"]]) {
    await both("dead", ...more);
    await both("dead list", ...more);
  }
  for (const more of [[], ["--json"]]) await both("dead show", one, ...more);
  await both("dead show", "999999");
  await each("dead redrive", [one], [two]);
  await settled(app);
  await each("dead drop", [three], [four]);
  await settled(app);
  for (const more of [[], ["--json", "--limit", "5"], ["--kind", "object.stored"]]) {
    await both("events", ...more);
    await both("events list", ...more);
    await both("notices", ...more.filter((word) => word !== "--kind" && word !== "object.stored"));
    await both("notices list", ...more.filter((word) => word !== "--kind" && word !== "object.stored"));
  }
  await both("subscriptions list");
  await both("subscriptions");
  for (const name of ["gone.here", "gone.elsewhere"]) {
    await app.database.query(
      `insert into stockroom.subscription (name, kind, prefix, workflow, seen_at) values ($1, 'test.gone', '', 'test.gone', now() - interval '1 day')`,
      [name],
    );
  }
  await each("subscriptions forget", ["gone.here"], ["gone.elsewhere"]);
  const [notice] = await app.notices.list({ limit: 1 });
  await both("notices resend", notice?.id ?? "");
  await both("schedules");
  await both("schedules list", "--json");
  await each("schedules pause", ["app.scrub", "--reason", "a test"], ["app.scrub", "--reason", "a test"]);
  await each("schedules resume", ["app.scrub"], ["app.scrub"]);
  await each("schedules run", ["app.scrub"], ["app.scrub"]);
  await both("schedules run", "none");
  await both("keys");
  await both("keys list", "--json");
  await both("keys grants");
  await both("keys grants list", "--json");
  await both("keys grants allow", "visitor", "general", "read");
  await both("keys grants deny", "visitor", "general", "read");
  await both("keys grants deny", "visitor", "general", "own");
  await both("keys uses", "--role", "train", "--limit", "20");
  const versions = [(await runWords(place, app, ["keys", "rotate", "general"])).out, (await there(["keys", "rotate", "general"])).out];
  expect(versions.map((text) => text.replaceAll(/\d+/g, "N"))).toEqual(
    Array.from({ length: 2 }, () => "rotated: zone general now seals with key version N\n"),
  );
  asked.add("keys rotate");
}, 120_000);

test("SQL", async () => {
  for (const more of [[], ["--json"]]) await both("sql", "select identifier, dataset_group from aggregated order by all limit 3", ...more);
  await both("sql", "select identifier from aggregated order by all", "--limit", "2");
  await both("sql", "select 1::bigint as n, 'a,b' as word", "--csv");
  await both("sql", "select 1 as id, 2 as id", "--system");
  await both("sql", "selec 1");
  await both("sql");
  expect((await both("sql", "--system")).exit).toBe(0);
});

test("classification", async () => {
  const period = "2026-10";
  const [line] = await app.classify.deps.database.query<{ line: string; champion: string }>(
    "select line, model as champion from stockroom.classify_champion order by since desc limit 1",
  );
  for (const more of [[], ["--json"]]) {
    await both("classify lines", ...more);
    for (const noun of ["lines list", "models", "verdicts", "champions", "reviews", "reports list", "reports"])
      await both(`classify ${noun}`, ...more);
    await both("classify rejected list", "--period", period, ...more);
    await both("classify models list", ...more);
    await both("classify models list", line?.line ?? "", ...more);
    await both("classify verdicts list", ...more);
    await both("classify champions list", ...more);
    await both("classify champions held", ...more);
    await both("classify champions words", ...more);
    await both("classify schemes list", ...more);
    await both("classify mappings list", ...more);
    await both("classify reviews list", ...more);
    await both("classify reviews rates", ...more);
    await both("classify reviews counts", ...more);
    await both("classify reports show", ...more);
    await both("classify reports show", "--period", period, ...more);
    await both("classify rejected", "--period", period, ...more);
    await both("classify audit verify", ...more);
  }
  await both("classify models list", "GBR-NONE");
  await both("classify reports show", "--period", period, "--restate");
  const { out } = await both("classify reviews list", "--json", "--limit", "2");
  expect(JSON.parse(out)).toHaveLength(2);
  const { out: all } = await there(["classify", "reviews", "list", "--json", "--limit", "600"]);
  const sure = (JSON.parse(all) as readonly { id: string; itemId: string; predicted: string }[]).filter(
    ({ predicted }) => predicted !== "",
  );
  const [first] = sure;
  const second = sure.find(({ id, predicted }) => id !== first?.id && predicted === first?.predicted) ?? sure[1];
  await each(
    "classify reviews answer",
    [first?.id ?? "", first?.predicted ?? "", "--by", "ann"],
    [second?.id ?? "", second?.predicted ?? "", "--by", "ann"],
  );
  await both("classify reviews amend", first?.id ?? "", "NO-CODE", "--by", "ann", "--reason", "looked again");
  await both("classify champions set", line?.line ?? "", line?.champion ?? "", "--reason", "a test");
  await both("classify champions approve", line?.line ?? "", "--reason", "a test");
  await both("classify champions reject", line?.line ?? "", "--reason", "a test");
  const reason = ["--reason", "a test"];
  await each("classify champions automatic", ["GBR-GBR-WASTE", "off", ...reason], ["GBR-GBR-CUSTOMS", "off", ...reason]);
  await both("classify champions automatic", line?.line ?? "", "perhaps", "--reason", "a test");
  await each("classify train", ["--line", line?.line ?? ""], ["--line", line?.line ?? ""]);
  await both("classify train", "--line", "GBR-NONE");
  await settled(app);
  await each("classify compare", ["--line", line?.line ?? ""], ["--line", line?.line ?? ""]);
  await each("classify infer", ["--period", period], ["--period", period]);
  await both("classify infer", "--period", "1999-01");
  await each("classify extract", ["sold", "--period", period], ["sold", "--period", period]);
  await settled(app);
  const rules = [...shop.files()].filter(({ key }) => key.includes("/schemes/"));
  const names = rules.map(({ key }) => path.join(place.home, path.basename(key)));
  for (const [at, { body }] of rules.entries()) await writeFile(names[at] ?? "", await gather(body()));
  await both("classify schemes import", ...names);
  await both("classify schemes recode", "--period", period, "--scheme", "GBR-WASTE");
  await app.objects.put(operator, "classify/labelled/GBR/strangers.csv", textBytes("name,a,b\n"));
  await settled(app);
  await both("classify mappings set", "GBR/strangers", "--map", "a=label,name=text");
  await settled(app);
  await both("classify mappings list");
  await there(["classify", "mappings", "forget", "GBR/strangers"]);
  await both("classify mappings forget", "GBR/strangers");
  await settled(app);
  await both("classify audit head");
  await both("classify audit item", first?.itemId ?? "", "--period", period, "--json");
  await both("classify audit export");
  await both("classify audit adopt", "--by", "ann", "--reason", "a test");
}, 240_000);

test("forecasts", async () => {
  const id = (await findLatest(app.database, "shop"))?.id ?? "";
  for (const more of [[], ["--json"]]) {
    for (const word of [[], ["shop"]]) await both("forecasts list", ...word, ...more);
    for (const word of ["shop", id]) await both("forecasts show", word, ...more);
    await both("forecast adjustments list", ...more);
    for (const noun of ["forecasts", "forecast adjustments", "forecast scenarios"]) await both(noun, ...more);
    await both("forecast adjustments value", ...more);
    await both("forecast monitor", "shop", ...more);
    await both("forecast scenarios list", ...more);
    await both("forecast imports list", ...more);
    await both("forecast mappings list", ...more);
    await both("forecast defaults check", ...more);
  }
  for (const [command, word] of [
    ["forecasts list", "none"],
    ["forecasts show", "none"],
    ["forecast adjustments list", "none"],
  ] as const)
    await both(command, word);
  await both("forecasts export", "shop", "--out", path.join(place.home, "exports"), "--json");
  expect(await readdir(path.join(place.home, "exports"))).toContain("forecast.csv");
  const word = ["shop", "--set", "100", "--where", "item_id = item_0", "--reason", "festival", "--author", "Ada"];
  await each("forecast adjustments add", [...word, "--from", "2024-09-01", "--wait"], [...word, "--from", "2024-10-01", "--wait"], {
    "adjustment 2": "adjustment 1",
    "shop/2": "shop/1",
  });
  await settled(app);
  const { out: list } = await both("forecast adjustments list", "--json");
  const ids = (JSON.parse(list) as readonly { id: string }[]).map((row) => row.id);
  expect(ids.length).toBe(2);
  await each("forecast adjustments withdraw", [ids[0] ?? "", "--author", "Ada"], [ids[1] ?? "", "--author", "Ada"]);
  await settled(app);
  await both("forecast scenarios explain", "shop", "--item", "item_0", "--author", "Ada", "--wait", "--json");
  await both("forecast scenarios whatif", "shop", "--set", "price *= 0.9", "--author", "Ada", "--wait");
  await both("forecast scenarios whatif", "shop", "--set", "priec *= 0.9", "--author", "Ada", "--wait");
  await both("forecast scenarios replenish", "shop", "--author", "Ada", "--wait", "--json");
  await there(["forecast", "scenarios", "replenish", "shop", "--author", "Ada", "--wait", "--lead-time", "2"]);
  const { out } = await both("forecast scenarios list", "shop", "--json");
  const scenarios = JSON.parse(out) as readonly { id: string; kind: string }[];
  const orders = scenarios.filter(({ kind }) => kind === "replenish").map((one) => one.id);
  expect(orders).toHaveLength(2);
  for (const one of scenarios) await both("forecast scenarios show", one.id);
  await both("forecast scenarios compare", ...orders);
  await both("forecast scenarios export", orders[0] ?? "", "--out", path.join(place.home, "orders"));
  await both("forecast mappings set", "shop", "--map", "demand=demand", "--json");
  await both("forecast mappings list");
  await there(["forecast", "mappings", "forget", "shop"]);
  await both("forecast mappings forget", "shop");
  await both("forecast export-sap", "shop", "--to", "drop", "--wait");
  await both("forecast export-sap", "shop", "--to", "nowhere");
  await each("forecast extract-sap", ["facts"], ["facts"]);
  for (const { id: run } of await app.workflows.list({ workflow: "forecast.sap.extract" })) await there(["runs", "cancel", run]);
  await seedImport(app, { target: "drop" });
  await seedDoubt(app, { id: "shop-2", target: "drop" });
  for (const name of ["shop-1", "shop-2"]) for (const more of [[], ["--json"]]) await both("forecast imports show", name, ...more);
  await both("forecast imports show", "none");
  await both("forecast imports settle", "shop-1", "--batch", "1", "--as", "taken");
  await each("forecast imports resume", ["shop-1"], ["shop-1"]);
  await settled(app);
  await app.objects.put(operator, "forecast/train/gone.csv", textBytes("item_id,timestamp,demand\n"));
  await app.objects.put(operator, "forecast/train/also.csv", textBytes("item_id,timestamp,demand\n"));
  await settled(app);
  await both("forecast groups remove", "none");
}, 240_000);

test("people and machines", async () => {
  const here = await runWords(place, app, ["tokens", "add", "here", "--role", "viewer", "--json"]);
  const elsewhere = await there(["tokens", "add", "elsewhere", "--role", "viewer", "--json"]);
  expect(Object.keys(JSON.parse(elsewhere.out) as object)).toEqual(Object.keys(JSON.parse(here.out) as object));
  asked.add("tokens add");
  await both("tokens");
  await both("tokens list", "--json");
  const ids = [here, elsewhere].map(({ out }) => (JSON.parse(out) as { id: string }).id);
  await each("tokens revoke", [ids[0] ?? ""], [ids[1] ?? ""], { elsewhere: "here" });
});

test("what is wrong with the way there is said, each by its code", async () => {
  const token = "a-token-of-this-test";
  const guarded = await openServer({
    deps: app,
    settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000, token },
    version: "9.9.9",
    modules: app.modules,
  });
  const other = createServer((_request, response) => response.end("<html>")).listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  try {
    const ofToken = async (given: string | undefined): Promise<Told> =>
      await there(["runs", "--limit", "1"], { STOCKROOM_SERVER: guarded.url, ...(given === undefined ? {} : { STOCKROOM_TOKEN: given }) });
    expect(await ofToken(undefined)).toMatchObject({
      exit: 2,
      out: "",
      said: expect.stringMatching(/none was given.*STOCKROOM_TOKEN[\s\S]*TOKEN_WANTED/),
    });
    expect(await ofToken("another-token-of-this")).toMatchObject({
      exit: 2,
      said: expect.stringMatching(/does not hold[\s\S]*TOKEN_WANTED/),
    });
    const good = await ofToken(token);
    expect(good).toMatchObject({ exit: 0, said: expect.stringContaining("is Stockroom 9.9.9, this command is of") });
    const file = path.join(place.home, "token");
    await writeFile(file, `${token}\n`);
    expect(await there(["--server", guarded.url, "--token-file", file, "runs", "--limit", "1"])).toMatchObject({ exit: 0, out: good.out });
    expect(await there(["runs"], { STOCKROOM_SERVER: guarded.url, STOCKROOM_TOKEN_FILE: file })).toMatchObject({ exit: 0 });
    await writeFile(file, "two words\n");
    expect(await there(["--token-file", file, "runs"])).toMatchObject({ exit: 2, said: expect.stringContaining("TOKEN_FILE_BAD") });
    expect(await there(["--token-file", "none", "runs"])).toMatchObject({ exit: 2, said: expect.stringContaining("TOKEN_FILE_BAD") });
    // Nothing is asked where the token would be read on the way; with the flag it is, and nobody is there.
    const far = { STOCKROOM_SERVER: "http://stockroom.invalid", STOCKROOM_TOKEN: token };
    expect(await there(["runs"], far)).toMatchObject({ exit: 2, said: expect.stringContaining("SERVER_INSECURE") });
    expect(await there(["runs", "--insecure"], far)).toMatchObject({ exit: 1, said: expect.stringContaining("SERVER_UNREACHABLE") });
    expect(await there(["runs"], { STOCKROOM_SERVER: "http://127.0.0.1:9" })).toMatchObject({
      exit: 1,
      said: expect.stringContaining("SERVER_UNREACHABLE"),
    });
    const address = { STOCKROOM_SERVER: `http://127.0.0.1:${port}` };
    expect(await there(["runs"], address)).toMatchObject({ exit: 2, said: expect.stringContaining("SERVER_NO_STOCKROOM") });
    for (const bad of ["stockroom", "ftp://127.0.0.1", "http://anna:secret-word@127.0.0.1"]) {
      const told = await there(["runs"], { STOCKROOM_SERVER: bad });
      expect(told).toMatchObject({ exit: 2, said: expect.stringContaining("SERVER_URL_BAD") });
      expect(told.said).not.toContain("secret-word");
    }
    // A viewer's token reads and does no more, once somebody has to sign in.
    const add = async (role: string): Promise<Readonly<Record<string, string>>> => {
      const { out } = await runWords(place, app, ["tokens", "add", role, "--role", role, "--json"]);
      return { STOCKROOM_TOKEN: (JSON.parse(out) as { secret: string }).secret };
    };
    const [viewer, administrator] = [await add("viewer"), await add("administrator")];
    const users = makeUsers(app.settings.auth.usersFile, systemClock);
    await users.add("anna", ["planner"], "a-password-of-this-test");
    expect(await there(["runs", "--limit", "1"], viewer)).toMatchObject({ exit: 0, out: good.out });
    expect(await there(["schedule", "run", "app.scrub"], viewer)).toMatchObject({
      exit: 2,
      said: expect.stringContaining("ROLE_WANTED"),
    });
    const listed = await there(["users", "list", "--json"], administrator);
    expect(JSON.parse(listed.out)).toMatchObject([{ name: "anna", roles: ["planner"] }]);
    expect(await there(["users", "role", "anna", "viewer"], administrator)).toMatchObject({ out: "set: anna is viewer\n" });
    expect(await there(["users", "remove", "anna"], administrator)).toMatchObject({ out: "removed: anna\n" });
    expect(users.list()).toEqual([]);
  } finally {
    await guarded.close();
    other.close();
  }
});

const staysHere = staysHereOf(modules);

test("what stays on this machine says so instead of looking here", async () => {
  const refused: (readonly [string, boolean])[] = [];
  for (const words of Object.keys(staysHere)) {
    const told = await there(["--server", server.url, ...words.split(" ")]);
    expect([words, told.exit, told.said]).toEqual([words, 2, expect.stringContaining("SERVER_NOT_ASKED")]);
  }
  for (const [words, { kind }] of Object.entries(staysHere)) {
    if (kind === "installation") refused.push([words, (await there(words.split(" "))).said.includes("env -u STOCKROOM_SERVER")]);
  }
  expect(refused.filter(([, isTold]) => !isTold)).toEqual([]);
  expect(await there(["images", "url", "bucket", "key.jpg"])).not.toMatchObject({ said: expect.stringContaining("SERVER_NOT_ASKED") });
});

test("every command with a route was asked", async () => {
  const text = await readFile(new URL("../../docs/reference/http.md", import.meta.url), "utf8");
  const commands = [...text.matchAll(/^\| `stockroom ([^`]+)` +\| (?!local: )/gm)].map(([, command = ""]) => command);
  // Those of the password file ask for a password: users-command.walk.test.ts has them.
  const others = commands.filter((command) => !command.startsWith("users"));
  expect(others.length).toBeGreaterThan(60);
  expect(others.filter((command) => !asked.has(command))).toEqual([]);
  expect(commands.filter((command) => staysHere[command] !== undefined)).toEqual([]);
});
