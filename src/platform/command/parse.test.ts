import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Command } from "./contract.ts";
import { renderHelp } from "./help.ts";
import { findCall, noFlags, readArgs } from "./parse.ts";

const leaf = (args: Record<string, unknown>): Command => ({ meta: { description: "A leaf\nMore on it." }, args, run: () => {} });

const root: Command = {
  meta: { name: "stockroom", description: "All of it" },
  subCommands: {
    put: leaf({
      file: { type: "positional", required: true, description: "The file" },
      key: { type: "positional", required: true },
      type: { type: "string", alias: "t" },
      maxRows: { type: "string" },
      json: { type: "boolean" },
    }),
    runs: {
      ...leaf({ state: { type: "string" }, json: { type: "boolean" } }),
      subCommands: {
        list: leaf({ state: { type: "string" } }),
        show: () => Promise.resolve(leaf({ id: { type: "positional", required: true } })),
      },
    },
    forecast: {
      forFiles: "run",
      subCommands: { run: leaf({ file: { type: "positional", required: true }, out: { type: "string" } }), list: leaf({}) },
    } as Command,
    ls: leaf({ prefix: { type: "positional", required: false } }),
  },
};

const find = async (line: string) => await findCall(root, line.split(" ").filter(Boolean));
async function problem(line: string): Promise<string> {
  try {
    await readArgs(await find(line));
    return "";
  } catch (error) {
    return String(error).replace("StockroomError: ", "");
  }
}

describe("findCall", () => {
  it.each([
    ["put a b", ["put"], ["a", "b"]],
    ["put --type text/csv a b", ["put"], ["--type", "text/csv", "a", "b"]],
    ["put -t text/csv a b --json", ["put"], ["-t", "text/csv", "a", "b", "--json"]],
    ["put - b", ["put"], ["-", "b"]],
    ["put -- --home b", ["put"], ["--", "--home", "b"]],
    ["runs", ["runs"], []],
    ["runs --state dead", ["runs"], ["--state", "dead"]],
    ["runs list --state dead", ["runs", "list"], ["--state", "dead"]],
    ["runs show list", ["runs", "show"], ["list"]],
    ["--home /h put a b", ["put"], ["a", "b"]],
    ["put a --home=/h b", ["put"], ["a", "b"]],
    ["ls put", ["ls"], ["put"]],
    ["forecast list", ["forecast", "list"], []],
    ["forecast sales.csv --out x", ["forecast", "run"], ["sales.csv", "--out", "x"]],
    ["forecast ./sales", ["forecast", "run"], ["./sales"]],
  ])("%s", async (line, path, rawArgs) => {
    const call = await find(line);
    expect([call.path, call.rawArgs]).toEqual([path, rawArgs]);
    expect(await problem(line)).toBe("");
    expect(call.flags.home).toBe(line.includes("/h") ? "/h" : undefined);
  });

  it("takes the flags of every verb anywhere", async () => {
    expect((await find("--debug runs --home /x list --config c.yaml -h")).flags).toEqual({
      ...noFlags,
      debug: true,
      home: "/x",
      config: "c.yaml",
      help: true,
    });
  });
});

describe("a word that nothing declares", () => {
  it.each([
    ["pit a b", "Did you mean put?"],
    ["runs lsit", "Did you mean list?"],
    ["put a b --jsn", "Did you mean --json?"],
    ["put a b --maxrows 3", "Did you mean --max-rows?"],
    ["put a b --hoem /x", "Did you mean --home?"],
    ["runs --stat=dead", "Did you mean --state?"],
    ["runs --stat dead", "Did you mean --state?"],
    ["runs --state dead lst", "Did you mean list?"],
    ["runs --state dead list", "expected list before its options but received --state first"],
    ["ls -x", '"-x" is none'],
    ["put a b c", "expected FILE KEY but received 3"],
    ["put a", "missing required positional argument: KEY"],
    ["put a b --type", "--type wants a value"],
    ["put a b --type --json", "--type wants a value"],
    ["put a b --type=", "--type wants a value"],
    ["put a b --json=3", '--json takes no value but received "3"'],
    ["ls a b", "expected PREFIX but received 2"],
    ["xylophone", '"xylophone" is none. See: stockroom --help'],
  ])("%s -> %s", async (line, words) => {
    expect(await problem(line)).toContain(words);
  });

  it("never passes: any flag not declared is refused by every verb", async () => {
    const known = new Set([
      "type",
      "t",
      "maxRows",
      "max-rows",
      "json",
      "no-json",
      "home",
      "config",
      "debug",
      "help",
      "h",
      "no-debug",
      "no-help",
    ]);
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[a-zA-Z][a-zA-Z-]{0,10}$/), fc.boolean(), async (name, valued) => {
        fc.pre(!known.has(name));
        expect(await problem(`put a b --${name}${valued ? "=x" : ""}`)).toContain(`"--${name}" is none`);
      }),
    );
  });
});

describe("help", () => {
  it("says all that a verb takes, and its summary only once", async () => {
    const help = await renderHelp(await find("put"), 80);
    expect(help).toContain("Usage: stockroom put FILE KEY [OPTIONS]");
    for (const word of ["A leaf", "More on it.", "--max-rows MAX-ROWS", "-t, --type TYPE", "--home FOLDER"]) expect(help).toContain(word);
    expect(await renderHelp(await find("runs"), 80)).toContain("Usage: stockroom runs [COMMAND] [OPTIONS]");
    const all = await renderHelp(await find(""), 80);
    expect(all).toMatch(/put +A leaf\n/);
    expect(all).not.toContain("More on it.");
  });
});
