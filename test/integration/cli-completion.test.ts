// Completion in the shells themselves: each loads its script and is asked what it would offer.

import { execFile, execFileSync } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const program = path.resolve(import.meta.dirname, "../../bin/stockroom");
const folder = path.dirname(program);
const env = { ...process.env, PATH: `${folder}${path.delimiter}${process.env["PATH"] ?? ""}` };
const isThere = (shell: string): boolean => {
  try {
    execFileSync(shell, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};
const run = promisify(execFile);
const lines = async (shell: string, args: readonly string[]): Promise<string[]> =>
  (await run(shell, args, { env, cwd: path.resolve(folder, "..") })).stdout.split("\n").filter((line) => line !== "");

describe.skipIf(!isThere("bash"))("bash", () => {
  const offered = async (...words: string[]): Promise<string[]> =>
    await lines("bash", [
      "--norc",
      "-c",
      `eval "$(stockroom completion bash)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _stockroom; printf '%s\\n' "\${COMPREPLY[@]}"`,
      "bash",
      "stockroom",
      ...words,
    ]);

  test("commands, flags, values and paths", async () => {
    expect(await offered("runs", "c")).toEqual(["cancel"]);
    expect(await offered("runs", "list", "--st")).toEqual(["--state"]);
    expect(await offered("runs", "list", "--state", "=", "de")).toEqual(["dead"]);
    expect(await offered("put", "pack")).toContain("package.json");
    expect(await offered("--home", "te")).toEqual(["test"]);
  });
});

describe.skipIf(!isThere("zsh"))("zsh", () => {
  test("takes the script, and offers what the program says", async () => {
    // What it would show is caught where it is handed to the shell.
    const script = `autoload -Uz compinit; compinit -u -D; eval "$(stockroom completion zsh)"; _describe() { print -l -- "\${(@P)2}" }; words=(stockroom runs c); CURRENT=3; _stockroom`;
    expect(await lines("zsh", ["-f", "-c", script])).toEqual(["cancel:Stop a run at its next step; what is done stays done"]);
  });
});

describe.skipIf(!isThere("fish"))("fish", () => {
  test("offers what the program says", async () => {
    const ask = async (line: string): Promise<string[]> =>
      await lines("fish", ["--no-config", "-c", `stockroom completion fish | source; complete -C '${line}'`]);
    expect(await ask("stockroom runs c")).toEqual(["cancel\tStop a run at its next step; what is done stays done"]);
    expect(await ask("stockroom put pack")).toContain("package.json");
  });
});
