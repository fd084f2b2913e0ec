// What real SAP systems do and a client written to the letter does not expect: one app, a source and a gateway for each habit.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { App } from "../../src/app.ts";
import { operator } from "../kit/app.ts";
import { openSapApp, type SapApp } from "../kit/sap-app.ts";
import type { Gateway, GatewayOptions, GatewayRow, Habits } from "../kit/sap-gateway.ts";

const day = (index: number): string => `/Date(${Date.UTC(2026, 0, 1 + index)})/`;

const rowOf = (index: number): GatewayRow => ({ Product: `P${index}`, Day: day(0), Quantity: `${index}.000`, Unit: "EA" });

/** Keys that look like numbers, days, links, missing values and formulas, or differ in blanks and encoding alone. */
const looks = [
  "20240131",
  "4711-",
  "000123",
  "1E5",
  "/Date(1706659200000)/",
  "1.0",
  " 7",
  "-0",
  "TRUE",
  "2024-01-31T00:00:00",
  "0x10",
  "1.234,50",
  "NULL",
  "N/A",
  "nan",
  "-",
  "Infinity",
  "=1+1",
  "+49",
  "@A",
  "'1",
  "7 ",
  "é",
  "é",
  "﻿X",
  "12:30",
];

/** A text as it stands in a CSV. */
const cellOf = (text: string): string => (text.includes(",") ? `"${text}"` : text);

interface Case {
  readonly options?: Partial<GatewayOptions>;
  readonly habits?: Habits;
  /** Lines of the source's settings. */
  readonly settings?: readonly string[];
  readonly query?: string;
}

const cases = {
  keys: { options: { count: looks.length, row: (index) => ({ ...rowOf(index), Product: looks[index] ?? "", Quantity: "12.500-" }) } },
  additive: { options: { count: 2 }, habits: { changes: "additive" } },
  told: { options: { count: 2 }, habits: { changes: "additive" }, settings: ["kind: additive"] },
  images: { options: { count: 3 }, habits: { changes: "images", deletesByKey: true } },
  units: { options: { count: 3 }, habits: { changes: "images", shuffledUnits: true } },
  stubborn: { options: { count: 2 }, habits: { changes: "additive" }, settings: ["kind: overwriting"] },
  repeated: { options: { count: 4, row: (index) => rowOf(index % 2) } },
  summed: { options: { count: 4, row: (index) => rowOf(index % 2) }, settings: ["kind: additive"] },
  untracked: { options: { count: 4, row: (index) => rowOf(index % 2) }, settings: ["track: false"] },
  strange: { options: { count: 2 } },
  next: { options: { count: 25 }, habits: { deltaOnNext: true, customSkipToken: true, innerPath: "/inner/odata/ZDEMAND_SRV" } },
  bare: { options: { count: 25 }, habits: { bareLinks: true } },
  barenext: { options: { count: 25 }, habits: { bareLinks: true, deltaOnNext: true } },
  left: { options: { count: 3 }, habits: { changes: "additive" } },
  twice: {
    options: { count: 3, hideDelta: true },
    habits: { changes: "images", foreignTokens: [{ isInitialLoad: true, laterMs: -1_000, from: 0 }] },
  },
  twiceadded: {
    options: { count: 3, hideDelta: true },
    habits: { changes: "additive", foreignTokens: [{ isInitialLoad: true, laterMs: -1_000, from: 0 }] },
  },
  twiceafter: {
    options: { count: 3, hideDelta: true },
    habits: { foreignTokens: [{ isInitialLoad: true, laterMs: -1_000, from: 0 }] },
  },
  loop: { options: { count: 25 }, habits: { loop: "self" } },
  two: { options: { count: 55 }, habits: { loop: "two" } },
  growing: { options: { count: 55 }, habits: { loop: "growing" } },
  links: {
    options: { count: 25, hideDelta: true },
    habits: {
      foreignTokens: [
        { isInitialLoad: false, laterMs: 60_000 },
        { isInitialLoad: true, laterMs: 3_600_000 },
      ],
    },
  },
  client: {
    options: { count: 25 },
    habits: { client: "100" },
    query: "?sap-client=100",
    settings: ["language: EN", "headers: { X-Requested-With: XMLHttpRequest }"],
  },
  client2: { options: { count: 25 }, habits: { client: "200" }, query: "?sap-client=100", settings: ['client: "200"'] },
  lost: { options: { count: 25 }, habits: { client: "100" } },
  moved: { options: { count: 25 }, habits: {} },
  refusal: {
    options: { count: 5 },
    habits: { unknownToken: { status: 400, code: "ZX/001", text: "Property DeltaQuantity is invalid; delta token rejected" } },
  },
  gone: { options: { count: 25 }, habits: { forgetsPage: { page: 2, times: 1 } } },
  forgetful: { options: { count: 25 }, habits: { forgetsPage: { page: 2, times: 99 } } },
  empty: { options: { count: 30 } },
  initial: {
    options: { count: 3, row: (index) => ({ ...rowOf(index), Unit: index === 1 ? "" : "EA" }) },
    settings: ["keys: [Product, Day, Unit]"],
  },
  other: { options: { count: 3, row: (index) => ({ ...rowOf(index), Price: `${index}.50` }) } },
  again: { options: { count: 3 }, habits: { changes: "additive" } },
  atom: { options: { count: 3 } },
  page2: { options: { count: 25 } },
  price: {
    options: { count: 2, row: (index) => ({ ...rowOf(index), Launch: "/Date(1706659200000)/", Code: "4711-", Price: "3.50" }) },
    habits: { metadata: { Product: "Edm.String", Day: "Edm.DateTime", Launch: "Edm.DateTime", Code: "Edm.String", Price: "Edm.Decimal" } },
    settings: ["file: related", "columns: { item_id: Product, timestamp: Day, price: Price, launch: Launch, code: Code }"],
  },
} satisfies Record<string, Case>;

type Name = keyof typeof cases;

let sap: SapApp<Name>;
let app: App;
let serial = 0;

const gatewayOf = (name: Name): Gateway => sap.gatewayOf(name);

function settingsOf(name: Name, from: Case, gateway: Gateway): string {
  const own = from.settings ?? [];
  const has = (key: string): boolean => own.some((line) => line.startsWith(`${key}:`));
  return [
    `      - name: ${name}`,
    `        url: "${gateway.url}${from.query ?? ""}"`,
    "        set: Facts",
    ...(has("keys") ? [] : ["        keys: [Product, Day]"]),
    "        credentials: secrets/sap.json",
    "        pageRows: 10",
    `        group: ${name}`,
    ...(has("columns") ? [] : ["        columns: { item_id: Product, timestamp: Day, demand: Quantity }"]),
    "        pauseMs: 1",
    "        timeoutMs: 2000",
    ...own.map((line) => `        ${line}`),
  ].join("\n");
}

beforeAll(async () => {
  sap = await openSapApp<Name, Case>("sources", cases, {
    gateway: (one) => ({ set: "Facts", keys: ["Product", "Day"], count: 5, row: rowOf, ...one.options, habits: one.habits ?? {} }),
    settings: settingsOf,
  });
  ({ app } = sap);
}, 120_000);

afterAll(async () => await sap.close());

async function extract(source: Name, more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  serial += 1;
  const id = await app.workflows.start("forecast.sap.extract", { source, requestedAt: `${serial}`, ...more }, { id: `extract-${serial}` });
  const outcome = await app.workflows.outcome<Record<string, unknown>>(id, { timeoutMs: 120_000 });
  if (outcome.kind !== "done") throw new Error(JSON.stringify(outcome));
  return outcome.value;
}

const fileOf = async (source: Name, kind = ""): Promise<string[]> =>
  Buffer.from(await app.objects.read(operator, `forecast/train/${source}${kind}.csv`))
    .toString("utf8")
    .trim()
    .split(/\r?\n/)
    .slice(1);

/** Item and demand of each row, in any order. */
const demands = async (source: Name): Promise<Record<string, string>> =>
  Object.fromEntries((await fileOf(source)).map((line) => [line.split(",")[0] ?? "", line.split(",")[2] ?? ""]));

const titles = async (): Promise<string[]> => (await app.notices.list({ limit: 1_000 })).map((notice) => notice.title);

describe("keys and columns", () => {
  test("keys stay the texts they are; times and numbers of the file are converted", async () => {
    await extract("keys");
    expect(await fileOf("keys")).toEqual(looks.map((text) => `${cellOf(text)},2026-01-01,-12.500`));
    gatewayOf("keys").change("D", { ...rowOf(0), Product: "20240131" });
    gatewayOf("keys").change("U", { ...rowOf(0), Product: "4711-", Quantity: "3.000" });
    await extract("keys");
    expect(await fileOf("keys")).toEqual(
      looks.slice(1).map((text) => `${cellOf(text)},2026-01-01,${text === "4711-" ? "3.000" : "-12.500"}`),
    );
  });

  test("an initial value is a key as any other; a row whose key is absent is left out and told", async () => {
    await extract("initial");
    expect(await demands("initial")).toEqual({ P0: "0.000", P1: "1.000", P2: "2.000" });
    gatewayOf("initial").change("U", { ...rowOf(1), Unit: "", Quantity: "8.000" });
    gatewayOf("initial").emit({ Product: "P7", Day: day(0), Unit: null, Quantity: "9.000", ODQ_CHANGEMODE: "C", ODQ_ENTITYCNTR: "1" });
    await extract("initial");
    expect(await demands("initial")).toEqual({ P0: "0.000", P1: "8.000", P2: "2.000" });
    expect(await titles()).toContain("1 row of initial was left out");
  });

  test("other columns are what $metadata says", async () => {
    await extract("price");
    expect(await fileOf("price", ".related")).toEqual(["P0", "P1"].map((item) => `${item},2026-01-01,3.50,2024-01-31,4711-`));
  });
});

describe("changes", () => {
  test.each(["additive", "told"] as const)("of a source of differences are added (%s)", async (name) => {
    const gateway = gatewayOf(name);
    await extract(name);
    expect(await demands(name)).toEqual({ P0: "0.000", P1: "1.000" });
    gateway.change("U", { ...rowOf(1), Quantity: "6.000" });
    gateway.change("C", { ...rowOf(2), Quantity: "10.000" });
    gateway.move({ ...rowOf(2), Quantity: "10.000" }, { ...rowOf(3), Quantity: "10.000" });
    await extract(name);
    expect(await demands(name)).toEqual({ P0: "0.000", P1: "6.000", P3: "10.000" });
    // From here on it is known for what it is: what is created is added too.
    gateway.emit({ ...rowOf(3), Quantity: "2.500", ODQ_CHANGEMODE: "C", ODQ_ENTITYCNTR: "1" });
    gateway.emit({ Product: "P0", Day: day(0), Quantity: null, Unit: null, ODQ_CHANGEMODE: "D", ODQ_ENTITYCNTR: "0" });
    await extract(name);
    expect(await demands(name)).toEqual({ P1: "6.000", P3: "12.500" });
  });

  test.each(["images", "units"] as const)("by images from before and after leave what SAP has (%s)", async (name) => {
    const gateway = gatewayOf(name);
    await extract(name);
    gateway.change("U", { ...rowOf(1), Quantity: "5.000" });
    gateway.change("U", { ...rowOf(1), Quantity: "7.000" });
    gateway.move(rowOf(2), { ...rowOf(9), Quantity: "2.000" });
    gateway.change("D", rowOf(0));
    gateway.change("C", { ...rowOf(0), Quantity: "4.000" });
    gateway.change("D", { ...rowOf(9), Quantity: "2.000" });
    expect(await extract(name)).toMatchObject({ kind: "delta" });
    expect(await demands(name)).toEqual({ P0: "4.000", P1: "7.000" });
    expect(gateway.state().size).toBe(2);
  });

  test("that count a record off and leave an amount are told, and joined by what comes later", async () => {
    const gateway = gatewayOf("left");
    await extract("left");
    // Loaded with 2, taken off with 1.5: no record, and half a piece.
    gateway.emit({ ...rowOf(2), Quantity: "1.500-", ODQ_CHANGEMODE: "U", ODQ_ENTITYCNTR: "-1" });
    gateway.emit({ ...rowOf(1), Quantity: "0.250", ODQ_CHANGEMODE: "U", ODQ_ENTITYCNTR: "0" });
    expect(await extract("left")).toMatchObject({ rows: 2, leftover: 1 });
    expect(await demands("left")).toEqual({ P0: "0.000", P1: "1.250" });
    const told = (await app.notices.list({ limit: 1_000 })).find(
      (one) => one.title === "Keys of left that stand for no record have an amount left: 1",
    );
    expect(told?.body).toMatch(/Product "P2".* with Quantity 0\.500.*--afresh/);
    gateway.emit({ ...rowOf(2), Quantity: "4.000", ODQ_CHANGEMODE: "C", ODQ_ENTITYCNTR: "1" });
    expect(await extract("left")).toMatchObject({ rows: 3, leftover: 0 });
    expect(await demands("left")).toEqual({ P0: "0.000", P1: "1.250", P2: "4.500" });
  });

  test("that come again under the same number are applied once, and told", async () => {
    const gateway = gatewayOf("again");
    await extract("again");
    const change = { ...rowOf(1), Quantity: "5.000", ODQ_CHANGEMODE: "U", ODQ_ENTITYCNTR: "0", ODQ_TSN: "20261123100000.000000001" };
    for (const [unit, number] of [
      [1, 1],
      [1, 2],
      [1, 1],
      [2, 1],
    ])
      gateway.emit({ ...change, ODQ_UNITNO: unit, ODQ_RECORDNO: number });
    await extract("again");
    expect(await demands("again")).toMatchObject({ P1: "16.000" });
    expect(await titles()).toContain("1 changes of again came again");
  });

  test("that are differences are not taken for rows", async () => {
    await extract("stubborn");
    gatewayOf("stubborn").change("U", { ...rowOf(1), Quantity: "6.000" });
    await expect(extract("stubborn")).rejects.toThrow(/SAP_KIND.*kind: additive/);
    expect(await demands("stubborn")).toEqual({ P0: "0.000", P1: "1.000" });
  });

  test("of a mode nobody knows change nothing", async () => {
    await extract("strange");
    gatewayOf("strange").emit({ ...rowOf(1), Quantity: "6.000", ODQ_CHANGEMODE: "X", ODQ_ENTITYCNTR: "-1" });
    await expect(extract("strange")).rejects.toThrow(/ODQ_CHANGEMODE.*X.*Product .*P1/);
    expect(await demands("strange")).toEqual({ P0: "0.000", P1: "1.000" });
  });

  test("repeated keys of a first load are refused, summed or kept, never dropped", async () => {
    await expect(extract("repeated")).rejects.toThrow(/SAP_KEYS_REPEATED.*2 rows.*P0/);
    await extract("summed");
    expect(await demands("summed")).toEqual({ P0: "0.000", P1: "2.000" });
    expect(await extract("untracked")).toMatchObject({ rows: 4, next: "full" });
    expect((await fileOf("untracked")).toSorted()).toEqual([0, 0, 1, 1].map((index) => `P${index},2026-01-01,${index}.000`));
  });
});

describe("a chain", () => {
  test("may end with its delta link as the next page, by an inner path", async () => {
    const gateway = gatewayOf("next");
    expect(await extract("next")).toMatchObject({ kind: "full", pages: 3, rows: 25, next: "delta" });
    for (let i = 0; i < 15; i++) gateway.change("U", { ...rowOf(i), Quantity: "99.000" });
    expect(await extract("next")).toMatchObject({ kind: "delta", pages: 2, set: 15 });
    expect(await extract("next")).toMatchObject({ kind: "delta", pages: 1, set: 0 });
  });

  test.each(["loop", "two", "growing"] as const)("that goes in circles is told (%s)", async (name) => {
    await expect(extract(name)).rejects.toThrow(/SAP_PAGE_LOOP/);
    expect(gatewayOf(name).counts.pages).toBeLessThan(10);
  });

  test("is followed by our own token of DeltaLinksOf, not by the newest one", async () => {
    const gateway = gatewayOf("links");
    expect(await extract("links")).toMatchObject({ next: "delta" });
    gateway.change("U", { ...rowOf(1), Quantity: "6.000" });
    expect(await extract("links")).toMatchObject({ kind: "delta", set: 1 });
    gateway.change("U", { ...rowOf(2), Quantity: "7.000" });
    expect(await extract("links")).toMatchObject({ kind: "delta", set: 1 });
    expect(await demands("links")).toMatchObject({ P1: "6.000", P2: "7.000" });
  });

  test.each(["bare", "barenext"] as const)("whose links are only a query goes on at its set (%s)", async (name) => {
    expect(await extract(name)).toMatchObject({ kind: "full", pages: 3, rows: 25, next: "delta" });
    gatewayOf(name).change("U", { ...rowOf(1), Quantity: "6.000" });
    expect(await extract(name)).toMatchObject({ kind: "delta", set: 1 });
    expect(gatewayOf(name).asked.every((address) => address.includes("/Facts"))).toBe(true);
  });

  test.each(["twice", "twiceadded"] as const)(
    "with two tokens that may be ours leaves what SAP has, loading everything where changes must not come twice (%s)",
    async (name) => {
      const gateway = gatewayOf(name);
      gateway.move(rowOf(2), { ...rowOf(9), Quantity: "2.000" });
      gateway.change("U", { ...rowOf(1), Quantity: "5.000" });
      expect(await extract(name)).toMatchObject({ kind: "full", next: "delta" });
      gateway.move({ ...rowOf(9), Quantity: "2.000" }, { ...rowOf(10), Quantity: "2.000" });
      gateway.change("U", { ...rowOf(1), Quantity: "6.000" });
      expect(await extract(name)).toMatchObject({ kind: "full" });
      expect(await demands(name)).toEqual({ P0: "0.000", P1: "6.000", P10: "2.000" });
      expect(await titles()).toContain(`Everything of ${name} is loaded again: its changes may have come twice`);
      expect(await app.objects.list(`forecast/sap/${name}/pages/`)).toEqual([]);
    },
  );

  test("with two tokens that may be ours goes on by changes where the same row twice is that row", async () => {
    const gateway = gatewayOf("twiceafter");
    gateway.change("U", { ...rowOf(1), Quantity: "5.000" });
    gateway.change("D", rowOf(2));
    await extract("twiceafter");
    gateway.change("U", { ...rowOf(1), Quantity: "6.000" });
    gateway.change("C", { ...rowOf(2), Quantity: "9.000" });
    expect(await extract("twiceafter")).toMatchObject({ kind: "delta", next: "delta" });
    expect(await demands("twiceafter")).toEqual({ P0: "0.000", P1: "6.000", P2: "9.000" });
  });

  test.each(["client", "client2"] as const)("keeps its client on every page (%s)", async (name) => {
    expect(await extract(name)).toMatchObject({ pages: 3, rows: 25 });
    gatewayOf(name).change("U", { ...rowOf(1), Quantity: "6.000" });
    expect(await extract(name)).toMatchObject({ kind: "delta", set: 1 });
    const asked = gatewayOf(name).asked.filter((address) => address.includes("Facts"));
    expect(asked.every((address) => address.match(/sap-client=/g)?.length === 1)).toBe(true);
    expect(asked.every((address) => address.includes("sap-language=EN"))).toBe(name === "client");
  });

  test("that the server forgets at page 2 is begun anew, and told when that does not help", async () => {
    expect(await extract("gone")).toMatchObject({ pages: 3, rows: 25 });
    expect(await titles()).toContain("SAP forgot the pages of gone at page 2");
    await expect(extract("forgetful")).rejects.toThrow(/SAP_CHAIN_EXPIRED.*page 2.*pageRows/);
    expect(await app.objects.list("forecast/sap/gone/pages/")).toEqual([]);
  });
});

describe("an answer from somewhere else", () => {
  test("is told as the logon page it is, with the client to look at", async () => {
    await expect(extract("lost")).rejects.toThrow(/SAP_LOGON_PAGE.*Logon.*client/);
    expect(gatewayOf("lost").counts.requests).toBe(1);
  });

  test("is told as a redirect, which is not followed", async () => {
    gatewayOf("moved").setFault(() => "redirect");
    const said = await extract("moved").catch((error: unknown) => String(error));
    expect(said).toMatch(/SAP_REDIRECT.*https:\/\/idp.example.com\/saml2\/sso/);
    expect(said).not.toContain("SAMLRequest");
  });
});

describe("a refusal on the way", () => {
  test("speaks of the page it is of, and of what can be done there", async () => {
    gatewayOf("page2").setFault((n) => (n === 2 ? 406 : undefined));
    const said = await extract("page2").catch((error: unknown) => String(error));
    expect(said).toMatch(/SAP_REFUSED.*page 2 of Facts.*406.*pageRows/);
    expect(said).not.toMatch(/entity set and filter/);
  });

  test("in XML where JSON was asked for is told as that, at once", async () => {
    gatewayOf("atom").setFault(() => "atom");
    await expect(extract("atom")).rejects.toThrow(/SAP_ANSWER.*XML.*format=json/);
    expect(gatewayOf("atom").counts.requests).toBe(1);
  });
});

test("a source whose settings have changed is loaded whole, and then by changes again", async () => {
  await extract("other");
  expect(await extract("other")).toMatchObject({ kind: "delta" });
  await app.database.query("update stockroom.forecast_sap_source set settings = 'others' where name = 'other'");
  expect(await extract("other")).toMatchObject({ kind: "full", rows: 3 });
  expect(await extract("other")).toMatchObject({ kind: "delta" });
  expect(await titles()).toContain("Everything of other is loaded again: its settings are others");
});

describe("a delta link", () => {
  test("that is refused for another reason loads nothing anew; one that is gone from the list does", async () => {
    const gateway = gatewayOf("refusal");
    await extract("refusal");
    gateway.change("U", { ...rowOf(1), Quantity: "6.000" });
    gateway.setHabits({ ...cases.refusal.habits, refusesDeltas: true });
    const before = gateway.counts.pages;
    await expect(extract("refusal")).rejects.toThrow(/SAP_REFUSED.*400: Property DeltaQuantity is invalid.*--afresh/);
    expect(gateway.counts.pages).toBe(before);
    gateway.setHabits(cases.refusal.habits);
    gateway.forgetDeltas();
    expect(await extract("refusal")).toMatchObject({ kind: "full", rows: 5 });
    expect(await titles()).toContain("SAP no longer knows the delta of refusal");
  });
});

describe("a whole load", () => {
  test("that leaves nothing of what was there is held until somebody accepts it", async () => {
    const gateway = gatewayOf("empty");
    await extract("empty");
    const before = await fileOf("empty");
    gateway.empty();
    await expect(extract("empty")).rejects.toThrow(/SAP_LOAD_HELD.*30 rows.*gave 0.*--accept/);
    expect(await fileOf("empty")).toEqual(before);
    expect(await titles()).toContain("A load of empty is held: 0 rows, 30 before");
    gateway.change("C", rowOf(0));
    await expect(extract("empty")).rejects.toThrow(/SAP_LOAD_HELD.*gave 1/);
    expect(await extract("empty", { accept: true })).toMatchObject({ kind: "full", rows: 1 });
    expect(await fileOf("empty")).toEqual(["P0,2026-01-01,0.000"]);
  });
});
