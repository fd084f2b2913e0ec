// What docs say of routes, in both directions: every route there is stands in the document of its owner, and every documented one exists.

import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { mountAll } from "../../test/kit/routes.ts";
import { modules } from "../modules.ts";
import type { RouteSpec } from "../platform/web/route.ts";

/** The routes in the first column of a document's tables; the method is GET where none is named. */
function documentedIn(file: string): readonly string[] {
  const text = readFileSync(new URL(`../../docs/reference/${file}`, import.meta.url), "utf8");
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
  const { server, mounted } = await mountAll();
  const served = mounted.map(({ method, url }) => `${method} ${url}`);
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

test("every declared route is served, and the client knows its contract", async () => {
  const source = new URL("../", import.meta.url);
  // A long contract is in several files beside the one that has them all.
  const contracts = globSync("**/contract{,-*}.ts", { cwd: source }).filter((file) =>
    /= defineRoute\(/.test(readFileSync(new URL(file, source), "utf8")),
  );
  expect(contracts.length).toBeGreaterThan(3);
  const { server, mounted } = await mountAll();
  await server.close();
  const served = new Set(mounted.map(({ route }) => route));
  const client = readFileSync(new URL("client/routes.ts", source), "utf8");
  for (const file of contracts) {
    const exported: Record<string, unknown> = await import(new URL(file, source).href);
    const declared = Object.values(exported).filter(isRoute);
    expect([file, declared.length > 0, declared.filter((route) => !served.has(route)).map(({ name }) => name)]).toEqual([file, true, []]);
    const whole = file.replace(/contract-[a-z]+\.ts$/, "contract.ts");
    const all: Record<string, unknown> = await import(new URL(whole, source).href);
    expect([file, declared.filter((route) => !Object.values(all).includes(route)).map(({ name }) => name)]).toEqual([file, []]);
    // A module's contract reaches the client through its module.ts.
    const by = whole.endsWith("/http/contract.ts") ? whole.replace("http/contract.ts", "module.ts") : whole;
    expect([file, client.includes(`"../${by}"`)]).toEqual([file, true]);
  }
});

const isRoute = (value: unknown): value is RouteSpec =>
  typeof value === "object" && value !== null && "method" in value && "path" in value && "answer" in value && "needs" in value;
