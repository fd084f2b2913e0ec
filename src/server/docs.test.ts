// What docs say of routes, in both directions: every route there is stands in the document of its owner, and every documented one exists.

import { readFileSync } from "node:fs";
import { fastify } from "fastify";
import { expect, test } from "vitest";
import { makeLog } from "../platform/log.ts";
import { modules } from "../modules.ts";
import { mountRoutes } from "./server.ts";

/** The routes in the first column of a document's tables; the method is GET where none is named. */
function documentedIn(file: string): readonly string[] {
  const text = readFileSync(new URL(`../../docs/${file}`, import.meta.url), "utf8");
  return [...text.matchAll(/^\| `(?:([A-Z]+) )?(\/[^`?]*)[^`]*`/gm)].map(([, method = "GET", path = ""]) => `${method} ${path}`);
}

/** Parameters by their place alone: `/api/runs/ID` is `/api/runs/:id`, and `/objects/KEY` is `/objects/*`. */
const plain = (route: string): string => route.replaceAll(/\/(?:[A-Z]+|:[^/]+|\*)(?=\/|$)/g, "/{}");

const documents = new Map([
  ["", "http.md"],
  ...modules.flatMap((module) => (module.routes === undefined ? [] : [[module.name, `${module.name}-http.md`] as const])),
]);

/** Whose a route is: a module's below `/NAME` and `/api/NAME`, else the platform's. */
const ownerOf = (route: string): string => {
  const [, first = "", second = ""] = route.split(" ")[1]?.split("/") ?? [];
  const name = first === "api" ? second : first;
  return documents.has(name) ? name : "";
};

test("every route stands in its owner's document, and every documented route exists", async () => {
  // Nothing of the app is touched before a request comes.
  const deps = { log: makeLog({ level: "silent" }), database: {}, objects: {}, workflows: {}, events: {}, notices: {} };
  const server = fastify({ exposeHeadRoutes: false });
  const served: string[] = [];
  server.addHook("onRoute", ({ method, url }) => {
    for (const each of [method].flat()) served.push(`${each} ${url}`);
  });
  await mountRoutes(server, {
    deps: deps as never,
    settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1 },
    version: "test",
    modules: modules.map((module) => ({ module, parts: { deps: {} }, isOpen: true, front: undefined })),
  });
  await server.close();
  expect(served.length).toBeGreaterThan(50);
  for (const [owner, file] of documents) {
    const documented = documentedIn(file);
    expect([file, documented.filter((route, at) => documented.indexOf(route) !== at)]).toEqual([file, []]);
    const known = new Set(documented.map(plain));
    // The forms of pages are posted to addresses beneath them, and are no interface for others.
    const own = served.filter((route) => ownerOf(route) === owner && !/^POST \/(?!api\/)/.test(route));
    const there = new Set(own.map(plain));
    expect({
      file,
      unsaid: own.filter((route) => !known.has(plain(route))),
      gone: documented.filter((route) => !there.has(plain(route))),
    }).toEqual({
      file,
      unsaid: [],
      gone: [],
    });
  }
});
