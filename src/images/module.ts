// The picture module as one value. It has no tables and no durable runs: what it answers is served before any framework, and can be served alone.

import { defineModule } from "../platform/module.ts";
import { imageSettings } from "./service/settings.ts";

export const images = defineModule({
  name: "images",
  about: "Pictures: what a URL means, and how to build and sign one",
  staysHere: {
    explain: { kind: "files", why: "it says what a URL means and asks no installation" },
    url: { kind: "files", why: "it builds a URL and asks no installation" },
  },
  settings: imageSettings,
  migrations: [],
  zones: [],
  grants: [],

  make: async (deps) => ({ deps, workflows: [], queues: [], subscriptions: [], schedules: [], awaited: [] }),

  front: async (given) => await (await import("./http/routes.ts")).openFront(given),

  alone: {
    args: {
      source: {
        type: "string",
        description: "images only: where originals are, a folder, s3://bucket/prefix or a web address; may be given again",
        valueHint: "NAME=PLACE",
      },
      cache: { type: "string", description: "images only: folder for finished pictures (images.cache.folder)", valueHint: "folder" },
    },
    flags: { cache: "images.cache.folder" },
    open: async (settings, words) => await (await import("./http/routes.ts")).openAlone(settings, words),
  },

  commands: async (tools) => (await import("./cli/commands.ts")).makeCommands(tools),

  examples: {
    up: ["stockroom up images --source photos=./photos --source shop=s3://bucket/prefix --source web=https://cdn.example.com/pictures"],
  },
});
