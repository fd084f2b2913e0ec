import { readFile } from "node:fs/promises";
import fastify from "fastify";
import { expect, test } from "vitest";
import { classifyRoutes } from "./routes.ts";

test("docs/classify-http.md lists every route there is, and no other", async () => {
  const app = fastify();
  const served = new Set<string>();
  app.addHook("onRoute", ({ method, url }) => {
    for (const verb of [method].flat()) if (verb !== "HEAD" && verb !== "OPTIONS") served.add(`${verb} ${url}`);
  });
  // Nothing of the house is touched before a request comes.
  await classifyRoutes(app, { parts: {} } as never);
  await app.close();
  const text = await readFile(new URL("../../../docs/classify-http.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `(?:(GET|POST) )?(\/[^`?]*)[^`]*`/gm)];
  const documented = rows.map(([, verb = "GET", path = ""]) => `${verb} ${path.replace("/ID", "/:id")}`);
  expect(documented.toSorted()).toEqual([...new Set(documented)].toSorted());
  // The forms of the pages are posted to addresses beneath them, and are no interface for others.
  const unsaid = [...served].filter((route) => !documented.includes(route) && !route.startsWith("POST /classify/"));
  expect({ unsaid, gone: documented.filter((route) => !served.has(route)) }).toEqual({ unsaid: [], gone: [] });
});
