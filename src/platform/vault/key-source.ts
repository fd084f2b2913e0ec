// Key source: where wrapping keys come from. A file now; AWS KMS or HashiCorp Vault would be another maker of a `KeySource`.
//
// Owns: the form of the key file, reading it safely, replacing it whole. Does not own: who may use a key (vault.ts).
//   K1. The file is replaced whole (files.A1); a crash leaves the old one or the new one.
//   K2. What cannot be read as a whole and sound key file is an error, and is never written over.
//   K3. No content of the file, not even a piece of a broken line, reaches an error.

import { createHash, createHmac, randomBytes } from "node:crypto";
import { mkdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { z } from "zod";
import { codeOf, StockroomError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import { createFileAtomically, writeFileAtomically } from "../files/index.ts";

/** One wrapping key. `key` is 32 bytes. */
export interface WrappingKey {
  readonly zone: string;
  readonly version: number;
  readonly createdAt: string;
  readonly key: Uint8Array;
}

/** All keys of a source at one moment. */
export interface KeySet {
  readonly keys: readonly WrappingKey[];
  readonly macKey: Uint8Array;
}

/** The vault calls `create` and `add` only under its lock in the database. */
export interface KeySource {
  /** In words, for errors. */
  readonly name: string;
  /** `undefined` when there is none yet. Throws when there is one that cannot be trusted. */
  load(): Promise<KeySet | undefined>;
  /** Throws `conflict` when there is one already. */
  create(zones: readonly string[], createdAt: string): Promise<KeySet>;
  /** Adds one new version to each of the zones. */
  add(zones: readonly string[], createdAt: string): Promise<KeySet>;
}

const keyBytes = 32;
const base64Key = z.base64().refine((text) => Buffer.from(text, "base64").length === keyBytes);
const fileShape = z.strictObject({
  format: z.literal("stockroom-keys"),
  formatVersion: z.literal(1),
  macKey: base64Key,
  zones: z.record(
    z.string().min(1),
    z.array(z.strictObject({ version: z.int().positive(), createdAt: z.iso.datetime(), key: base64Key })).min(1),
  ),
  /** SHA-256 of all of the above as JSON: tells a file that was damaged from one that was not. */
  checksum: z.string().length(64),
});
type KeyFile = z.infer<typeof fileShape>;

/** Makes the source that keeps its keys in one JSON file, readable by its owner alone. */
export function makeKeyFileSource(file: string): KeySource {
  const load = async (): Promise<KeyFile | undefined> => {
    let text: string;
    try {
      const about = await stat(file);
      if (!about.isFile()) throw broken(file, "it is not a file");
      // Windows has no such bits; there the folder's access list has to do.
      if (process.platform !== "win32" && (about.mode & 0o077) !== 0) {
        throw new StockroomError(
          "busy",
          "VAULT_KEY_FILE_EXPOSED",
          `Expected the key file ${file} to be readable by its owner alone but its mode is ${(about.mode & 0o777).toString(8)}. ` +
            `Find out who could read it, then run chmod 600 on it.`,
          { facts: { file } },
        );
      }
      text = await readFile(file, "utf8");
    } catch (cause) {
      if (codeOf(cause) === "ENOENT") return undefined;
      if (codeOf(cause) === "EACCES" || codeOf(cause) === "EPERM") {
        throw new StockroomError(
          "busy",
          "VAULT_KEY_FILE_UNREADABLE",
          `Expected to read the key file ${file} but the system refused. Run as its owner, or give the file to the user that runs Stockroom.`,
          { facts: { file }, cause },
        );
      }
      throw cause;
    }
    return parseKeyFile(file, text);
  };
  const change = async (zones: readonly string[], createdAt: string, first: boolean): Promise<KeySet> => {
    const old = await load();
    if (first !== (old === undefined)) {
      throw new StockroomError(
        "conflict",
        "VAULT_KEY_FILE_MOVED",
        `Expected the key file ${file} ${first ? "not to exist yet" : "to exist"} but another process has ${first ? "made" : "removed"} it. Start again.`,
        { facts: { file } },
      );
    }
    const kept = old?.zones ?? {};
    const added = zones.map((zone): [string, KeyFile["zones"][string]] => {
      const versions = kept[zone] ?? [];
      const version = Math.max(0, ...versions.map((key) => key.version)) + 1;
      return [zone, [...versions, { version, createdAt, key: randomBytes(keyBytes).toString("base64") }]];
    });
    const content = {
      format: "stockroom-keys" as const,
      formatVersion: 1 as const,
      macKey: old?.macKey ?? randomBytes(keyBytes).toString("base64"),
      zones: { ...kept, ...Object.fromEntries(added) },
    };
    const next = { ...content, checksum: checksumOf(content) };
    await save(file, `${JSON.stringify(next, undefined, 2)}\n`, first).catch((cause: unknown) => {
      throw cause instanceof StockroomError ? cause : unwritable(file, cause);
    });
    faultPoint("vault.key-file-written");
    return keySetOf(next);
  };
  return {
    name: `the key file ${file}`,
    load: async () => {
      const content = await load();
      return content === undefined ? undefined : keySetOf(content);
    },
    create: (zones, createdAt) => change(zones, createdAt, true),
    add: (zones, createdAt) => change(zones, createdAt, false),
  };
}

/** Tells two keys apart without telling anything of either. */
export function fingerprintOf(key: Uint8Array, name: string): string {
  return createHmac("sha256", key).update(`stockroom fingerprint ${name}`).digest("hex").slice(0, 32);
}

const checksumOf = (content: Omit<KeyFile, "checksum">): string =>
  createHash("sha256")
    .update(JSON.stringify([content.format, content.formatVersion, content.macKey, content.zones]))
    .digest("hex");

function parseKeyFile(file: string, text: string): KeyFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // No cause: the parser quotes the text it could not read (K3).
    throw broken(file, text.trim() === "" ? "it is empty" : "it is not whole JSON");
  }
  const parsed = fileShape.safeParse(json);
  if (!parsed.success) throw broken(file, `"${parsed.error.issues[0]?.path.join(".") ?? ""}" is missing or not as written by Stockroom`);
  for (const [zone, versions] of Object.entries(parsed.data.zones)) {
    if (versions.some((key, i) => key.version !== i + 1)) throw broken(file, `the versions of zone "${zone}" are not 1, 2, 3, ...`);
  }
  if (parsed.data.checksum !== checksumOf(parsed.data)) throw broken(file, "its checksum does not match its content");
  return parsed.data;
}

const unwritable = (file: string, cause: unknown): StockroomError =>
  new StockroomError(
    "busy",
    "VAULT_KEY_FILE_UNWRITABLE",
    `Expected to write the key file ${file} but the system refused: ${codeOf(cause) ?? "no reason given"}. Give its folder to the user that runs Stockroom, make sure that its disk has room and may be written to, and try again.`,
    { facts: { file }, cause },
  );

const broken = (file: string, detail: string): StockroomError =>
  new StockroomError(
    "fault",
    "VAULT_KEY_FILE_BROKEN",
    `Expected a whole key file at ${file} but ${detail}. Restore it from its backup; it has been left as it is.`,
    { facts: { file } },
  );

const keySetOf = (content: KeyFile): KeySet => ({
  macKey: Buffer.from(content.macKey, "base64"),
  keys: Object.entries(content.zones).flatMap(([zone, versions]) =>
    versions.map((key) => ({ zone, version: key.version, createdAt: key.createdAt, key: Buffer.from(key.key, "base64") })),
  ),
});

async function save(file: string, text: string, first: boolean): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  // Creating refuses to replace, so that not even two databases sharing one home can lose each other's first keys.
  if (!first) await writeFileAtomically(file, text, { mode: 0o600 });
  else if (!(await createFileAtomically(file, text, { mode: 0o600 }))) {
    throw new StockroomError(
      "conflict",
      "VAULT_KEY_FILE_MOVED",
      `Expected no key file at ${file} but one has just been made. Start again.`,
    );
  }
}
