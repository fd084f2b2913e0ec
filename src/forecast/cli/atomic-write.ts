// A file that appears whole under its name or not at all.

import { createWriteStream } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Body } from "../../platform/bytes.ts";
import { StockroomError } from "../../platform/errors.ts";

/** Writes to a neighbour first, then renames. Throws `missing` `FOLDER_MISSING`. */
export async function writeAtomically(file: string, content: Body | string): Promise<void> {
  const draft = `${file}.part`;
  try {
    if (typeof content === "string") await writeFile(draft, content);
    else await pipeline(Readable.from(content, { objectMode: false }), createWriteStream(draft));
    await rename(draft, file);
  } catch (thrown) {
    await rm(draft, { force: true });
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") {
      throw new StockroomError(
        "missing",
        "FOLDER_MISSING",
        `Expected a folder ${path.dirname(file)} to write to but there is none. Make it.`,
        {
          facts: { file },
          cause: thrown,
        },
      );
    }
    throw thrown;
  }
}
