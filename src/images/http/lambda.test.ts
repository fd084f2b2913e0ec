import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { Asked, Reply } from "../service/contract.ts";
import { makeLambda, type LambdaEvent } from "./lambda.ts";

const reply = (more: Partial<Reply> = {}): Reply => ({ status: 200, headers: {}, body: undefined, outcome: "hit", ...more });

/** What the service is asked, and what then goes to Lambda. */
async function call(event: LambdaEvent, given: Reply = reply()) {
  let asked: Asked | undefined;
  const result = await makeLambda({ answer: (one) => ((asked = one), given) })(event);
  return { asked, result };
}

it("passes on every query as it was, whether the caller decoded it or not (L1)", async () => {
  const pair = fc.tuple(fc.string({ unit: "grapheme", minLength: 1 }), fc.string({ unit: "grapheme" }));
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(pair, { minLength: 1, selector: ([name]) => name }), async (pairs) => {
      fc.pre(pairs.every(([name]) => name !== "__proto__"));
      const query = pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");
      const named = Object.fromEntries(pairs);
      const many = Object.fromEntries(pairs.map(([name, value]) => [name, [value]]));
      const encoded = Object.fromEntries(pairs.map(([name, value]) => [encodeURIComponent(name), encodeURIComponent(value)]));
      const sorted = (target: string | undefined): string => (target ?? "").slice(3).split("&").toSorted().join("&");
      for (const event of [
        { rawPath: "/a", rawQueryString: query },
        { path: "/a", queryStringParameters: named },
        { path: "/a", multiValueQueryStringParameters: many },
        { path: "/a", queryStringParameters: encoded, requestContext: { elb: {} } },
      ] satisfies LambdaEvent[]) {
        // Names that are numbers move to the front of an object, so the order is not asked for.
        expect(sorted((await call(event)).asked?.target)).toBe(sorted(`/a?${query}`));
      }
    }),
  );
});

it("takes the stage from the front of a path, and only there", async () => {
  const target = async (rawPath: string, stage: string): Promise<string | undefined> =>
    (await call({ rawPath, requestContext: { stage } })).asked?.target;
  expect(await target("/prod/fit-in/a.jpg", "prod")).toBe("/fit-in/a.jpg");
  expect(await target("/production/a.jpg", "prod")).toBe("/production/a.jpg");
  expect(await target("/prod", "prod")).toBe("/prod");
  expect(await target("/$default/a.jpg", "$default")).toBe("/$default/a.jpg");
  // Encoded as it was sent: signatures are made over it.
  expect(await target("/prod/a%2Fb%20c.jpg", "prod")).toBe("/a%2Fb%20c.jpg");
});

it("reads headers of either shape, in any letters", async () => {
  const { asked } = await call({
    httpMethod: "HEAD",
    path: "/a",
    headers: { Accept: "image/webp" },
    multiValueHeaders: { DPR: ["2"], accept: ["a", "b"] },
  });
  expect([asked?.method, asked?.header("accept"), asked?.header("dpr"), asked?.header("range")]).toEqual(["HEAD", "a, b", "2", undefined]);
  expect((await call({})).asked).toMatchObject({ method: "GET", target: "/" });
});

it("gives pictures as Base64 of their own bytes alone, errors as text, and nothing for nothing", async () => {
  const shared = Buffer.from("before-cat-after");
  const body = new Uint8Array(shared.buffer, shared.byteOffset + 7, 3);
  const picture = reply({ body, headers: { "content-type": "image/png", "content-length": "3" } });
  expect((await call({}, picture)).result).toEqual({
    statusCode: 200,
    headers: { "content-type": "image/png" },
    isBase64Encoded: true,
    body: Buffer.from("cat").toString("base64"),
  });
  const error = reply({ status: 404, body: Buffer.from('{"key":"ü"}'), headers: { "content-type": "application/json" } });
  expect((await call({}, error)).result).toMatchObject({ statusCode: 404, isBase64Encoded: false, body: '{"key":"ü"}' });
  expect((await call({}, reply({ status: 304 }))).result).toMatchObject({ statusCode: 304, isBase64Encoded: false, body: "" });
});

it("tells what Lambda cannot carry as 413, and carries what it can (L2)", async () => {
  const most = 6 * 1024 * 1024;
  for (const [bytes, status] of [
    [(most - 65_536) * 0.75, 200],
    [(most - 65_536) * 0.75 + 1, 413],
  ] as const) {
    const { result } = await call({}, reply({ body: Buffer.alloc(bytes), headers: { "content-type": "image/png" } }));
    expect([result.statusCode, JSON.stringify(result).length < most]).toEqual([status, true]);
  }
});

it("answers a load balancer of several values a header in its own shape, and nobody else", async () => {
  const given = reply({ headers: { etag: '"1"' } });
  const { result } = await call({ multiValueHeaders: {}, requestContext: { elb: {} } }, given);
  expect(result.multiValueHeaders).toEqual({ etag: ['"1"'] });
  expect((await call({ multiValueHeaders: {} }, given)).result.multiValueHeaders).toBeUndefined();
  expect((await call({ headers: {}, requestContext: { elb: {} } }, given)).result.multiValueHeaders).toBeUndefined();
});
