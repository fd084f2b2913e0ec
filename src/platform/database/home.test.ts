import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { testDatabase, type TestDatabase } from "../../../test/kit/database.ts";
import { makeMemoryLog } from "../log.ts";
import type { Database } from "./contract.ts";
import { adoptHome, inspectHome, markRestored, readHomeId, identifyHome } from "./home.ts";
import { openDatabase } from "./open.ts";

let postgres: TestDatabase;
let shared: Database;
/** The same database as if it were embedded: of one home alone. */
let own: Database;
let folder = "";

beforeAll(async () => {
  postgres = await testDatabase();
  shared = await openDatabase({ url: postgres.url, home: "", log: makeMemoryLog(), migrations: [] });
  own = { ...shared, about: () => ({ kind: "embedded", port: 0, pid: 1, state: "up", adopted: false, folder: "", serverLog: "", uid: 0 }) };
});

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "stockroom-homes-"));
  await mkdir(path.join(folder, "a"));
});

afterEach(async () => {
  await shared.query("delete from stockroom.home");
  await rm(folder, { recursive: true, force: true });
});

afterAll(async () => {
  await shared.close();
  await postgres.drop();
});

const at = (name: string): string => path.join(folder, name);
const copy = (from: string, to: string): Promise<void> => cp(at(from), at(to), { recursive: true });

for (const kind of ["shared", "own"] as const) {
  const database = (): Database => (kind === "shared" ? shared : own);

  test(`a home keeps its id over starts, a rename and a folder put back (${kind} database)`, async () => {
    const first = await identifyHome(database(), at("a"));
    expect(first).toMatchObject({ standing: "active", elsewhere: undefined });
    expect(await identifyHome(database(), at("a"))).toEqual(first);
    await rename(at("a"), at("b"));
    expect(await identifyHome(database(), at("b"))).toEqual(first);
    // From a backup of files to the same path: another inode, nobody else can be there.
    await copy("b", "c");
    await rm(at("b"), { recursive: true });
    await rename(at("c"), at("b"));
    expect(await identifyHome(database(), at("b"))).toEqual(first);
  });

  test(`a copy is noticed whoever comes first, and looking changes nothing (${kind} database)`, async () => {
    const first = await identifyHome(database(), at("a"));
    await copy("a", "b");
    expect(await inspectHome(database(), at("b"), kind === "own")).toMatchObject({ standing: "copied" });
    expect(await identifyHome(database(), at("b"))).toMatchObject({ standing: "copied", elsewhere: expect.stringContaining(at("a")) });
    expect(await identifyHome(database(), at("a"))).toEqual(first);
    await adoptHome(database(), at("b"), "moved");
    expect(await identifyHome(database(), at("b"))).toEqual(first);
    expect(await identifyHome(database(), at("a"))).toMatchObject({ standing: "copied" });
  });

  test(`a home of another machine with the same path is another home (${kind} database)`, async () => {
    await identifyHome(database(), at("a"));
    await shared.query("update stockroom.home set host = 'elsewhere', inode = '1'");
    expect(await identifyHome(database(), at("a"))).toMatchObject({ standing: "copied" });
  });

  test(`a container's new name and a device's new number are no copy (${kind} database)`, async () => {
    const first = await identifyHome(database(), at("a"));
    await shared.query("update stockroom.home set host = 'container-1', device = '77'");
    expect(await identifyHome(database(), at("a"))).toEqual(first);
  });

  test(`an id that cannot be read is said, and a lost one is found again by its place (${kind} database)`, async () => {
    await identifyHome(database(), at("a"));
    await writeFile(path.join(at("a"), "home-id"), "{");
    await expect(identifyHome(database(), at("a"))).rejects.toMatchObject({ code: "HOME_ID_BROKEN" });
    await rm(path.join(at("a"), "home-id"));
    expect(await identifyHome(database(), at("a"))).toMatchObject({ standing: "active" });
  });
}

test("further homes on a common database are homes of their own; one that was copied for that says so", async () => {
  const first = await identifyHome(shared, at("a"));
  await mkdir(at("fresh"));
  expect((await identifyHome(shared, at("fresh"))).standing).toBe("active");
  await copy("a", "b");
  await expect(adoptHome(shared, at("b"), "copy")).rejects.toMatchObject({ code: "HOME_ADOPTION" });
  const second = await adoptHome(shared, at("b"), "beside");
  expect(second.id).not.toBe(first.id);
  expect(await identifyHome(shared, at("b"))).toEqual(second);
  expect(await identifyHome(shared, at("a"))).toEqual(first);
});

test("a copy with a database of its own can stay quiet beside the original, and a database carried alone is noticed", async () => {
  await identifyHome(own, at("a"));
  await mkdir(at("other"));
  expect((await identifyHome(own, at("other"))).standing).toBe("copied");
  await expect(adoptHome(own, at("other"), "beside")).rejects.toMatchObject({ code: "HOME_ADOPTION" });
  await adoptHome(own, at("other"), "copy");
  expect((await identifyHome(own, at("other"))).standing).toBe("quiet");
  await adoptHome(own, at("other"), "moved");
  expect((await identifyHome(own, at("other"))).standing).toBe("active");
});

test("a restored backup is quiet elsewhere and the home itself at the original's place", async () => {
  const first = await identifyHome(own, at("a"));
  await mkdir(at("restored"));
  await markRestored(at("restored"));
  const restored = await identifyHome(own, at("restored"));
  expect(restored).toMatchObject({ standing: "quiet", elsewhere: expect.stringContaining(at("a")) });
  expect(await identifyHome(own, at("restored"))).toMatchObject({ standing: "quiet" });
  await shared.query("delete from stockroom.home where id = $1", [restored.id]);
  await markRestored(at("a"));
  expect((await identifyHome(own, at("a"))).standing).toBe("active");
  expect(await readHomeId(at("a"))).not.toBe(first.id);
  expect(await readFile(path.join(at("a"), "home-id"), "utf8")).toContain(await readHomeId(at("a")));
});
