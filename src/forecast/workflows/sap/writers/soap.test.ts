import { describe, expect, test } from "vitest";
import type { Session } from "../session.ts";
import type { SapTarget } from "../settings.ts";
import { openSoapWriter, readSoap } from "./soap.ts";

const names = { returns: "ET_RETURN", echo: "EV_REQUEST_ID" };
const item = (type: string, row: number): string =>
  `<item><TYPE>${type}</TYPE><ID>ZFC</ID><NUMBER>012</NUMBER><MESSAGE>m</MESSAGE><ROW>${row}</ROW><FIELD>F</FIELD></item>`;
const answer = (inside: string): string =>
  `<e:Envelope xmlns:e="x"><e:Body><n0:ZResponse xmlns:n0="y">${inside}</n0:ZResponse></e:Body></e:Envelope>`;

const target: SapTarget & { readonly kind: "soap" } = {
  kind: "soap",
  name: "car",
  url: "https://erp.example.com/sap/bc/soap/rfc?sap-client=100",
  function: "Z",
  table: "IT",
  returns: names.returns,
  guard: "IV_REQUEST_ID",
  echo: names.echo,
  fields: { P: { value: "x" } },
  batchRows: 10,
  remembers: 3_600_000,
  automatic: [],
  tries: 1,
  pauseMs: 1,
  timeoutMs: 1_000,
  headers: {},
};
const rows = [1, 2].map((seq) => ({ seq, fields: { P: `${seq}` } }));
const request = { requestId: "b".repeat(32), madeAt: "2026-11-29T00:00:00.000Z", signal: new AbortController().signal };

function writerOf(text: string, more: { readonly isCut?: boolean; readonly repeatable?: boolean; readonly status?: number } = {}) {
  const session: Session = {
    send: async () => ({ status: more.status ?? 200, headers: new Headers(), text, isCut: more.isCut ?? false }),
  };
  return openSoapWriter({ ...target, repeatable: more.repeatable }, session);
}

test("messages, echo and fault are read", () => {
  expect(readSoap(answer(`<EV_REQUEST_ID>b</EV_REQUEST_ID><ET_RETURN>${item("E", 2)}</ET_RETURN>`), names)).toMatchObject({
    hasReturns: true,
    echo: "b",
    returns: [{ row: 2, message: { type: "E", id: "ZFC/012" } }],
  });
  expect(readSoap(answer("<faultstring>no</faultstring>"), names)).toMatchObject({ fault: "no", hasReturns: false, echo: undefined });
  expect(readSoap("<a><b></a>", names)).toBeUndefined();
});

describe("a call", () => {
  test("tells the rows by their messages", async () => {
    const answers = await writerOf(answer(`<ET_RETURN>${item("E", 2)}</ET_RETURN>`)).write(rows, request);
    expect(answers.map(({ taken }) => taken)).toEqual([true, false]);
  });

  test.each([
    ["breaks off", answer("<ET_RETURN/>").slice(0, 60), true],
    ["says nothing of the rows", answer(""), false],
    ["has an empty body", "", false],
  ])("whose answer %s leaves everything open", async (_, text, isCut) => {
    await expect(writerOf(text, { isCut }).write(rows, request)).rejects.toMatchObject({ code: "SAP_UNSURE" });
  });

  test.each([
    ["gives the id back", `<EV_REQUEST_ID>${request.requestId}</EV_REQUEST_ID>`, undefined, true],
    ["gives another one back", "<EV_REQUEST_ID>other</EV_REQUEST_ID>", undefined, false],
    ["gives none back", "", undefined, false],
    ["gives none back and is vouched for", "", true, true],
    ["gives it back where repeats are ruled out", `<EV_REQUEST_ID>${request.requestId}</EV_REQUEST_ID>`, false, false],
  ])("to a module that %s", async (_, echo, repeatable, expected) => {
    const writer = writerOf(answer(`${echo}<ET_RETURN/>`), repeatable === undefined ? {} : { repeatable });
    expect(await writer.knowsRepeats?.(request)).toBe(repeatable === true);
    await writer.write(rows, request);
    expect(await writer.knowsRepeats?.(request)).toBe(expected);
  });
});

test.each([
  ["a refusal whose row cannot be read", item("E", 1).replace("<ROW>1<", "<ROW>*<"), [false, false]],
  ["a refusal of no row", item("A", 0), [false, false]],
  ["a warning and a refusal of one row", item("W", 1) + item("E", 1) + item("W", 2), [false, true]],
  ["an exit", item("X", 2), [true, false]],
  ["information and success", item("I", 1) + item("S", 2), [true, true]],
])("BAPIRET2: %s", async (_, returns, expected) => {
  const answers = await writerOf(answer(`<ET_RETURN>${returns}</ET_RETURN>`)).write(rows, request);
  expect(answers.map(({ taken }) => taken)).toEqual(expected);
});
