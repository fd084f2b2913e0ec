// demo: the sample shop, put in and taken away.
//
//   D1. Putting it in again changes nothing.
//   D2. Taking it away never touches a home that holds anything else, or one at work.

import { rm, stat } from "node:fs/promises";
import path from "node:path";
import { defineCommand } from "../../platform/command/contract.ts";
import { folderOf } from "../../platform/objects/drivers/open.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { OpenApp } from "../../app.ts";
import { operatorAtShell } from "../tools.ts";
import type { Tools } from "../tools.ts";

/** Columns of a command on the tour. */
const tourWidth = 43;

/** The sample shop, then where to look. Ctrl-C on the way ends `up` as well as at any other time. */
export async function showSample(tools: Tools, app: OpenApp, url: string): Promise<void> {
  const { print, signal } = tools;
  try {
    const { stored, files } = await seed(tools, app);
    const began =
      stored === 0
        ? `The sample shop (${files} files) was there already; nothing was done twice.`
        : "The sample shop is in, and all that follows from it is done.";
    const opened = app.modules.filter(({ isOpen }) => isOpen);
    const tour = [
      [`${url}/console/`, "what runs, what waits for you, and everything else in a browser"] as const,
      ...opened.flatMap(({ module }) => module.sample?.tour ?? []),
    ];
    const lines = tour.map(([command, shows]) =>
      command.length > tourWidth ? `  ${command}\n${" ".repeat(tourWidth + 4)}${shows}` : `  ${command.padEnd(tourWidth + 2)}${shows}`,
    );
    print.say(`
${began} Look around, from another terminal in this folder (in a clone, stockroom is ./bin/stockroom):
${lines.join("\n")}
`);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function seed(tools: Tools, app: OpenApp) {
  const { print, signal } = tools;
  const progress = tools.progress("sample shop");
  try {
    const seedTools = {
      objects: app.objects,
      workflows: app.workflows,
      actor: operatorAtShell("demo seed"),
      signal,
      say: (text: string) => print.say(text),
      progress: (done: number, total: number, note: string) => progress.update(done, total, note),
    };
    let [stored, files] = [0, 0];
    for (const { module, isOpen } of app.modules) {
      const seeded = isOpen ? await module.sample?.seed(seedTools) : undefined;
      stored += seeded?.stored ?? 0;
      files += seeded?.files ?? 0;
    }
    return { stored, files };
  } finally {
    progress.end();
  }
}

export const demoCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "demo", description: "The sample shop: seed, reset" },
    subCommands: {
      seed: defineCommand({
        meta: { name: "seed", description: "Put the sample shop in and follow it through; again, it changes nothing" },
        args: { json: jsonFlag },
        run: async ({ args }) => {
          const app = await tools.open({ work: true });
          const { stored, files } = await seed(tools, app);
          if (args.json) tools.print.json({ stored, files });
          else
            tools.print.line(
              stored === 0
                ? `the sample shop is there already (${files} files)`
                : `the sample shop is in: ${stored} of ${files} files were new`,
            );
        },
      }),
      reset: defineCommand({
        meta: {
          name: "reset",
          description: `Remove the sample shop and all that came of it, keys included
Only a home that holds nothing else, and where nobody works, is emptied.`,
        },
        args: { yes: { type: "boolean", description: "Really" } },
        run: async ({ args }) => {
          const app = await tools.open();
          const { home } = app.settings;
          await proveOnlySample(app);
          if (!args.yes) {
            throw new StockroomError(
              "input",
              "DEMO_RESET_UNSURE",
              `Expected --yes because this empties ${home} for good. Say it if you mean it.`,
            );
          }
          await app.close();
          // The last process of a home stops its database server; one that still runs serves somebody else.
          if (await isThere(path.join(home, "postgres/data/postmaster.pid"))) {
            throw new StockroomError(
              "conflict",
              "DEMO_IN_USE",
              `Expected nobody else in ${home} but its database is in use. Stop \`stockroom up\` and workers first.`,
            );
          }
          for (const place of placesOf(app)) await rm(place, { recursive: true, force: true });
          tools.print.line(`emptied: ${home}`);
        },
      }),
    },
  });

/** Throws `conflict` `DEMO_NOT_OURS` or `DEMO_NOT_ALONE` unless the home holds the sample shop and nothing but it. */
async function proveOnlySample({ database, objects, settings }: OpenApp): Promise<void> {
  const { home } = settings;
  const refuse = (code: string, expectation: string): StockroomError =>
    new StockroomError("conflict", code, `Expected ${expectation}`, { facts: { home } });
  if (database.about().kind !== "embedded") {
    throw refuse("DEMO_NOT_OURS", "the embedded database but DATABASE_URL names another. Empty that one with its own tools.");
  }
  let after: string | undefined;
  for (;;) {
    const page = await objects.list("", { after, limit: 1_000 });
    const other = page.find(({ writtenBy }) => /^(operator|inbox): /.test(writtenBy) && writtenBy !== "operator: cli demo seed");
    if (other !== undefined)
      throw refuse(
        "DEMO_NOT_ALONE",
        `nothing but the sample shop in ${home} but ${other.key} was put there by somebody (${other.writtenBy}).`,
      );
    after = page.at(-1)?.key;
    if (after === undefined || page.length < 1_000) return;
  }
}

const isThere = async (file: string): Promise<boolean> => (await stat(file).catch(() => undefined)) !== undefined;

/** What Stockroom keeps of itself; anything else in the home folder stays. */
function placesOf({ settings }: OpenApp): readonly string[] {
  const inHome = (place: string): boolean => place.startsWith(path.resolve(settings.home) + path.sep);
  const own = ["postgres", "home-id"].map((name) => path.join(path.resolve(settings.home), name));
  return [...own, folderOf(settings.objects), settings.vault.keyFile, settings.inbox.folder].filter(inHome);
}
