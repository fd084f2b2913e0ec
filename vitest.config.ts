import { availableParallelism } from "node:os";
import path from "node:path";
import process from "node:process";
import { defineConfig } from "vitest/config";

// As the launcher does: the tests start some thousand processes and threads, each of which would compile the sources anew.
process.env["NODE_COMPILE_CACHE"] ??= path.resolve(import.meta.dirname, "node_modules/.cache/stockroom");

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Vitest leaves a core free, which is half of a small machine; most of a test is waiting for a database, a process or a browser.
    maxWorkers: Math.max(2, availableParallelism()),
    globalSetup: ["test/kit/database.ts"],
    projects: [
      {
        extends: true,
        test: { name: "unit", include: ["src/**/*.test.ts", "console/src/**/*.test.ts", "tools/**/*.test.ts", "bench/**/*.test.ts"] },
      },
      { extends: true, test: { name: "integration", include: ["test/integration/**/*.test.ts", "test/golden/**/*.test.ts"] } },
      // A real Chromium on a real app; where there is none each test says that it is skipped.
      { extends: true, test: { name: "browser", include: ["test/browser/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 180_000 } },
      // The longer walks: `npm run test:crash`; not part of `npm test`.
      { extends: true, test: { name: "crash", include: ["test/crash/**/*.test.ts"], testTimeout: 300_000, hookTimeout: 300_000 } },
    ],
  },
});
