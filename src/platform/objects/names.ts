// Names: which keys are allowed, and where the bytes of a key lie.
//
//   N1. A path is made of lower-case hex and fixed words alone, so no key can leave the folder, clash on a disk that ignores case or
//       normalises Unicode, hit a reserved name, or be too long. Keys themselves are compared byte by byte.
//       It is made of a keyed digest: without the vault's key nobody can tell, or try out, which key a file belongs to.
//   N2. A path holds a random id and is used once; two writers of one key never meet in a file.

import { createHash, randomBytes } from "node:crypto";
import { StockroomError } from "../errors.ts";

const maxKeyBytes = 1024;

/** Throws `input` `OBJECT_BAD_KEY` unless `key` is a relative path of 1 to 1,024 bytes without `.`, `..`, empty parts and control characters. */
export function checkKey(key: string): void {
  const problem = findProblem(key);
  if (problem === undefined) return;
  const shown = key.length > 80 ? `${key.slice(0, 80)}...` : key;
  throw new StockroomError(
    "input",
    "OBJECT_BAD_KEY",
    `Expected a key such as sales/DE/2026-10.csv but ${JSON.stringify(shown)} ${problem}. Choose another key.`,
    { facts: { key: shown } },
  );
}

function findProblem(key: string): string | undefined {
  if (key === "") return "is empty";
  if (!key.isWellFormed()) return "is not valid Unicode";
  if (Buffer.byteLength(key) > maxKeyBytes) return `has ${Buffer.byteLength(key)} bytes, more than ${maxKeyBytes}`;
  if (/\p{Cc}/u.test(key)) return "holds a control character";
  if (key.startsWith("/")) return "begins with a slash";
  if (key.endsWith("/")) return "ends with a slash";
  const parts = key.split("/");
  if (parts.includes("")) return "holds two slashes in a row";
  if (parts.includes(".") || parts.includes("..")) return 'holds a "." or ".." part';
  return undefined;
}

const stagingFolder = "staging";
export const objectsFolder = "objects";
const stagingForm = /^staging\/([0-9a-f]{32})$/;
const objectForm = /^objects\/[0-9a-f]{2}\/[0-9a-f]{64}-([0-9a-f]{32})$/;

/** Makes a staging path nobody has. */
export function makeStagingPath(): string {
  return `${stagingFolder}/${randomBytes(16).toString("hex")}`;
}

/** The id that a staged file and the object made of it share; `undefined` for a path the store did not make. */
export function findId(path: string): string | undefined {
  return (stagingForm.exec(path) ?? objectForm.exec(path))?.[1];
}

/** The id of a path that the store made itself. */
export function idOf(path: string): string {
  const id = findId(path);
  if (id === undefined)
    throw new StockroomError(
      "input",
      "OBJECT_BAD_TICKET",
      "Expected a handle of this store but its path is not one of ours. Ask for a new one.",
    );
  return id;
}

/** Where an object lies once promoted from `stagingPath`. `nameDigest`: the vault's keyed digest of its key, 64 hex digits. */
export function objectPath(nameDigest: string, stagingPath: string): string {
  return `${objectsFolder}/${nameDigest.slice(0, 2)}/${nameDigest}-${idOf(stagingPath)}`;
}

/** Whether a path was made by an earlier release, of the plain digest of the key: whoever guesses a key finds its file there. */
export function isPlainPath(key: string, path: string): boolean {
  return path.includes(`/${createHash("sha256").update(key).digest("hex")}-`);
}
