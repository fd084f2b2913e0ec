// Makes the pages of docs/reference that come from the code: `npm run reference`; `--check` writes nothing and fails when one is out of date.

import { writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { folder, makeReference, stalePages } from "./reference/reference.ts";

const { pages, problems } = await makeReference();
const stale = await stalePages(pages);
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (process.argv.includes("--check")) {
  for (const name of stale) process.stderr.write(`${name} is not as the code has it: npm run reference\n`);
  if (stale.length > 0) process.exitCode = 1;
} else {
  for (const { name, text } of pages) await writeFile(path.join(folder, name), text);
  for (const name of stale) process.stdout.write(`${name}\n`);
}
if (problems.length > 0) process.exitCode = 1;
