import { describe, expect, test } from "vitest";
import type { SapAnswer } from "../exchange.ts";
import type { SapRequest, Session } from "../session.ts";
import type { SapTarget } from "../settings.ts";
import type { ImportRow } from "./contract.ts";
import { openODataWriter, parseBatch } from "./odata.ts";

const target: SapTarget & { readonly kind: "odata" } = {
  kind: "odata",
  name: "car",
  url: "https://erp.example.com/sap/ZSRV?sap-client=100",
  set: "Forecasts",
  fields: { PRODUCT: { from: "item_id", as: "text", decimals: 3 } },
  batchRows: 10,
  remembers: 3_600_000,
  automatic: [],
  tries: 1,
  pauseMs: 1,
  timeoutMs: 1_000,
  headers: {},
};
const rows: readonly ImportRow[] = [1, 2, 3].map((seq) => ({ seq, fields: { PRODUCT: `P${seq}` } }));
const request = { requestId: "a".repeat(32), madeAt: "2026-11-29T00:00:00.000Z", signal: new AbortController().signal };

const part = (id: string | undefined, status: number, body = "{}"): string =>
  [
    "--out",
    "Content-Type: application/http",
    "",
    `HTTP/1.1 ${status} X`,
    ...(id === undefined ? [] : [`content-id: ${id}`]),
    "Content-Type: application/json",
    "",
    body,
    "",
  ].join("\r\n");

interface Said {
  readonly body: string;
  readonly status?: number;
  readonly isCut?: boolean;
  readonly headers?: Record<string, string>;
}

/** A session that gives these answers, one after the other. */
function sessionOf(...answers: readonly Said[]): { readonly session: Session; readonly asked: { url: string; request: SapRequest }[] } {
  const asked: { url: string; request: SapRequest }[] = [];
  const session: Session = {
    async send(url, sent) {
      const { body, status = 202, isCut = false, headers = {} } = answers[asked.length] ?? { body: "" };
      asked.push({ url, request: sent });
      const all = new Headers({ "content-type": "multipart/mixed; boundary=out", ...headers });
      return { status, headers: all, text: body, isCut } satisfies SapAnswer;
    },
  };
  return { session, asked };
}

const write = async (said: Said): Promise<unknown[]> =>
  (await openODataWriter(target, sessionOf(said).session).write(rows, request)).map(({ taken, unsure }) => (unsure ? "unsure" : taken));

describe("an answer to a $batch", () => {
  test("names its rows", async () => {
    const body = `${part("3", 201)}${part("1", 400)}${part("2", 201)}--out--\r\n`;
    expect(await write({ body })).toEqual([false, true, true]);
  });

  test("may have the names in the heads of its parts", async () => {
    const named = (id: string, status: number): string => part(undefined, status).replace("--out\r\n", `--out\r\nContent-ID: ${id}\r\n`);
    expect(await write({ body: `${named("3", 201)}${named("1", 400)}${named("2", 201)}--out--\r\n` })).toEqual([false, true, true]);
  });

  test("without names goes by order, when every row is there", async () => {
    const body = `${part(undefined, 201)}${part(undefined, 400)}${part(undefined, 201)}--out--\r\n`;
    expect(await write({ body })).toEqual([true, false, true]);
  });

  test.each([
    ["names some rows", `${part("1", 201)}${part("3", 400)}--out--\r\n`, false, [true, "unsure", false]],
    ["names none and is too short", `${part(undefined, 201)}--out--\r\n`, false, ["unsure", "unsure", "unsure"]],
    ["is cut off without names", `${part(undefined, 201)}${part(undefined, 201).slice(0, -6)}`, true, [true, "unsure", "unsure"]],
    ["is cut off with names", `${part("1", 201)}${part("2", 201).slice(0, 60)}`, true, [true, "unsure", "unsure"]],
    ["says nothing", "--out--\r\n", false, ["unsure", "unsure", "unsure"]],
    ["ends before it begins", "", true, ["unsure", "unsure", "unsure"]],
  ])("that %s leaves the others unsure", async (_, body, isCut, expected) => {
    expect(await write({ body, isCut })).toEqual(expected);
  });

  test("that is none leaves everything open", async () => {
    await expect(write({ body: "{}", headers: { "content-type": "application/json" } })).rejects.toMatchObject({ code: "SAP_UNSURE" });
    await expect(write({ body: "--out\r\nContent-Type: application/http\r\n\r\nnothing\r\n--out--" })).rejects.toMatchObject({
      code: "SAP_UNSURE",
    });
    const outdated = JSON.stringify({ error: { code: "/IWBEP/CM_COS/005", message: { value: "RequestID is outdated" } } });
    await expect(write({ status: 400, body: outdated })).rejects.toMatchObject({ code: "SAP_UNSURE" });
  });

  test("that refuses the batch as a whole says so, with the cure", async () => {
    const said = JSON.stringify({ error: { code: "/IWBEP/CM_COS/001", message: { value: "Check configuration" } } });
    await expect(write({ status: 400, body: said })).rejects.toThrow(/Check configuration.*repeatable: false/);
    await expect(write({ status: 400, body: "" })).rejects.toMatchObject({ code: "SAP_REFUSED" });
  });

  test("opens change sets within it", () => {
    const inner = part("1", 201).replaceAll("--out", "--set");
    const text = `--out\r\nContent-Type: multipart/mixed; boundary=set\r\n\r\n${inner}--set--\r\n--out--`;
    expect(parseBatch("multipart/mixed; boundary=out", text, "there")).toMatchObject([{ status: 201 }]);
  });
});

describe("whether the service knows repeats", () => {
  const whole = `${part("1", 201)}${part("2", 201)}${part("3", 201)}--out--`;
  test.each([
    ["accepted", true],
    ["Accepted", true],
    ["rejected", false],
    ["unsupported", false],
    [undefined, false],
  ])("is what it said: %s", async (value, expected) => {
    const headers: Record<string, string> = value === undefined ? {} : { RepeatabilityResult: value };
    const { session, asked } = sessionOf({ body: whole, headers });
    const writer = openODataWriter(target, session);
    await writer.write(rows, request);
    expect(await writer.knowsRepeats?.(request)).toBe(expected);
    expect(asked).toHaveLength(1);
  });

  test("is asked with a batch that changes nothing, under an id of its own", async () => {
    const { session, asked } = sessionOf({ body: whole, headers: { RepeatabilityResult: "accepted" } });
    expect(await openODataWriter(target, session).knowsRepeats?.(request)).toBe(true);
    expect(asked[0]?.request.body).toMatch(/GET Forecasts/);
    expect(asked[0]?.request.body).not.toMatch(/POST/);
    expect(asked[0]?.request.headers?.["RequestID"]).not.toBe(request.requestId);
    expect(asked[0]?.url).toBe("https://erp.example.com/sap/ZSRV/$batch?sap-client=100");
  });

  test("is not asked, and no id is sent, where repeats are ruled out", async () => {
    const { session, asked } = sessionOf({ body: whole, headers: { RepeatabilityResult: "accepted" } });
    const writer = openODataWriter({ ...target, repeatable: false }, session);
    await writer.write(rows, request);
    expect(await writer.knowsRepeats?.(request)).toBe(false);
    expect(asked[0]?.request.headers).not.toHaveProperty("RequestID");
  });
});

describe("reading back", () => {
  const metadata = `<S><EntityType Name="T"><Key><PropertyRef Name="PRODUCT"/><PropertyRef Name="DAY"/></Key><Property Name="DAY" Type="Edm.DateTime"/></EntityType><EntitySet Name="Forecasts" EntityType="X.T"/></S>`;
  const keyed = { ...target, fields: { ...target.fields, DAY: { value: "x" }, QUANTITY: { value: "x" } } };
  const row = (seq: number, quantity: string): ImportRow => ({
    seq,
    fields: { PRODUCT: `O'${seq}`, DAY: { date: 1_764_547_200_000 }, QUANTITY: quantity },
  });
  const held = (seq: number, quantity: unknown): unknown => ({
    PRODUCT: `O'${seq}`,
    DAY: "/Date(1764547200000)/",
    QUANTITY: quantity,
    MORE: 1,
  });

  test("finds the rows that are there as they were sent", async () => {
    const results = [held(1, "1.5000"), held(2, 7)];
    const { session, asked } = sessionOf({ status: 200, body: metadata }, { status: 200, body: JSON.stringify({ d: { results } }) });
    const found = await openODataWriter(keyed, session).readBack?.([row(1, "1.500"), row(2, "2.000"), row(3, "1.500")], request.signal);
    expect([...(found ?? [])]).toEqual([
      [1, true],
      [2, false],
      [3, false],
    ]);
    expect(decodeURIComponent(asked[1]?.url ?? "")).toContain(`(PRODUCT eq 'O''1' and DAY eq datetime'2025-12-01T00:00:00')`);
  });

  test("sees nothing where our fields do not fill the key, or the set cannot be read", async () => {
    const some = openODataWriter(target, sessionOf({ status: 200, body: metadata }).session);
    expect(await some.readBack?.(rows, request.signal)).toBeUndefined();
    const none = openODataWriter(target, sessionOf({ status: 404, body: "" }).session);
    expect(await none.readBack?.(rows, request.signal)).toBeUndefined();
    const closed = openODataWriter(keyed, sessionOf({ status: 200, body: metadata }, { status: 403, body: "" }).session);
    expect(await closed.readBack?.([row(1, "1")], request.signal)).toBeUndefined();
  });
});

test("a boundary stands alone on its line: neither another boundary nor a text that begins alike ends a part", () => {
  const part = (id: number): string =>
    `Content-Type: application/http\r\n\r\nHTTP/1.1 201 Created\r\ncontent-id: ${id}\r\n\r\n{"x":"--ab"}\r\n`;
  const text = `--ab\r\nContent-Type: multipart/mixed; boundary=ab1\r\n\r\n--ab1\r\n${part(1)}--ab1--\r\n--ab\r\n${part(2)}--ab--\r\n`;
  expect(parseBatch("multipart/mixed; boundary=ab", text, "r").map(({ headers }) => headers.get("content-id"))).toEqual(["1", "2"]);
});

describe("reading back", () => {
  const read = async (...answers: readonly Said[]): Promise<readonly [unknown, readonly string[]]> => {
    const { session, asked } = sessionOf({ body: "", status: 404 }, ...answers);
    const writer = openODataWriter({ ...target, keys: ["PRODUCT"] }, session);
    const held = await writer.readBack?.(rows, request.signal);
    return [held === undefined ? undefined : [...held.values()], asked.map(({ url }) => url)];
  };
  const page = (products: readonly string[], next?: string): Said => ({
    status: 200,
    body: JSON.stringify({ d: { results: products.map((PRODUCT) => ({ PRODUCT })), ...(next === undefined ? {} : { __next: next }) } }),
  });

  test("follows the pages, each with the client of the settings and on its host", async () => {
    const next = "http://inner:8000/sap/ZSRV/Forecasts?$skiptoken=2&sap-client=200";
    const [held, asked] = await read(page(["P3"], next), page(["P1"]));
    expect(held).toEqual([true, false, true]);
    expect(asked.at(-1)).toBe("https://erp.example.com/sap/ZSRV/Forecasts?$skiptoken=2&$format=json&sap-client=100");
  });

  test.each([
    ["break off", [page(["P1"], "Forecasts?$skiptoken=2"), { status: 410, body: "" }]],
    ["go in circles", [page(["P1"], "Forecasts?$skiptoken=2"), page(["P2"], "Forecasts?$skiptoken=2")]],
    ["are no data", [{ status: 200, body: "<html>" }]],
  ] satisfies (readonly [string, Said[]])[])("says nothing where the pages %s", async (_, answers) => {
    expect((await read(...answers))[0]).toBeUndefined();
  });
});
