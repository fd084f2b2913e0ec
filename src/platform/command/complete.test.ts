import { describe, expect, test } from "vitest";
import { complete } from "./complete.ts";
import { defineCommand, type Command } from "./contract.ts";
import { watchFlag } from "./flags.ts";

const run = defineCommand({
  meta: { name: "run", description: "Run it\nmore about it" },
  args: {
    file: { type: "positional", required: true, description: "what to read" },
    level: { type: "enum", options: ["high", "low"], description: "how" },
    where: { type: "string", description: "a condition; may be given again", valueHint: "COLUMN=VALUE" },
    outFolder: { type: "string", description: "where to", valueHint: "folder" },
    dry: { type: "boolean", description: "only look" },
  },
});
const list = defineCommand({
  meta: { name: "list", description: "All of them" },
  args: { state: { type: "string", description: "One of queued, done or dead, or all" }, watch: watchFlag },
});
const root: Command = {
  subCommands: {
    runs: async () => await Promise.resolve({ meta: { description: "Runs" }, subCommands: { list, run }, forFiles: "run" }),
    rest: defineCommand({ meta: { description: "Rest" }, args: { key: { type: "positional", description: "a key" } } }),
  },
};
const words = async (...typed: string[]): Promise<string[]> => (await complete(root, typed)).words.map(({ word }) => word);

describe("what may stand last", () => {
  test("commands, with the first line of what they say of themselves", async () => {
    expect(await complete(root, ["r"])).toEqual({
      words: [
        { word: "runs", about: "Runs" },
        { word: "rest", about: "Rest" },
      ],
      paths: "none",
    });
    expect((await complete(root, ["runs", "ru"])).words).toEqual([{ word: "run", about: "Run it" }]);
    expect(await words("x", "y", "--z", "")).toEqual([]);
    expect(await words("")).toEqual(["runs", "rest"]);
    expect(await complete(root, [])).toEqual(await complete(root, [""]));
  });

  test("flags, those that were given only where they may be again, and those of every command", async () => {
    expect(await words("runs", "run", "--")).toEqual([
      "--level",
      "--where",
      "--out-folder",
      "--dry",
      "--home",
      "--config",
      "--server",
      "--token-file",
      "--insecure",
      "--debug",
      "--help",
    ]);
    expect(await words("runs", "run", "--dry", "--where", "a=b", "--level=low", "--")).toEqual([
      "--where",
      "--out-folder",
      "--home",
      "--config",
      "--server",
      "--token-file",
      "--insecure",
      "--debug",
      "--help",
    ]);
    expect(await words("runs", "list", "--watch", "--")).toEqual([
      "--state",
      "--home",
      "--config",
      "--server",
      "--token-file",
      "--insecure",
      "--debug",
      "--help",
    ]);
    expect(await words("--home", "x", "runs", "l")).toEqual(["list"]);
    expect(await words("runs", "run", "--", "--")).toEqual([]);
  });

  test("values that a flag names, also behind a sign of equality, as one word or as the three that bash makes of it", async () => {
    expect(await words("runs", "run", "--level", "")).toEqual(["high", "low"]);
    expect(await words("runs", "list", "--state", "d")).toEqual(["done", "dead"]);
    expect(await words("runs", "list", "--state=d")).toEqual(["--state=done", "--state=dead"]);
    expect(await words("runs", "list", "--state", "=", "q")).toEqual(["queued"]);
    expect(await words("runs", "list", "--state", "=")).toEqual(["queued", "done", "dead"]);
    expect(await words("runs", "run", "--where=x")).toEqual([]);
    expect(await words("runs", "run", "--dry=x")).toEqual([]);
  });

  test("paths, of files or of folders", async () => {
    const paths = async (...typed: string[]): Promise<string> => (await complete(root, typed)).paths;
    expect(await paths("runs", "run", "")).toBe("files");
    expect(await paths("runs", "run", "a.csv", "")).toBe("none");
    expect(await paths("runs", "run", "--out-folder", "")).toBe("folders");
    expect(await paths("--home", "")).toBe("folders");
    expect(await paths("--config", "")).toBe("files");
    expect(await paths("rest", "")).toBe("none");
    expect(await paths("runs", "")).toBe("files");
    expect(await words("runs", "sales.csv", "--le")).toEqual(["--level"]);
  });
});
