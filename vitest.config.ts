import { availableParallelism } from "node:os";
import path from "node:path";
import process from "node:process";
import { defineConfig } from "vitest/config";

// As the launcher does: the tests start some thousand processes and threads, each of which would compile the sources anew.
process.env["NODE_COMPILE_CACHE"] ??= path.resolve(import.meta.dirname, "node_modules/.cache/stockroom");

const tests = (...folders: readonly string[]): string[] => folders.map((folder) => `${folder}/**/*.test.ts`);
const walks = (...folders: readonly string[]): string[] => folders.map((folder) => `${folder}/**/*.walk.test.ts`);
const exclude = ["**/*.walk.test.ts", "**/node_modules/**"];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Vitest leaves a core free, which is half of a small machine; most of a test is waiting for a database, a process or a browser.
    maxWorkers: Math.max(2, availableParallelism()),
    globalSetup: ["test/kit/database.ts"],
    projects: [
      { extends: true, test: { name: "unit", include: tests("src", "console/src", "tools", "bench"), exclude } },
      { extends: true, test: { name: "integration", include: tests("test/integration", "test/golden"), exclude } },
      // A real Chromium on a real app; where there is none each test says that it is skipped.
      { extends: true, test: { name: "browser", include: tests("test/browser"), exclude, testTimeout: 120_000, hookTimeout: 180_000 } },
      // What takes half a minute and more, beside its neighbours by name: `npm run test:walk`; part of `npm test` in CI alone.
      { extends: true, test: { name: "walk", include: walks("src", "test"), testTimeout: 300_000, hookTimeout: 300_000 } },
      // Processes killed at every named point: `npm run test:crash`; part of `npm test` in CI alone.
      { extends: true, test: { name: "crash", include: tests("test/crash"), testTimeout: 300_000, hookTimeout: 300_000 } },
    ],
  },
});
