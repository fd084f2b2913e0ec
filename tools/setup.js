// Makes a fresh clone ready: installs from the lock file when what is installed is not what the lock file says.
//
// Plain JavaScript, nothing but Node: it runs before anything is installed, under Node 20.19 or newer.
import { createHash } from "node:crypto";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

const root = path.resolve(import.meta.dirname, "..");
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Expected Node 20.19 or newer but this is ${process.version}. Install a newer Node (https://nodejs.org) and try again.`);
  process.exit(2);
}

const mark = path.join(root, "node_modules", ".stockroom-lock");
const lock = createHash("sha256")
  .update(readFileSync(path.join(root, "package-lock.json")))
  .digest("hex");
const installed = existsSync(mark) && readFileSync(mark, "utf8") === lock && existsSync(path.join(root, "node_modules/node/bin"));
if (!installed) {
  console.log("Installing the exact versions of package-lock.json (the first time takes a minute) ...");
  const npm = process.env["npm_execpath"];
  const [command, before] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  const result = spawnSync(command, [...before, "ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: root, stdio: "inherit" });
  if (result.status !== 0) {
    console.error("The installation failed; what npm said stands above. Mend that (a network, a full disk?) and start again.");
    process.exit(1);
  }
  writeFileSync(mark, lock);
}

// The console is made of sources of ours; a start takes what was made before when they are the same, and goes on without it when it cannot be made.
spawnSync(process.execPath, [path.join(root, "tools/console.js")], { cwd: root, stdio: "inherit" });
