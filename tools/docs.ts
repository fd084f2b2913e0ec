// Makes the site of the documents in site/dist: `npm run docs`. Nothing is asked of a network but, the first time, the packages of site's lock file.
//
// Pages are laid out in site/.pages as the site has them, their links with them: docs/ at the root, the pages beside it below project/, decisions/ and
// measured/. A link to another file of the repository leads to a copy of it.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { pagesOf, type SitePage } from "./site-pages.ts";

const root = path.resolve(import.meta.dirname, "..");
const site = path.join(root, "site");

async function layOut({ pages, files }: { readonly pages: readonly SitePage[]; readonly files: readonly string[] }): Promise<void> {
  const staged = path.join(site, ".pages");
  await rm(staged, { recursive: true, force: true });
  for (const { to, text } of pages) {
    await mkdir(path.dirname(path.join(staged, to)), { recursive: true });
    await writeFile(path.join(staged, to), text);
  }
  for (const file of files) await cp(path.join(root, file), path.join(staged, "public", file), { recursive: true });
}

function must(command: string, args: readonly string[], cwd: string): void {
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

const vitepress = path.join(site, "node_modules/vitepress/bin/vitepress.js");
if (!existsSync(vitepress)) must("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], site);
await layOut(await pagesOf(root, async (file) => await readFile(path.join(root, file), "utf8")));
must(process.execPath, [vitepress, process.argv.includes("--serve") ? "dev" : "build", site], root);
