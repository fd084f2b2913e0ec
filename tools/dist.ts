// Builds `dist/`, what is published: the sources as plain JavaScript with their declarations, and the files beside them that are no TypeScript.
//
//   npm run build
//
// What the compiler does not see is checked afterwards, because it would fail only at a stranger's:
//   - every package that dist imports is a dependency, not a development one;
//   - no module is named by a `.ts` URL;
//   - every door in package.json leads to a file.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { builtinModules } from "node:module";
import path from "node:path";
import process from "node:process";

const root = path.resolve(import.meta.dirname, "..");
const source = path.join(root, "src");
const dist = path.join(root, "dist");

interface Package {
  readonly name: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();

/** False when the compiler found errors, which it has printed. */
function compile(): boolean {
  rmSync(dist, { recursive: true, force: true });
  const compiler = path.join(root, "node_modules/typescript/bin/tsc");
  const run = spawnSync(process.execPath, [compiler, "-p", path.join(root, "tsconfig.build.json")], { cwd: root, stdio: "inherit" });
  return run.status === 0;
}

/** WASM, SQL, JSON and the like keep their place relative to the module that reads them. */
function copyAssets(): number {
  const assets = filesIn(source).filter((file) => !file.endsWith(".ts") && !file.split(path.sep).includes("fixtures"));
  for (const file of assets) {
    const target = path.join(dist, path.relative(source, file));
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(file, target);
  }
  return assets.length;
}

const importPatterns = [
  /^\s*(?:import|export)\b[^;'"]*?\bfrom\s*["']([^"'\n]+)["']/gm,
  /^\s*import\s*["']([^"'\n]+)["']/gm,
  /\bimport\(\s*["']([^"'\n]+)["']\s*\)/g,
];
const urlPattern = /new URL\(\s*["'`][^"'`\n]+\.ts["'`]\s*,\s*import\.meta\.url/;

/** What is wrong with dist, in full sentences. */
function findFlaws(facts: Package): string[] {
  const flaws: string[] = [];
  const known = new Set([...Object.keys({ ...facts.dependencies, ...facts.optionalDependencies }), ...builtinModules]);
  for (const file of filesIn(dist).filter((each) => each.endsWith(".js"))) {
    const name = path.relative(root, file);
    const code = readFileSync(file, "utf8").replace(/^\s*(\/\/|\/?\*).*$/gm, "");
    if (urlPattern.test(code)) flaws.push(`${name} names a module by a .ts URL: use import.meta.url of the module itself.`);
    for (const [, specifier] of importPatterns.flatMap((pattern) => [...code.matchAll(pattern)])) {
      if (specifier.startsWith("node:")) continue;
      if (specifier.startsWith(".")) {
        if (!existsSync(path.resolve(path.dirname(file), specifier))) flaws.push(`${name} imports ${specifier}, which is not there.`);
        continue;
      }
      const parts = specifier.split("/");
      const owner = specifier.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0];
      if (!known.has(owner)) flaws.push(`${name} imports ${owner}, which is not among the dependencies of package.json.`);
    }
  }
  const doors = Object.entries(facts.exports ?? {}).flatMap(([door, target]) =>
    (typeof target === "string" ? [target] : Object.values(target)).map((file) => ({ door, file })),
  );
  for (const { door, file } of doors) {
    if (!existsSync(path.join(root, file))) flaws.push(`The door ${door} in package.json leads to ${file}, which is not there.`);
  }
  return flaws;
}

function main(): void {
  const facts: Package = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  process.exitCode = 1;
  if (!compile()) return;
  const assets = copyAssets();
  const flaws = findFlaws(facts);
  for (const flaw of flaws) console.error(flaw);
  if (flaws.length > 0) return;
  const modules = filesIn(dist).filter((file) => file.endsWith(".js")).length;
  console.log(`Built dist: ${modules} modules, ${assets} other files.`);
  process.exitCode = 0;
}

main();
