// Runs the tests; in CI also those that take long, and the walks with crashes. Closes with `N passed, N failed` (tools/test-reporter.ts).
import { spawnSync } from "node:child_process";
import path from "node:path";
import process from "node:process";

const root = path.resolve(import.meta.dirname, "..");
const projects = [
  "unit",
  "integration",
  "browser",
  ...(process.env["CI"] === undefined || process.env["CI"] === "" ? [] : ["walk", "crash"]),
];
const args = [
  "run",
  ...projects.flatMap((name) => ["--project", name]),
  "--reporter=default",
  "--reporter=./tools/test-reporter.ts",
  ...process.argv.slice(2),
];
const run = spawnSync(process.execPath, [path.join(root, "node_modules/vitest/vitest.mjs"), ...args], { cwd: root, stdio: "inherit" });
process.exit(run.status ?? 1);
