// up, worker: the house at work until Ctrl-C.

import { once } from "node:events";
import { defineCommand } from "citty";
import { StockroomError } from "../../base/errors.ts";
import { readChoice } from "../read-args.ts";
import type { Tools } from "../tools.ts";
import { pictureWorld } from "../wing-tools.ts";
import { showDemo } from "./demo.ts";

const wings = ["classify", "images"] as const;

export const upVerb = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "up",
      description: `Open the house: take runs, relay events, watch the inbox, serve HTTP; until Ctrl-C
Examples:
  stockroom up
  stockroom up --demo --port 0
  stockroom up images --source photos=./photos --source shop=s3://bucket/prefix --source web=https://cdn.example.com/pictures
Everything runs in this process; more workers beside it: stockroom worker`,
    },
    args: {
      wing: { type: "positional", required: false, description: `Which part: ${wings.join(", ")} (default: all)` },
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
      const wing = args.wing === undefined ? undefined : readChoice("WING", args.wing, wings);
      if (wing === "images") {
        await upImages(tools, rawArgs, { "server.host": args.host, "server.port": args.port, "images.cache.folder": args.cache });
        return;
      }
      if (args.source !== undefined || args.cache !== undefined) {
        throw new StockroomError(
          "input",
          "USAGE",
          "Expected --source and --cache beside `up images` only. In the house, name sources in stockroom.yaml.",
        );
      }
      const house = await tools.open({ work: true, quiet: args.demo, settings: { "server.host": args.host, "server.port": args.port } });
      const { houseProbes } = await import("../../house.ts");
      const { openServer } = await import("../../server/index.ts");
      const [{ classifyRoutes }, { forecastRoutes }] = await Promise.all([
        import("../../classify/index.ts"),
        import("../../forecast/index.ts"),
      ]);
      const server = await openServer({
        parts: house,
        settings: house.settings.server,
        version: tools.version,
        pictures: house.pictures,
        probes: houseProbes(house),
        mount: async (app) => {
          await classifyRoutes(app, { parts: house.classify.parts, workflows: house.workflows });
          await forecastRoutes(app, { parts: house.forecast.parts, workflows: house.workflows });
        },
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

/** The picture server alone: no database, open in well under a second. */
async function upImages(tools: Tools, rawArgs: readonly string[], settings: Readonly<Record<string, string | undefined>>): Promise<void> {
  const { repeated, upPictures } = await import("../../images/index.ts");
  const server = await upPictures(pictureWorld(tools, settings), repeated(rawArgs, "source"));
  try {
    const more = server.playground ? ` Try them at ${server.url}/playground.` : "";
    tools.output.say(`Pictures are served at ${server.url} from ${server.buckets.join(", ")}.${more} Ctrl-C closes it.`);
    await untilStopped(tools.signal);
  } finally {
    await server.close();
  }
}

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

async function untilStopped(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
