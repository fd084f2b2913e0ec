import { fastify, type FastifyInstance } from "fastify";
import { afterEach, expect, it } from "vitest";
import { z } from "zod";
import { describeError } from "../errors.ts";
import { currentCaller, type Caller } from "./caller.ts";
import { line, speaker } from "./fields.ts";
import { defineRoute, serve, servePage } from "./route.ts";

const route = { method: "POST", needs: "viewer", summary: "Say", answer: z.strictObject({ by: z.string().optional() }) } as const;
const say = defineRoute({ ...route, name: "say", path: "/say", body: z.strictObject({ text: line(), by: speaker() }) });
const mayBe = defineRoute({ ...route, name: "mayBe", path: "/may-be", body: z.strictObject({ by: speaker(50, "optional") }) });

const anna: Caller = { id: "password:anna", name: "anna", roles: ["viewer"], via: "session" };
const local: Caller = { id: "local", roles: ["administrator"], via: "local" };

let server: FastifyInstance;
afterEach(() => server.close());

function open(caller: Caller): (url: string, payload: object) => Promise<[number, unknown]> {
  server = fastify();
  server.setErrorHandler((error, _request, reply) => reply.code(400).send(describeError(error).code));
  server.addHook("onRequest", async (request) => {
    request.caller = caller;
  });
  serve(server, say, ({ body }) => ({ by: body.by }));
  serve(server, mayBe, ({ body: { by } }) => (by === undefined ? {} : { by }));
  servePage(server, { method: "GET", path: "/who", needs: "viewer" }, async (_request, reply) => {
    await new Promise((resolve) => setImmediate(resolve));
    return await reply.send(currentCaller()?.id);
  });
  return async (url, payload) => {
    const { statusCode, body } = await server.inject({ method: "POST", url, payload });
    return [statusCode, body.startsWith("{") ? JSON.parse(body) : body];
  };
}

it("whoever signed in speaks under that name, and under no other", async () => {
  const post = open(anna);
  for (const by of [undefined, "", " anna ", "anna"]) expect(await post("/say", { text: "x", by })).toEqual([200, { by: "anna" }]);
  for (const by of ["ben", "Anna", "anna, for ben"]) expect(await post("/say", { text: "x", by })).toEqual([400, "NAME_NOT_YOURS"]);
  expect(await post("/may-be", {})).toEqual([200, { by: "anna" }]);
  expect(await post("/may-be", { by: "ben" })).toEqual([400, "NAME_NOT_YOURS"]);
  expect((await server.inject("/who")).body).toBe("password:anna");
  expect(currentCaller()).toBeUndefined();
});

it("nobody in particular says who it is, where somebody must", async () => {
  const post = open(local);
  expect(await post("/say", { text: "x", by: "ben" })).toEqual([200, { by: "ben" }]);
  expect(await post("/say", { text: "x" })).toEqual([400, "BODY_BAD"]);
  expect(await post("/say", { text: "x", by: "a\nb" })).toEqual([400, "BODY_BAD"]);
  expect(await post("/may-be", {})).toEqual([200, {}]);
  expect((await server.inject("/who")).body).toBe("local");
});
