// Secrets: random texts that open something, and the digests by which they are found again.

import { createHash, randomBytes } from "node:crypto";

/** 256 bits of chance as text. */
export const makeSecret = (): string => randomBytes(32).toString("base64url");

/** What is kept of a secret. Without a salt, because a secret of 256 bits is in no list; finding it by the digest takes no time that tells of it. */
export const digestOf = (secret: string): Buffer => createHash("sha256").update(secret).digest();

/** A short random name of a row. */
export const makeId = (): string => randomBytes(9).toString("base64url").replaceAll(/[-_]/g, "x");
