// What a command does on a running installation can be done over HTTP: the table of docs/reference/http.md against the commands and the routes there are.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { modules } from "../modules.ts";
import { staysHereOf } from "./stays-here.ts";
import { makeRoot } from "./root.ts";
import { mountAll } from "../../test/kit/routes.ts";
import { quietTools } from "../../test/kit/tools.ts";
import type { Command } from "../platform/command/contract.ts";
import { childrenOf, resolve } from "../platform/command/declared.ts";

const no = (): never => {
  throw new Error("nothing is to run here");
};

/** The words of every command that runs. */
async function commandsBelow(command: Command, before: readonly string[] = []): Promise<string[]> {
  const below = await Promise.all(
    Object.entries(await childrenOf(command)).map(
      async ([name, child]) => await commandsBelow((await resolve<Command>(child)) ?? {}, [...before, name]),
    ),
  );
  return [...(command.run === undefined || before.length === 0 ? [] : [before.join(" ")]), ...below.flat()];
}

/** Parameters by their place alone. */
const plain = (route: string): string => route.replaceAll(/\/(?:[A-Z]+|:[^/]+|\*)(?=\/|$)/g, "/{}");

test("every command has its routes, or a reason why it stays on its machine", async () => {
  const text = readFileSync(new URL("../../docs/reference/http.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `stockroom ([^`]+)` +\| (.*) \|$/gm)].map(([, command = "", said = ""]) => ({
    command,
    said: said.trim(),
  }));
  const told = rows.map(({ command }) => command);
  const commands = await commandsBelow(makeRoot({ ...quietTools(), where: no, checkConfig: no, open: no }));
  expect(commands.length).toBeGreaterThan(80);
  expect({
    // What the document keeps here, the program does, and nothing else.
    local: rows
      .filter(({ said }) => said.startsWith("local: "))
      .map(({ command }) => command)
      .toSorted(),
    untold: commands.filter((command) => !told.includes(command)),
    gone: told.filter((command) => !commands.includes(command)),
    twice: told.filter((command, at) => told.indexOf(command) !== at),
  }).toEqual({ local: Object.keys(staysHereOf(modules)).toSorted(), untold: [], gone: [], twice: [] });

  const { server, mounted } = await mountAll();
  await server.close();
  const served = new Set(mounted.flatMap(({ method, url, route }) => (route === undefined ? [] : [plain(`${method} ${url}`)])));
  const wrong = rows.flatMap(({ command, said }) => {
    // What stays says why, in more than a word.
    if (said.startsWith("local: ")) return said.length > 20 ? [] : [`${command}: no reason`];
    const routes = [...said.matchAll(/`((?:GET|PUT|POST|DELETE) [^`]+)`/g)].map(([, route = ""]) => plain(route));
    const gone = routes.filter((route) => !served.has(route));
    return routes.length === 0 ? [`${command}: no route`] : gone.map((route) => `${command}: ${route} is none`);
  });
  expect(wrong).toEqual([]);
});
