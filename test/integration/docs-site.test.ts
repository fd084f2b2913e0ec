// The site of the documents, made as `npm run docs` makes it. Its tool is installed apart (site/package-lock.json); where it is not, this is skipped.

import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const isInstalled = existsSync(path.join(root, "site/node_modules/vitepress"));

test.skipIf(!isInstalled)(
  "npm run docs makes a site without a network, in which words are found",
  () => {
    // An address that answers nobody stands for whatever would be asked.
    const env = { ...process.env, HTTP_PROXY: "http://127.0.0.1:9", HTTPS_PROXY: "http://127.0.0.1:9", npm_config_offline: "true" };
    const { status, stdout, stderr } = spawnSync(process.execPath, ["tools/docs.ts"], { cwd: root, encoding: "utf8", env });
    expect({ status, said: status === 0 ? "" : stdout + stderr }).toEqual({ status: 0, said: "" });
    const page = readFileSync(path.join(root, "site/dist/reference/errors.html"), "utf8");
    expect(page).toContain('id="run_ended"');
    const index = globSync("site/dist/assets/chunks/@localSearchIndex*.js", { cwd: root });
    expect(index.length).toBe(1);
    expect(readFileSync(path.join(root, index[0] ?? ""), "utf8")).toContain("RUN_ENDED");
    const foreign = globSync("site/dist/**/*.html", { cwd: root }).filter((file) =>
      /<(?:script|link)[^>]+(?:src|href)="https?:/.test(readFileSync(path.join(root, file), "utf8")),
    );
    expect(foreign).toEqual([]);
  },
  600_000,
);
