// The reference: the pages that are made from the code. `npm run reference` writes them; the check tells which are out of date, and what of the code
// says nothing of itself.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Source } from "./codes.ts";
import { commandsPage } from "./commands.ts";
import { errorsPage } from "./errors.ts";
import { metricsPage } from "./metrics.ts";
import type { Page } from "./page.ts";
import { routesPage } from "./routes.ts";
import { settingsPage } from "./settings.ts";

const root = path.resolve(import.meta.dirname, "../..");
export const folder = path.join(root, "docs/reference");

/** What is run; not tests, nor what is compiled for them. */
const isRun = (name: string): boolean =>
  name.endsWith(".ts") && !/\.test\.ts$|\.as\.ts$|\.d\.ts$|-laws\.ts$|(?:^|\/)laws\.ts$|\/fixtures\//.test(name);

function sources(): readonly Source[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "src"], {
    cwd: root,
    encoding: "utf8",
  });
  return listed
    .trim()
    .split("\n")
    .filter(isRun)
    .toSorted()
    .map((name) => ({ name, text: readFileSync(path.join(root, name), "utf8") }));
}

/** All pages, and what keeps them from being whole. */
export async function makeReference(): Promise<{ readonly pages: readonly Page[]; readonly problems: readonly string[] }> {
  const made = [settingsPage(), errorsPage(sources()), ...(await Promise.all([commandsPage(), routesPage(), metricsPage()]))];
  return { pages: made.map(({ page }) => page), problems: made.flatMap(({ problems }) => problems) };
}

/** The pages that are not as the code has them. */
export async function stalePages(pages: readonly Page[]): Promise<readonly string[]> {
  const stale = await Promise.all(
    pages.map(async ({ name, text }) =>
      (await readFile(path.join(folder, name), "utf8").catch(() => "")) === text ? [] : [`docs/reference/${name}`],
    ),
  );
  return stale.flat();
}
