import { readFile } from "node:fs/promises";
import fastify from "fastify";
import { expect, test } from "vitest";
import { mountRoutes } from "./routes.ts";

test("docs/classify-http.md lists every route there is, and no other", async () => {
  const server = fastify();
  const served = new Set<string>();
  server.addHook("onRoute", ({ method, url }) => {
    for (const command of [method].flat()) if (command !== "HEAD" && command !== "OPTIONS") served.add(`${command} ${url}`);
  });
  // Nothing of the app is touched before a request comes.
  await mountRoutes(server, { deps: {} } as never);
  await server.close();
  const text = await readFile(new URL("../../../docs/classify-http.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `(?:(GET|POST) )?(\/[^`?]*)[^`]*`/gm)];
  const documented = rows.map(([, command = "GET", path = ""]) => `${command} ${path.replace("/ID", "/:id")}`);
  expect(documented.toSorted()).toEqual([...new Set(documented)].toSorted());
  // The forms of the pages are posted to addresses beneath them, and are no interface for others.
  const unsaid = [...served].filter((route) => !documented.includes(route) && !route.startsWith("POST /classify/"));
  expect({ unsaid, gone: documented.filter((route) => !served.has(route)) }).toEqual({ unsaid: [], gone: [] });
});
