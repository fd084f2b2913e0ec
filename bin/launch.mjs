// The launcher: starts the command, from the sources or from dist, under Node 24 whatever Node called it. `stockroom` beside it is what is called.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import module, { createRequire } from "node:module";
import { constants } from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = path.resolve(path.dirname(realpathSync(fileURLToPath(import.meta.url))), "..");
const self = path.join(root, "bin/stockroom");
const sources = path.join(root, "src/cli/main.ts");
const built = path.join(root, "dist/cli/main.js");
const version = process.versions.node.split(".").map(Number);
const atLeast = (major, minor) => version[0] > major || (version[0] === major && version[1] >= minor);

function fail(message) {
  process.stderr.write(`stockroom: ${message}\n`);
  process.exit(1);
}

/** Loads the command, with compiled code kept beside the packages: that shortens every start, of the threads and processes it starts too. */
async function load(file) {
  keepMemoryTogether();
  const kept = path.join(root, "node_modules/.cache/stockroom");
  if (module.enableCompileCache?.(kept).directory !== undefined) process.env.NODE_COMPILE_CACHE ??= kept;
  process.argv[1] = file;
  await import(pathToFileURL(file).href);
}

/** Turns this process into `program` where Node can, else runs it as a child whose signals and end are ours. */
function become(program, args) {
  if (typeof process.execve === "function") {
    try {
      process.execve(program, [program, ...args], process.env);
    } catch {
      // Not on this system: a child does it as well.
    }
  }
  const child = spawn(program, args, { stdio: "inherit", env: { ...process.env, STOCKROOM_LAUNCHER: String(process.pid) } });
  // On a terminal the whole foreground group gets Ctrl-C, the child too; sent on, it would count as the second, impatient one.
  const terminal = process.stdin.isTTY === true || process.stdout.isTTY === true || process.stderr.isTTY === true;
  process.on("SIGINT", () => (terminal ? undefined : child.kill("SIGINT")));
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`could not start ${program} (${error.code}). Run: npm install`));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

/**
 * Starts the picture server anew with at most two pools of freed memory, large pieces going back to the system at once. glibc gives every
 * thread a pool of its own, and the decoders' threads then hold a third more memory between them (measured: 325 MB at most against 220, at
 * the same CPU time). It is read only at a process's start.
 */
function keepMemoryTogether() {
  const wanted = process.platform === "linux" && process.argv[2] === "up" && process.argv[3] === "images";
  if (!wanted || process.env.MALLOC_ARENA_MAX !== undefined || typeof process.execve !== "function") return;
  try {
    const args = [process.execPath, ...process.execArgv, self, ...process.argv.slice(2)];
    process.execve(process.execPath, args, {
      ...process.env,
      MALLOC_ARENA_MAX: "2",
      MALLOC_MMAP_THRESHOLD_: "1048576",
      MALLOC_TRIM_THRESHOLD_: "16777216",
    });
  } catch {
    // It runs as well without.
  }
}

function isInstalled() {
  try {
    createRequire(self).resolve("citty/package.json");
    return true;
  } catch (error) {
    // Found, but its package.json is not for others: installed.
    return error.code === "ERR_PACKAGE_PATH_NOT_EXPORTED";
  }
}

/** The Node of the dev dependencies; an older one there would only call itself for ever. */
function findNode24() {
  // Of the sources' own packages, or beside this package where it is installed.
  for (const folder of [path.join(root, "node_modules/node"), path.join(root, "../node")]) {
    try {
      if (Number.parseInt(JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")).version, 10) < 24) continue;
    } catch {
      continue;
    }
    const found = ["node", "node.exe"].map((name) => path.join(folder, "bin", name)).find((file) => existsSync(file));
    if (found !== undefined) return found;
  }
  return undefined;
}

if (!isInstalled()) {
  fail(`expected its packages in ${path.join(root, "node_modules")} but they are not there. Run: npm install (or npm start) in ${root}`);
} else {
  const program = existsSync(sources) ? sources : built;
  const node = findNode24();
  if (!existsSync(program)) fail(`expected ${sources} or ${built} but there is neither. Run: npm run build, or install the package anew.`);
  else if (atLeast(24, 0)) await load(program);
  else if (node !== undefined) become(node, [self, ...process.argv.slice(2)]);
  else if (program === sources)
    fail(`expected Node 24 in ${path.join(root, "node_modules/node")} but it is not there. Run: npm install in ${root}`);
  else fail(`expected Node 24 or newer but this is ${process.versions.node}. Install it, or put the package "node" (24) beside this one.`);
}
