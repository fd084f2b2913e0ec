// Folder: originals from a local folder, and nothing beside it.
//
//   D1. A key is a plain path of names: no `..`, `.`, empty or hidden name, no backslash, no NUL. Anything else is not there.
//   D2. What a link leads to counts: a file outside the root, after all links, is not there.
//   D3. Only regular files are opened; opening never waits (a named pipe would).

import { constants } from "node:fs";
import { open, readdir, realpath } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import { StockroomError } from "../../../platform/errors.ts";
import { contentTypeOf } from "../../../platform/objects/types.ts";
import { fileStateOf } from "../../../platform/files/index.ts";
import { refuseLarge } from "./limits.ts";
import type { SourceLimits } from "./limits.ts";
import type { Source, SourceObject } from "./contract.ts";

/** The type of a picture by the ending of its key; undefined for all else, whose first bytes will tell. */
function typeOfKey(key: string): string | undefined {
  const type = contentTypeOf(key, undefined);
  return type.startsWith("image/") ? type : undefined;
}

/** Why a key could never name a file of the folder (D1). */
function isPlain(key: string): boolean {
  if (key === "" || key.length > 1024 || /[\0\\]/.test(key)) return false;
  return key.split("/").every((name) => name !== "" && !name.startsWith("."));
}

/** Absent, not a directory on the way, a name too long for the disk, a loop of links: all of them are "not there". */
const absent = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP", "EISDIR", "ENXIO"]);
const isAbsent = (error: unknown): boolean => error instanceof Error && "code" in error && absent.has(String(error.code));

/** Serves the files below `root`. Throws `input` `IMAGE_SOURCE_FOLDER` when there is no such folder. */
export async function openFolder(root: string, limits: SourceLimits): Promise<Source> {
  let top: string;
  try {
    top = await realpath(root);
    await readdir(top);
  } catch (cause) {
    throw new StockroomError(
      "input",
      "IMAGE_SOURCE_FOLDER",
      `Expected a readable folder of pictures but ${root} is none. Correct --source or images.sources.`,
      {
        cause,
      },
    );
  }
  const inside = top.endsWith(path.sep) ? top : `${top}${path.sep}`;

  const openInside = async (key: string): Promise<FileHandle | undefined> => {
    if (!isPlain(key)) return undefined;
    try {
      const real = await realpath(path.join(top, key));
      if (!real.startsWith(inside)) return undefined;
      // Whoever swaps the file for a link now loses: the resolved name itself may not be one.
      return await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  };

  const readUnless = async (key: string, known: string | undefined): Promise<SourceObject | "unchanged" | undefined> => {
    const file = await openInside(key);
    if (file === undefined) return undefined;
    try {
      const stat = await file.stat({ bigint: true });
      if (!stat.isFile()) return undefined;
      const version = fileStateOf(stat);
      if (version === known) return "unchanged";
      refuseLarge(Number(stat.size), limits);
      return {
        body: await file.readFile(),
        contentType: typeOfKey(key),
        lastModified: stat.mtime,
        version,
      };
    } finally {
      await file.close();
    }
  };

  return {
    read: async (key) => (await readUnless(key, undefined)) as SourceObject | undefined,
    readIfChanged: async (key, version) => await readUnless(key, version),
    list: async (most) => await listPictures(top, most),
  };
}

async function listPictures(top: string, most: number): Promise<readonly string[]> {
  const found: string[] = [];
  const folders = [""];
  // Breadth first and bounded: the folder may hold millions.
  for (let at = 0; at < folders.length && at < 200 && found.length < most; at++) {
    const folder = folders[at] ?? "";
    const entries = await readdir(path.join(top, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith(".")) continue;
      const key = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) folders.push(key);
      else if (entry.isFile() && typeOfKey(key) !== undefined && found.length < most) found.push(key);
    }
  }
  return found;
}
