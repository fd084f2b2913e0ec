// The OpenAPI document: valid by the standard's own schema, and whole. And the contract behind it: no route without a declaration and a role.

import { readdirSync } from "node:fs";
import path from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { fastify, type FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { mountAll, type Mounted } from "../../test/kit/routes.ts";
import { defineRoute, list, proveDeclared, serve, servePage, type AnswerOf, type RouteSpec } from "../platform/web/route.ts";
import { roles } from "../platform/web/roles.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly "x-needs": string;
  readonly requestBody?: unknown;
  readonly responses: Readonly<Record<string, unknown>>;
}

let server: FastifyInstance;
let mounted: readonly Mounted[];
let document: { readonly openapi: string; readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };

beforeAll(async () => {
  ({ server, mounted } = await mountAll());
  document = JSON.parse((await server.inject("/api/openapi.json")).body);
});
afterAll(() => server.close());

const declared = (): readonly (Mounted & { readonly route: RouteSpec })[] =>
  mounted.flatMap((one) => (one.route === undefined ? [] : [{ ...one, route: one.route }]));

describe("the document", () => {
  test("is valid OpenAPI 3.1", async () => {
    const validator = new Validator();
    // The validator takes what it is given apart.
    expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
  });

  test("has every route, with its role, its body and its answers", () => {
    expect(declared().length).toBeGreaterThan(60);
    for (const { method, url, route } of declared()) {
      const inDocument = url.replaceAll(/:([^/]+)/g, "{$1}").replace("*", "{*}");
      const operation = document.paths[inDocument]?.[method.toLowerCase()];
      expect([method, url, operation?.operationId, operation?.summary]).toEqual([method, url, route.name, route.summary]);
      expect([route.name, operation?.["x-needs"]]).toEqual([route.name, route.needs]);
      expect([route.name, operation?.requestBody !== undefined]).toEqual([route.name, route.body !== undefined]);
      const statuses = (route.status ?? [route.answer === "nothing" ? 204 : 200]).map(String);
      expect([route.name, Object.keys(operation?.responses ?? {}).toSorted()]).toEqual([route.name, [...statuses, "default"].toSorted()]);
    }
    const count = Object.values(document.paths).reduce((sum, operations) => sum + Object.keys(operations).length, 0);
    expect(count).toBe(declared().length);
  });

  test("names every operation once", () => {
    const names = declared().map(({ route }) => route.name);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });
});

describe("a declaration", () => {
  test("is mounted, wherever it stands", async () => {
    const top = path.resolve(import.meta.dirname, "..");
    const files = readdirSync(top, { recursive: true, encoding: "utf8" }).filter(
      (file) => /(^|\/)contract\.ts$/.test(file) && /server|http/.test(file),
    );
    expect(files.length).toBeGreaterThan(2);
    const served = new Set<unknown>(declared().map(({ route }) => route));
    for (const file of files) {
      const exported: Record<string, unknown> = await import(path.join(top, file));
      const unserved = Object.entries(exported).flatMap(([name, value]) =>
        typeof value === "object" && value !== null && "method" in value && !served.has(value) ? [`${file}: ${name}`] : [],
      );
      expect(unserved).toEqual([]);
    }
  });

  test("has a role; those for anyone, and pages, are these", () => {
    const known: readonly string[] = [...roles, "anyone"];
    expect(mounted.filter(({ needs }) => needs === undefined || !known.includes(needs))).toEqual([]);
    const open = mounted.filter(({ needs }) => needs === "anyone").map(({ method, url }) => `${method} ${url}`);
    const signIn = ["GET /sign-in", "POST /sign-in", "GET /sign-in/provider", "GET /sign-in/callback", "POST /sign-out"];
    const files = ["GET /console/assets/*", "GET /console/icon.svg"];
    expect(open.toSorted()).toEqual(["GET /health", "GET /health/live", "GET /health/ready", ...files, ...signIn].toSorted());
    const pages = mounted.filter(({ route }) => route === undefined).map(({ method, url }) => `${method} ${url}`);
    expect(pages.toSorted()).toEqual([
      "GET /",
      "GET /classify",
      "GET /classify/champions",
      "GET /classify/report",
      "GET /classify/review",
      "GET /console",
      "GET /console/",
      "GET /console/*",
      ...files,
      "GET /forecast",
      "GET /forecast/-/adjustments",
      "GET /forecast/-/imports",
      "GET /forecast/-/imports/:id",
      "GET /forecast/-/scenarios",
      "GET /forecast/:group",
      "GET /forecast/:group/figures",
      "GET /sign-in",
      "GET /sign-in/callback",
      "GET /sign-in/provider",
      "POST /classify/champions/automatic",
      "POST /classify/champions/held",
      "POST /classify/champions/set",
      "POST /classify/review",
      "POST /classify/review/name",
      "POST /sign-in",
      "POST /sign-out",
    ]);
  });

  test("cannot be left out: a bare route ends the start", () => {
    const bare = fastify();
    proveDeclared(bare);
    expect(() => bare.get("/api/bare", () => "bare")).toThrow(expect.objectContaining({ code: "ROUTE_UNDECLARED" }));
    expect(() =>
      servePage(bare, { method: "GET", path: "/page", needs: "viewer" }, async (_request, reply) => await reply.send("")),
    ).not.toThrow();
  });

  test("needs role and answer, and types what its handler gets and gives", () => {
    const base = { name: "listShelves", method: "GET", path: "/api/shelves", summary: "Shelves" } as const;
    // @ts-expect-error -- no role
    defineRoute({ ...base, answer: z.strictObject({}) });
    // @ts-expect-error -- no answer
    defineRoute({ ...base, needs: "viewer" });
    // @ts-expect-error -- no such role
    defineRoute({ ...base, needs: "king", answer: "nothing" });
    const shelves = defineRoute({
      ...base,
      needs: "viewer",
      query: z.strictObject({ aisle: z.string().optional() }),
      answer: z.strictObject({ shelves: list(z.number()) }),
    });
    expectTypeOf<AnswerOf<typeof shelves>>().toEqualTypeOf<{ shelves: readonly number[] }>();
    const other = fastify();
    serve(other, shelves, ({ query }) => ({ shelves: query.aisle === undefined ? [] : [1] }));
    // @ts-expect-error -- gives what it does not declare
    expect(() => serve(fastify(), shelves, () => ({ shelves: ["one"] }))).not.toThrow();
  });
});
