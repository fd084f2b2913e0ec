// explain: what a picture URL means.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { readPairs, repeated } from "../../platform/command/flags.ts";
import { explain } from "../engine/requests/index.ts";
import { addClassicNames } from "../service/settings.ts";
import { readNamedSource } from "../store/sources/open.ts";
import { inForce, type ImageTools } from "./tools.ts";

export const explainCommand = (tools: ImageTools): Command =>
  defineCommand({
    meta: {
      name: "explain",
      description: `Say what a picture URL means, or the error it is answered with, as JSON
Examples:
  stockroom images explain '/fit-in/300x200/filters:grayscale()/cat.jpg'
  stockroom images explain '/cat.jpg?width=300' --env SOURCE_BUCKETS=photos --env AUTO_WEBP=Yes --header 'Accept=image/webp'`,
    },
    args: {
      target: { type: "positional", required: true, description: "Path and query, or a whole URL", valueHint: "/PATH?QUERY" },
      env: {
        type: "string",
        description: "A classic setting beside those of the environment; may be given again",
        valueHint: "NAME=VALUE",
      },
      header: { type: "string", description: "A header of the request; may be given again", valueHint: "NAME=VALUE" },
      source: { type: "string", description: "A source as `up images` has it; may be given again", valueHint: "NAME=PLACE" },
      strict: { type: "boolean", description: "As the classic handler would, also where ours is better" },
    },
    run: async ({ args, rawArgs }) => {
      const { settings, environment } = inForce(tools, readPairs("--env", repeated(rawArgs, "env")));
      const headers = readPairs("--header", repeated(rawArgs, "header"));
      const target = args.target.replace(/^https?:\/\/[^/?#]*/i, "");
      const [path = "", ...query] = target.split("?");
      // In the server's own order: those of the command line come first.
      const given = repeated(rawArgs, "source").map((text) => readNamedSource(text, tools.settings().cwd)[0]);
      const named = [...new Set([...given, ...Object.keys(settings.sources)])];
      const classic = (environment["SOURCE_BUCKETS"] ?? "").trim() !== "";
      // Which bucket is the first one is not known when nobody names any; the meaning of the rest is.
      const buckets = classic ? undefined : named.length > 0 ? named : ["default"];
      const asked = args["strict"] === true ? { ...settings, compat: "strict" as const } : settings;
      const { requests } = addClassicNames(asked, environment, { given: buckets });
      tools.print.json(explain({ path: path === "" ? "/" : path, query: query.join("?"), headers }, { ...requests, nowMs: Date.now() }));
    },
  });
