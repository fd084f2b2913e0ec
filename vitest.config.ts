import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: ["test/kit/database.ts"],
    projects: [
      { extends: true, test: { name: "unit", include: ["src/**/*.test.ts", "tools/**/*.test.ts", "bench/**/*.test.ts"] } },
      { extends: true, test: { name: "integration", include: ["test/integration/**/*.test.ts", "test/golden/**/*.test.ts"] } },
      // The longer walks: `npm run test:crash`; not part of `npm test`.
      { extends: true, test: { name: "crash", include: ["test/crash/**/*.test.ts"], testTimeout: 300_000, hookTimeout: 300_000 } },
    ],
  },
});
