import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deltaTokenOf, isDeltaLink, makeAddress } from "./address.ts";

const url = "https://erp.example.com/sap/opu/odata/sap/ZDEMAND_SRV";

describe("an address", () => {
  test.each([
    [`${url}?sap-client=100`, `${url}/Facts?$format=json&sap-client=100`],
    [`${url}/?sap-client=100`, `${url}/Facts?$format=json&sap-client=100`],
    [`${url}/`, `${url}/Facts?$format=json`],
    [`${url};v=2?saml2=disabled&sap-client=100`, `${url};v=2/Facts?$format=json&saml2=disabled&sap-client=100`],
  ])("%s keeps its query behind the resource", (service, expected) => {
    expect(makeAddress({ url: service }).at("Facts", ["$format=json"])).toBe(expected);
  });

  test("carries client and language of the settings, in links too, whatever the link says", () => {
    const address = makeAddress({ url: `${url}?sap-client=001`, client: "100", language: "EN" });
    expect(address.at("Facts")).toBe(`${url}/Facts?sap-client=100&sap-language=EN`);
    expect(address.follow("Facts?$skiptoken=7&sap-client=001")).toBe(`${url}/Facts?$skiptoken=7&sap-client=100&sap-language=EN`);
  });

  test.each([
    [
      `http://gateway.internal:8000/sap/opu/odata/sap/ZDEMAND_SRV/Facts?$skiptoken=D2_1%2C5`,
      `${url}/Facts?$skiptoken=D2_1%2C5&$format=json`,
    ],
    [`/sap/opu/odata/sap/ZDEMAND_SRV/Facts?$skiptoken=5`, `${url}/Facts?$skiptoken=5&$format=json`],
    [`Facts?!deltatoken='D1'`, `${url}/Facts?!deltatoken=%27D1%27&$format=json`],
    [`http://inner/SAP/OPU/ODATA/SAP/zdemand_srv;v=1/Facts?!skiptoken=5&$format=json`, `${url}/Facts?!skiptoken=5&$format=json`],
    [`https://evil.example.com/elsewhere?x=1`, `https://erp.example.com/elsewhere?x=1&$format=json`],
  ])("follows %s on its own host and path", (link, expected) => {
    expect(makeAddress({ url }).follow(link, ["$format=json"])).toBe(expected);
  });

  test("behind a proxy with another path, links of the inner one lead to the outer one", () => {
    const outer = makeAddress({ url: "https://proxy.example.com/erp/ZDEMAND_SRV?sap-client=100" });
    expect(outer.follow(`http://inner${new URL(url).pathname}/Facts?$skiptoken=5`)).toBe(
      "https://proxy.example.com/erp/ZDEMAND_SRV/Facts?$skiptoken=5&sap-client=100",
    );
  });

  test("never leaves its host and never loses a token (law)", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(
          /^https?:\/\/[a-z]{1,9}\.example(?::8\d{3})?(?:\/[A-Za-z0-9_;=.%-]{0,9}){0,4}(?:\?[a-z$!]{1,9}=[A-Za-z0-9%']{0,9})?$/,
        ),
        fc.stringMatching(/^[A-Za-z0-9_.-]{1,30}$/),
        (link, token) => {
          const at = makeAddress({ url, client: "100" }).follow(`${link}${link.includes("?") ? "&" : "?"}$skiptoken=${token}`);
          expect(new URL(at).origin).toBe("https://erp.example.com");
          expect(new URL(at).searchParams.getAll("sap-client")).toEqual(["100"]);
          expect(new URL(at).searchParams.getAll("$skiptoken").at(-1)).toBe(token);
        },
      ),
    );
  });
});

describe("a delta link", () => {
  test.each([
    ["Facts?!deltatoken='D1'", true, "D1"],
    ["Facts?$format=json&!deltatoken=D1", true, "D1"],
    ["Facts?%21deltatoken=%27D1_2%27&sap-client=100", true, "D1_2"],
    ["Facts?$deltatoken=D1", true, "D1"],
    ["Facts?!deltatoken='D1'&$skiptoken=5", false, "D1"],
    ["Facts?!deltatoken='D1'&!skiptoken=5", false, "D1"],
    ["Facts?$skiptoken='!deltatoken=D1'", false, undefined],
    ["Facts?note=deltatoken", false, undefined],
  ])("is told from a further page: %s", (link, is, token) => {
    expect(isDeltaLink(link)).toBe(is);
    expect(deltaTokenOf(link)).toBe(token);
  });
});

test.each(["javascript:alert(1)", "x:.evil.example.com/FactsOfX", "http://[bad", "ftp://host/FactsOfX"])(
  "a link that is none of the web is not followed: its path would become part of the host (%s)",
  (link) => {
    expect(() => makeAddress({ url: "https://erp.example.com/sap/ZD_SRV" }).follow(link)).toThrow(
      /SAP_LINK|Expected a link of the service/,
    );
  },
);

test.each([
  "//evil.example.com/sap/ZD_SRV/F?x=1",
  "https://user:pw@evil.example.com/sap/ZD_SRV/F?x=1",
  "http://erp.example.com/sap/ZD_SRV/F?x=1",
])("no link leads to another host (%s)", (link) => {
  expect(makeAddress({ url: "https://erp.example.com/sap/ZD_SRV" }).follow(link)).toBe("https://erp.example.com/sap/ZD_SRV/F?x=1");
});
