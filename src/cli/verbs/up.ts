// up, worker: the house at work until Ctrl-C. demo: the sample shop.

import { once } from "node:events";
import { defineCommand } from "citty";
import { StockroomError } from "../../base/errors.ts";
import type { House } from "../../house.ts";
import { makeProgress, toJson } from "../output.ts";
import { readChoice } from "../read-args.ts";
import { jsonFlag, operatorAtShell } from "../tools.ts";
import type { Tools } from "../tools.ts";

const wings = ["classify"] as const;

export const upVerb = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "up",
      description: `Open the house: take runs, relay events, watch the inbox, serve HTTP; until Ctrl-C
Examples:
  stockroom up
  stockroom up --demo --port 0
Everything runs in this process; more workers beside it: stockroom worker`,
    },
    args: {
      wing: { type: "positional", required: false, description: `Which part: ${wings.join(", ")} (default: all)` },
      demo: { type: "boolean", description: "Put the sample shop in first and follow it through" },
      host: {
        type: "string",
        description: "Address to listen on (server.host); beyond this machine it needs a token",
        valueHint: "address",
      },
      port: { type: "string", description: "Port to listen on (server.port); 0 takes any free one", valueHint: "port" },
    },
    run: async ({ args }) => {
      if (args.wing !== undefined) readChoice("WING", args.wing, wings);
      const house = await tools.open({ work: true, quiet: args.demo, settings: { "server.host": args.host, "server.port": args.port } });
      const { openServer } = await import("../../server/index.ts");
      const server = await openServer({
        parts: house,
        settings: house.settings.server,
        version: tools.version,
        probes: { workflows: () => proveTaking(house) },
      });
      try {
        tools.output.say(`Stockroom is open at ${server.url} (home ${house.settings.home}). Ctrl-C closes it.`);
        if (args.demo) await showDemo(tools, house, server.url);
        await untilStopped(tools.signal);
      } finally {
        await server.close();
      }
    },
  });

export const workerVerb = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "worker",
      description: `One more worker on the same database and store, without HTTP; until Ctrl-C
On another machine give it the same DATABASE_URL, store and key file.`,
    },
    run: async () => {
      const house = await tools.open({ work: true });
      tools.output.say(`This worker takes runs (home ${house.settings.home}). Ctrl-C stops it; what it leaves is taken up by others.`);
      await untilStopped(tools.signal);
    },
  });

async function proveTaking(house: House): Promise<void> {
  if (house.workflows.taking) return;
  throw new StockroomError(
    "busy",
    "WORKFLOWS_NOT_TAKING",
    "Expected this process to take runs but it does not now: it lost its sign of life.",
  );
}

async function untilStopped(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

/** The sample shop, then where to look. Ctrl-C on the way ends `up` as well as at any other time. */
async function showDemo(tools: Tools, house: House, url: string): Promise<void> {
  const { output, signal } = tools;
  try {
    const { stored, files } = await seed(tools, house);
    const began =
      stored === 0
        ? `The sample shop (${files} files) was there already; nothing was done twice.`
        : "The sample shop is in, and all that follows from it is done.";
    output.say(`
${began} Look around, from another terminal in this folder (in a clone, stockroom is ./bin/stockroom):
  ${url.padEnd(43)}  what runs, what waits for you, the last notices
  stockroom classify lines                     every country and scheme with its model in charge
  stockroom classify verdicts                  which model won, and why
  stockroom classify report --period 2026-10   what was sold, by country, scheme and code
  stockroom classify review list               items the models leave to people
  stockroom ls classify/                       every file, encrypted at rest; stockroom get KEY opens one
`);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function seed({ output, signal }: Tools, house: House) {
  const { seedShop } = await import("../../classify/index.ts");
  const progress = makeProgress(output, "sample shop");
  try {
    return await seedShop({
      objects: house.objects,
      workflows: house.workflows,
      actor: operatorAtShell("demo seed"),
      signal,
      say: (text) => output.say(text),
      progress: (done, total, note) => progress.update(done, total, note),
    });
  } finally {
    progress.end();
  }
}

export const demoVerb = (tools: Tools) =>
  defineCommand({
    meta: { name: "demo", description: "The sample shop: seed" },
    subCommands: {
      seed: defineCommand({
        meta: { name: "seed", description: "Put the sample shop in and follow it through; again, it changes nothing" },
        args: { json: jsonFlag },
        run: async ({ args }) => {
          const house = await tools.open({ work: true });
          const { stored, files } = await seed(tools, house);
          if (args.json) tools.output.print(toJson({ stored, files }));
          else
            tools.output.print(
              stored === 0
                ? `the sample shop is there already (${files} files)`
                : `the sample shop is in: ${stored} of ${files} files were new`,
            );
        },
      }),
    },
  });
