// Passwords: hashed by argon2id (RFC 9106) and kept as the usual text, `$argon2id$v=19$m=...`.
//
//   P1. Comparing takes the same work whether there is such a user or not, and the same time whatever the password.
//   P2. Few at once: each takes 46 MiB, and a flood of attempts must not take the server's memory.

import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { makeSemaphore, type Semaphore } from "../concurrency/semaphore.ts";
import { StockroomError } from "../errors.ts";

/** The first choice of OWASP's password storage cheat sheet: of its equally strong ones that which takes most memory and least time. */
const usual = { memory: 46 * 1024, passes: 1, parallelism: 1 } as const;
const tagBytes = 32;
const saltBytes = 16;
/** Bounds of what a file may ask for: a hash that somebody wrote must not stop the server. */
const most = { memory: 1 << 20, passes: 20, parallelism: 16 } as const;

const [leastChars, mostChars] = [12, 512];

interface Hash {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Buffer;
  readonly tag: Buffer;
}

/** Refuses a password that is short, endless or the user's own name: `input` `PASSWORD_WEAK`. */
export function checkPassword(password: string, name: string): void {
  const length = Array.from(password).length;
  const problem =
    length < leastChars
      ? `it has ${length}`
      : length > mostChars
        ? `it has ${length}, more than ${mostChars}`
        : password.toLowerCase().includes(name.toLowerCase()) && length - Array.from(name).length < leastChars / 2
          ? "it is little more than the user's name"
          : new Set(password).size < 5
            ? "it has few different ones"
            : undefined;
  if (problem === undefined) return;
  throw new StockroomError(
    "input",
    "PASSWORD_WEAK",
    `Expected a password of at least ${leastChars} characters but ${problem}. Take several words, or let a password manager make one.`,
  );
}

/** Hashes a password for keeping. Cost: about 0.07 s of CPU and 46 MiB. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const tag = await derive(password, { ...usual, salt, tag: Buffer.alloc(tagBytes) });
  return `$argon2id$v=19$m=${usual.memory},t=${usual.passes},p=${usual.parallelism}$${plain(salt)}$${plain(tag)}`;
}

const plain = (bytes: Buffer): string => bytes.toString("base64").replace(/=+$/, "");

/** The text of a hash, taken apart; undefined for any other text. */
function parseHash(text: string): Hash | undefined {
  const parts = /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,128})$/.exec(text);
  if (parts === null) return undefined;
  const [, memory, passes, parallelism, salt = "", tag = ""] = parts;
  const hash = {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, "base64"),
    tag: Buffer.from(tag, "base64"),
  };
  const fits =
    hash.passes >= 1 &&
    hash.passes <= most.passes &&
    hash.parallelism >= 1 &&
    hash.parallelism <= most.parallelism &&
    hash.memory >= 8 * hash.parallelism &&
    hash.memory <= most.memory;
  return fits ? hash : undefined;
}

/** Whether a text is a hash that can be compared with. */
export const isHash = (text: string): boolean => parseHash(text) !== undefined;

function derive(password: string, { memory, passes, parallelism, salt, tag }: Hash): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parameters = { message: password.normalize("NFC"), nonce: salt, memory, passes, parallelism, tagLength: tag.byteLength };
    argon2("argon2id", parameters, (error, derived) => {
      if (error === null) resolve(derived);
      else reject(error);
    });
  });
}

/** Compares passwords with what is kept. */
export interface Passwords {
  /** `hash` undefined: there is no such user; the work is the same and the answer is no. Throws `busy` `SIGN_IN_BUSY`. */
  fits(password: string, hash: string | undefined): Promise<boolean>;
}

export function makePasswords(): Passwords {
  const places: Semaphore = makeSemaphore({
    most: 2,
    mostWaiting: 32,
    refusal: () =>
      new StockroomError("busy", "SIGN_IN_BUSY", "Expected few sign-ins at once but many wait already. Try again in a few seconds."),
  });
  // No password has this hash.
  const nobody: Hash = { ...usual, salt: randomBytes(saltBytes), tag: randomBytes(tagBytes) };
  return {
    fits: async (password, hash) => {
      const known = hash === undefined ? undefined : parseHash(hash);
      const leave = await places.enter(1, new AbortController().signal);
      try {
        const against = known ?? nobody;
        const derived = await derive(password.slice(0, mostChars * 4), against);
        return timingSafeEqual(derived, against.tag) && known !== undefined;
      } finally {
        leave();
      }
    },
  };
}
