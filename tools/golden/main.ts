// `npm run golden -- [case ...] [--accept]`: makes the expected values of test/golden anew and compares them; with --accept writes them.
//
// A case is a folder test/golden/NAME with input.json and expected.json. Its generator stands here: NAME.R where R is the reference, NAME.ts
// where it is a program of ours. Ends with 1 where values differ and were not accepted, with 3 where a generator could not run.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

/** What a generator of ours exports. */
interface Generator {
  /** The expected values of an input, as JSON. */
  make(input: unknown): Promise<unknown>;
  /** Why new values must not be accepted; undefined when they may. */
  refuse?(former: unknown, made: unknown): string | undefined;
}

const root = path.resolve(import.meta.dirname, "../..");
const folderOf = (name: string): string => path.join(root, "test/golden", name);
const readJson = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));

/** References are rounded, and their search ends a hair beside the summit. */
const tolerance = 1e-5;

type Made =
  | { readonly kind: "made"; readonly value: unknown; readonly refused?: string }
  | { readonly kind: "unable"; readonly why: string };

async function make(name: string): Promise<Made> {
  const input = path.join(folderOf(name), "input.json");
  const ours = path.join(import.meta.dirname, `${name}.ts`);
  if (existsSync(ours)) {
    const generator: Generator = await import(ours);
    const value = await generator.make(readJson(input));
    const refused = generator.refuse?.(readJson(path.join(folderOf(name), "expected.json")), value);
    return { kind: "made", value, ...(refused === undefined ? {} : { refused }) };
  }
  const theirs = path.join(import.meta.dirname, `${name}.R`);
  if (!existsSync(theirs)) return { kind: "unable", why: `Expected tools/golden/${name}.R or ${name}.ts to make it but there is neither.` };
  const { error, status, stdout, stderr } = spawnSync("Rscript", [theirs, input], { encoding: "utf8", maxBuffer: 1 << 26 });
  if (error !== undefined)
    return {
      kind: "unable",
      why: "R is its reference and Rscript is not installed (R 4.2 with forecast, urca, jsonlite); it stays as it is.",
    };
  if (status !== 0) return { kind: "unable", why: `Rscript failed: ${stderr.trim().split("\n").at(-1)}` };
  return { kind: "made", value: JSON.parse(stdout) };
}

/** Where two values differ first, as a path; undefined where they agree. */
function difference(a: unknown, b: unknown, at = ""): string | undefined {
  if (typeof a === "number" && typeof b === "number")
    return Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), 1e-3) ? undefined : `${at}: ${a} was ${b}`;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null)
    return a === b ? undefined : `${at}: ${JSON.stringify(a)} was ${JSON.stringify(b)}`;
  const [made, former] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  for (const key of new Set([...made.keys(), ...former.keys()])) {
    // Versions say where values are from and are none.
    const found = at === "" && key === "source" ? undefined : difference(made.get(key), former.get(key), `${at}/${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function main(words: readonly string[]): Promise<number> {
  const accepts = words.includes("--accept");
  const asked = words.filter((word) => !word.startsWith("--"));
  const known = readdirSync(path.join(root, "test/golden"), { withFileTypes: true }).flatMap((each) =>
    each.isDirectory() ? [each.name] : [],
  );
  for (const name of asked) if (!known.includes(name)) throw new Error(`Expected one of ${known.join(", ")} but received ${name}.`);
  let exit = 0;
  for (const name of asked.length > 0 ? asked : known) {
    const made = await make(name);
    if (made.kind === "unable") {
      console.log(`${name}: ${made.why}`);
      exit = Math.max(exit, 3);
      continue;
    }
    const file = path.join(folderOf(name), "expected.json");
    const differs = existsSync(file) ? difference(made.value, readJson(file)) : "there was none";
    if (differs === undefined) console.log(`${name}: as expected`);
    else if (made.refused !== undefined || !accepts) {
      console.log(`${name}: differs, ${differs}. ${made.refused ?? "Accept it with --accept, and say why in the commit."}`);
      exit = 1;
    } else {
      writeFileSync(file, JSON.stringify(made.value));
      execFileSync("npx", ["oxfmt", file], { cwd: root });
      console.log(`${name}: accepted, ${differs}`);
    }
  }
  return exit;
}

if (process.argv[1] === import.meta.filename) process.exitCode = await main(process.argv.slice(2));
