// Users: the password file, `users.yaml`: who may sign in by a password, and with which roles. Written by `stockroom users`, readable by people.
//
//   U1. What the file says holds at once: it is looked at with every request, and read again when it changed.
//   U2. A file with a mistake lets nobody in, and says where it is; it never counts as none.
//   U3. Names differ in more than case or form: nobody can look like another.

import { statSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { stringify } from "yaml";
import { z } from "zod";
import { parseYaml } from "../documents/index.ts";
import { codeOf, StockroomError } from "../errors.ts";
import { withFileLock, writeFileAtomically } from "../files/index.ts";
import type { Clock } from "../time.ts";
import { roles as allRoles, type Role } from "../web/roles.ts";
import { checkPassword, hashPassword, isHash } from "./passwords.ts";

export interface User {
  readonly name: string;
  readonly roles: readonly Role[];
  /** The text of an argon2id hash. */
  readonly password: string;
  readonly addedAt: string;
  /** When the password was last set: older sessions have ended. */
  readonly changedAt: string;
}

const user = z.strictObject({
  roles: z.array(z.enum(allRoles)).min(1),
  password: z.string().refine(isHash, "expected an argon2id hash as `stockroom users` writes it"),
  addedAt: z.iso.datetime(),
  changedAt: z.iso.datetime(),
});
const shape = z.record(z.string(), user);

/** By what names are compared. */
export const nameKey = (name: string): string => name.normalize("NFKC").trim().toLowerCase();

/** Throws `input` `USER_NAME` for what is no name. */
export function parseName(text: string): string {
  const name = text.normalize("NFC").trim();
  if (/^[\p{L}\p{N}][\p{L}\p{M}\p{N}._@' -]{0,99}$/u.test(name) && name === name.normalize("NFKC")) return name;
  throw new StockroomError(
    "input",
    "USER_NAME",
    `Expected a name of letters, digits, dots, dashes, @ and blanks, at most 100 of them, but received "${name.slice(0, 120)}". Choose another.`,
  );
}

/** Roles as people type them: `planner` or `planner,reviewer`. Throws `input` `USER_ROLE`. */
export function parseRoles(text: string): readonly Role[] {
  const words = text.split(",").map((word) => word.trim());
  const found = words.map((word) => allRoles.find((role) => role === word));
  if (found.every((role) => role !== undefined)) return [...new Set(found)];
  throw new StockroomError("input", "USER_ROLE", `Expected roles of ${allRoles.join(", ")} but received "${text}". Correct it.`);
}

/**
 * The password file. Safe for several processes: changes are made under a lock and appear whole.
 *
 * A change throws `conflict` `USERS_FILE_NONE` where no file is meant to be, `busy` `USERS_FILE_UNWRITABLE`, `USERS_FILE_LOCKED`.
 */
export interface Users {
  /** Undefined: nobody signs in by a password here. */
  readonly file: string | undefined;
  /** Those there are now, by name. Throws `busy` `USERS_FILE_BAD`, `USERS_FILE_EXPOSED`, `USERS_FILE_UNREADABLE`. */
  list(): readonly User[];
  find(name: string): User | undefined;
  /** Throws `USER_NAME`, `PASSWORD_WEAK` (input), `USER_THERE` (conflict). */
  add(name: string, roles: readonly Role[], password: string): Promise<User>;
  /** Throws `USER_MISSING` (missing) and, of the password, `PASSWORD_WEAK`. */
  change(name: string, to: { readonly password?: string | undefined; readonly roles?: readonly Role[] | undefined }): Promise<User>;
  remove(name: string): Promise<User>;
}

interface Read {
  readonly stamp: string;
  readonly users: ReadonlyMap<string, User>;
}

export function makeUsers(file: string | undefined, clock: Clock): Users {
  let last: Read = { stamp: "", users: new Map() };
  const read = (): ReadonlyMap<string, User> => {
    if (file === undefined) return last.users;
    const stamp = stampOf(file);
    if (stamp !== last.stamp) last = { stamp, users: stamp === "" ? new Map() : readUsers(file) };
    return last.users;
  };
  const write = async (change: (users: Map<string, User>, file: string) => User): Promise<User> => {
    if (file === undefined) throw noFile();
    try {
      return await writeUsers(file, change);
    } catch (cause) {
      throw cause instanceof StockroomError ? cause : unwritable(file, cause);
    }
  };
  const now = (): string => new Date(clock.now()).toISOString();
  return {
    file,
    list: () => [...read().values()],
    find: (name) => read().get(nameKey(name)),
    add: async (text, roles, password) => {
      const name = parseName(text);
      checkPassword(password, name);
      const hash = await hashPassword(password);
      return await write((users) => {
        const other = users.get(nameKey(name));
        if (other !== undefined) {
          throw new StockroomError(
            "conflict",
            "USER_THERE",
            `Expected a new name but ${other.name} is there already. Choose another, or change that one: stockroom users passwd|role.`,
          );
        }
        const added = { name, roles, password: hash, addedAt: now(), changedAt: now() };
        users.set(nameKey(name), added);
        return added;
      });
    },
    change: async (name, { password, roles }) => {
      if (password !== undefined) checkPassword(password, name);
      const hash = password === undefined ? undefined : await hashPassword(password);
      return await write((users, from) => {
        const known = getUser(users, name, from);
        const changed = {
          ...known,
          ...(roles === undefined ? {} : { roles }),
          ...(hash === undefined ? {} : { password: hash, changedAt: now() }),
        };
        users.set(nameKey(name), changed);
        return changed;
      });
    },
    remove: async (name) =>
      await write((users, from) => {
        const known = getUser(users, name, from);
        users.delete(nameKey(name));
        return known;
      }),
  };
}

/** Changes the file under its lock. Throws what `change` throws, and what the file system says. */
async function writeUsers(file: string, change: (users: Map<string, User>, file: string) => User): Promise<User> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const onTimeout = (): Error =>
    new StockroomError("busy", "USERS_FILE_LOCKED", `Expected to change ${file} but another process is doing so. Try again.`);
  return await withFileLock(
    `${file}.lock`,
    async () => {
      const users = new Map(stampOf(file) === "" ? [] : readUsers(file));
      const changed = change(users, file);
      const rows = [...users.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const text = stringify(Object.fromEntries(rows.map(({ name, ...row }) => [name, { ...row, roles: [...row.roles] }])), {
        lineWidth: 0,
      });
      await writeFileAtomically(file, `# Who may sign in by a password. Written by: stockroom users\n${text}`, { mode: 0o600 });
      return changed;
    },
    { patienceMs: 5_000, onTimeout },
  );
}

function getUser(users: ReadonlyMap<string, User>, name: string, file: string): User {
  const known = users.get(nameKey(name));
  if (known !== undefined) return known;
  throw new StockroomError(
    "missing",
    "USER_MISSING",
    `Expected a user of ${file} but there is no "${name}". See who there is: stockroom users list`,
  );
}

/** Changes when the file does; "" when there is none. */
function stampOf(file: string): string {
  try {
    const { mtimeMs, size, ino, mode } = statSync(file);
    return `${mtimeMs} ${size} ${ino} ${mode}`;
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return "";
    throw unreadable(file, cause);
  }
}

const noFile = (): StockroomError =>
  new StockroomError(
    "conflict",
    "USERS_FILE_NONE",
    "Expected a password file to write users to but this server was opened without one. Open it by `stockroom up`, or add users by `stockroom users add`.",
  );

const unwritable = (file: string, cause: unknown): StockroomError =>
  new StockroomError(
    "busy",
    "USERS_FILE_UNWRITABLE",
    `Expected to write the password file ${file} but the system refused: ${codeOf(cause) ?? "no reason given"}. Give its folder to the user that runs Stockroom, make sure that its disk has room and may be written to, and try again.`,
    { facts: { file }, cause },
  );

const unreadable = (file: string, cause: unknown): StockroomError =>
  new StockroomError(
    "busy",
    "USERS_FILE_UNREADABLE",
    `Expected to read the password file ${file} but the system refused. Give it to the user that runs Stockroom.`,
    { facts: { file }, cause },
  );

function readUsers(file: string): ReadonlyMap<string, User> {
  let text: string;
  try {
    const { mode } = statSync(file);
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new StockroomError(
        "busy",
        "USERS_FILE_EXPOSED",
        `Expected the password file ${file} to be its owner's alone but its mode is ${(mode & 0o777).toString(8)}. See who could change it, then run chmod 600 on it.`,
        { facts: { file } },
      );
    }
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw cause instanceof StockroomError ? cause : unreadable(file, cause);
  }
  const document = parseYaml(text);
  const bad = (what: string, place?: { readonly line: number; readonly column: number }): StockroomError =>
    new StockroomError(
      "busy",
      "USERS_FILE_BAD",
      `Expected a password file as \`stockroom users\` writes it but ${file}${place === undefined ? "" : `:${place.line}:${place.column}`} says otherwise: ${what}. Correct it; until then nobody is let in.`,
      { facts: { file, ...place } },
    );
  const [mistake] = document.mistakes;
  // The parser's words quote the file.
  if (mistake !== undefined) throw bad("it is no YAML", mistake);
  const parsed = shape.safeParse(document.value() ?? {});
  const places = document.places();
  const placeOf = (at: readonly PropertyKey[]) =>
    [...places].filter(({ path: other }) => other.every((key, index) => String(key) === String(at[index]))).at(-1)?.value;
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw bad(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "it is not as expected"}`, placeOf(issue?.path ?? []));
  }
  const users = new Map<string, User>();
  for (const [name, row] of Object.entries(parsed.data)) {
    if (users.has(nameKey(name))) throw bad(`${name} looks like another name`, placeOf([name]));
    users.set(nameKey(name), { name, ...row });
  }
  return users;
}
