// up, worker: the app at work until Ctrl-C.

import { once } from "node:events";
import { defineCommand } from "../../platform/command/contract.ts";
import { readChoice, repeated } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { Tools } from "../tools.ts";
import { pictureWorld } from "../module-tools.ts";
import { showSample } from "./demo.ts";

const modules = ["classify", "images"] as const;

export const upCommand = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "up",
      description: `Open Stockroom: take runs, relay events, watch the inbox, serve HTTP; until Ctrl-C
Examples:
  stockroom up
  stockroom up --demo --port 0
  stockroom up images --source photos=./photos --source shop=s3://bucket/prefix --source web=https://cdn.example.com/pictures
Everything runs in this process; more workers beside it: stockroom worker`,
    },
    args: {
      module: { type: "positional", required: false, description: `Which part: ${modules.join(", ")} (default: all)` },
      source: {
        type: "string",
        description: "images only: where originals are, a folder, s3://bucket/prefix or a web address; may be given again",
        valueHint: "NAME=PLACE",
      },
      cache: { type: "string", description: "images only: folder for finished pictures (images.cache.folder)", valueHint: "folder" },
      demo: { type: "boolean", description: "Put the sample shop in first and follow it through" },
      host: {
        type: "string",
        description: "Address to listen on (server.host); beyond this machine it needs a token",
        valueHint: "address",
      },
      port: { type: "string", description: "Port to listen on (server.port); 0 takes any free one", valueHint: "port" },
    },
    run: async ({ args, rawArgs }) => {
      const module = args.module === undefined ? undefined : readChoice("WING", args.module, modules);
      if (module === "images") {
        await upImages(tools, rawArgs, { "server.host": args.host, "server.port": args.port, "images.cache.folder": args.cache });
        return;
      }
      if (args.source !== undefined || args.cache !== undefined) {
        throw new StockroomError(
          "input",
          "USAGE",
          "Expected --source and --cache beside `up images` only. Beside the other systems, name sources in stockroom.yaml.",
        );
      }
      const app = await tools.open({ work: true, quiet: args.demo, settings: { "server.host": args.host, "server.port": args.port } });
      const { appProbes } = await import("../../app.ts");
      const { openServer } = await import("../../server/index.ts");
      const [{ classifyRoutes }, { forecastRoutes }] = await Promise.all([
        import("../../classify/module.ts"),
        import("../../forecast/module.ts"),
      ]);
      const server = await openServer({
        deps: app,
        settings: app.settings.server,
        version: tools.version,
        pictures: app.pictures,
        probes: appProbes(app),
        mount: async (server) => {
          await classifyRoutes(server, { deps: app.classify.deps, workflows: app.workflows });
          await forecastRoutes(server, { deps: app.forecast.deps, workflows: app.workflows });
        },
      });
      try {
        tools.print.say(`Stockroom is open at ${server.url} (home ${app.settings.home}). Ctrl-C closes it.`);
        if (args.demo) await showSample(tools, app, server.url);
        await untilStopped(tools.signal);
      } finally {
        await server.close();
      }
    },
  });

/** The picture server alone: no database, open in well under a second. */
async function upImages(tools: Tools, rawArgs: readonly string[], settings: Readonly<Record<string, string | undefined>>): Promise<void> {
  const { upPictures } = await import("../../images/module.ts");
  const server = await upPictures(pictureWorld(tools, settings), repeated(rawArgs, "source"));
  try {
    const more = server.playground ? ` Try them at ${server.url}/playground.` : "";
    tools.print.say(`Pictures are served at ${server.url} from ${server.buckets.join(", ")}.${more} Ctrl-C closes it.`);
    await untilStopped(tools.signal);
  } finally {
    await server.close();
  }
}

export const workerCommand = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "worker",
      description: `One more worker on the same database and store, without HTTP; until Ctrl-C
On another machine give it the same DATABASE_URL, store and key file.`,
    },
    run: async () => {
      const app = await tools.open({ work: true });
      tools.print.say(`This worker takes runs (home ${app.settings.home}). Ctrl-C stops it; what it leaves is taken up by others.`);
      await untilStopped(tools.signal);
    },
  });

async function untilStopped(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
