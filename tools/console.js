// Makes the console, unless what was made is of the same sources. Plain JavaScript: it runs under any Node that installs the packages.
//
//   npm run build:console

import { createHash } from "node:crypto";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

const root = path.resolve(import.meta.dirname, "..");
const made = path.join(root, "console", "dist", ".made");

/** What the console is made of: its own sources and what it has of the product's. */
const sources = ["console/src", "console/public", "src/client", "src/platform/web"].flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name)),
);
const single = ["console/index.html", "console/vite.config.ts", "package-lock.json", "src/platform/errors.ts", "src/platform/figures.ts"];
const hash = createHash("sha256");
for (const file of [...sources, ...single.map((name) => path.join(root, name))].sort((a, b) => (a < b ? -1 : 1)))
  hash.update(file.slice(root.length)).update(readFileSync(file));
const mark = hash.digest("hex");

if (!existsSync(made) || readFileSync(made, "utf8") !== mark) {
  console.log("Making the console ...");
  const vite = path.join(root, "node_modules/vite/bin/vite.js");
  const args = [vite, "build", "--logLevel", "warn", "-c", path.join(root, "console/vite.config.ts")];
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (result.status !== 0) {
    console.error("The console could not be made; what its tool said stands above. Everything but /console/ works without it.");
    process.exit(1);
  }
  writeFileSync(made, mark);
}
