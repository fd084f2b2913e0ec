// The laws of drivers (contract.ts, D1-D5) as one suite. Every driver runs it (laws.test.ts).

import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { gather, type Body } from "../../bytes.ts";
import type { Driver } from "./contract.ts";

export interface DriverUnderTest {
  readonly driver: Driver;
  /** Another one on the same place, as another process has it. */
  reopen(): Driver;
  /** Puts a file there behind the driver's back. */
  plant(path: string, bytes: Uint8Array): Promise<void>;
  clean(): Promise<void>;
}

const id = (): string => randomBytes(16).toString("hex");
const bytesOf = (size: number, fill = 7): Uint8Array => Buffer.alloc(size, fill);
async function* chunks(...given: readonly Uint8Array[]): Body {
  yield* given;
}
async function* breaking(): Body {
  yield bytesOf(100_000);
  throw new RangeError("the source broke");
}
async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "none",
    (thrown: unknown) => (thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown)),
  );
}

/** Declares the suite for one driver. `open` gives an empty place each time. */
// oxlint-disable-next-line eslint/max-lines-per-function -- a list: one `test` a law
export function driverLaws(name: string, open: () => Promise<DriverUnderTest>): void {
  // oxlint-disable-next-line eslint/max-lines-per-function -- the same list
  describe(`${name} driver`, () => {
    let under: DriverUnderTest;
    let driver: Driver;
    beforeEach(async () => {
      under = await open();
      driver = under.driver;
    });
    afterEach(() => under.clean());
    const listed = async (folder: string): Promise<readonly string[]> => {
      const names: string[] = [];
      for await (const file of driver.list(folder)) names.push(file.path);
      return names.toSorted();
    };

    test("what was written is read, sized and listed, by others too", async () => {
      for (const sizes of [[], [0], [1], [5, 0, 7], [1 << 20, 3], [70_000, 1 << 21, 1]]) {
        const path = `staging/${id()}`;
        const parts = sizes.map((size, i) => bytesOf(size, i));
        const whole = Buffer.concat(parts);
        expect(await driver.write(path, chunks(...parts))).toBe(whole.length);
        expect(Buffer.compare(await gather(under.reopen().read(path)), whole)).toBe(0);
        expect(await under.reopen().stat(path)).toMatchObject({ path, bytes: whole.length });
        expect(await listed("staging")).toContain(path);
      }
    });

    test("any range is read", async () => {
      const whole = randomBytes(3_000_001);
      await driver.write("staging/a", chunks(whole));
      for (const [start, end] of [
        [0, 1],
        [1_048_575, 1_048_577],
        [2_999_999, 3_000_001],
        [3_000_000, 9_000_000],
        [3_000_001, 3_000_002],
        [500, 500],
        [0, 3_000_001],
      ] as const) {
        expect(Buffer.compare(await gather(driver.read("staging/a", { start, end })), whole.subarray(start, end))).toBe(0);
      }
      expect(Buffer.compare(await gather(driver.read("staging/a", { start: 2_000_000 })), whole.subarray(2_000_000))).toBe(0);
    });

    test("a path is written once", async () => {
      await driver.write("staging/a", chunks(bytesOf(3, 1)));
      expect(await codeOf(under.reopen().write("staging/a", chunks(bytesOf(5, 2))))).toBe("STORE_PATH_TAKEN");
      expect([...(await gather(driver.read("staging/a")))]).toEqual([1, 1, 1]);
      const both = await Promise.all([1, 2].map((fill) => codeOf(under.reopen().write("staging/b", chunks(bytesOf(9, fill))))));
      expect(both.toSorted()).toEqual(["STORE_PATH_TAKEN", "none"]);
    });

    test("a body that breaks and an abort leave nothing and come out as they are", async () => {
      await expect(driver.write("staging/a", breaking())).rejects.toThrow("the source broke");
      const abort = new AbortController();
      const aborting = async function* (): Body {
        yield bytesOf(10);
        abort.abort(new RangeError("enough"));
        yield bytesOf(10);
      };
      await expect(driver.write("staging/b", aborting(), abort.signal)).rejects.toThrow("enough");
      expect(await listed("")).toEqual([]);
    });

    test("promoting moves whole, twice is once, and what is nowhere is missing", async () => {
      await driver.write("staging/a", chunks(bytesOf(2_000_000, 5)));
      await driver.promote("staging/a", "objects/ab/c");
      await under.reopen().promote("staging/a", "objects/ab/c");
      expect(await listed("")).toEqual(["objects/ab/c"]);
      expect(Buffer.compare(await gather(driver.read("objects/ab/c")), bytesOf(2_000_000, 5))).toBe(0);
      expect(await codeOf(driver.promote("staging/none", "objects/ab/none"))).toBe("STORE_NO_FILE");
    });

    test("two that promote one file at once both succeed", async () => {
      for (let i = 0; i < 10; i++) {
        await driver.write(`staging/${i}`, chunks(bytesOf(10)));
        await Promise.all([driver.promote(`staging/${i}`, `objects/${i}/x`), under.reopen().promote(`staging/${i}`, `objects/${i}/x`)]);
      }
      expect(await listed("staging")).toEqual([]);
      expect(await listed("objects")).toHaveLength(10);
    });

    test("removing takes away, and twice is once", async () => {
      await driver.write("staging/a", chunks(bytesOf(1)));
      await driver.remove("staging/a");
      await driver.remove("staging/a");
      await driver.remove("never/there");
      expect(await driver.stat("staging/a")).toBeUndefined();
      expect(await codeOf(gather(driver.read("staging/a")))).toBe("STORE_NO_FILE");
      expect(await listed("")).toEqual([]);
    });

    test("listing goes below the folder asked for and shows what others put there", async () => {
      await driver.write("staging/a", chunks(bytesOf(1)));
      await driver.write("objects/ab/c", chunks(bytesOf(2)));
      await driver.write("objects/cd/e", chunks(bytesOf(3)));
      await under.plant("objects/By Hand ä.csv", bytesOf(4));
      expect(await listed("")).toEqual(["objects/By Hand ä.csv", "objects/ab/c", "objects/cd/e", "staging/a"]);
      expect(await listed("objects/cd")).toEqual(["objects/cd/e"]);
      expect(await listed("nothing")).toEqual([]);
      for await (const file of driver.list("objects/cd")) {
        expect(file.bytes).toBe(3);
        expect(file.modifiedMs).toBeGreaterThan(0);
      }
    });

    test("an aborted reader stops, and one who leaves early holds nothing", async () => {
      await driver.write("staging/a", chunks(bytesOf(5_000_000)));
      const abort = new AbortController();
      const reading = (async () => {
        for await (const _ of driver.read("staging/a", { signal: abort.signal })) abort.abort(new RangeError("enough"));
      })();
      await expect(reading).rejects.toThrow("enough");
      for await (const _ of driver.read("staging/a")) break;
      await driver.remove("staging/a");
      expect(await driver.stat("staging/a")).toBeUndefined();
    });

    test("a written chunk is the writer's again when the write has resolved, a read one the reader's for good", async () => {
      const chunk = Buffer.from(bytesOf(10, 1));
      await driver.write("staging/a", chunks(chunk));
      chunk.fill(9);
      const first: Uint8Array[] = [];
      for await (const part of driver.read("staging/a")) first.push(part);
      await gather(driver.read("staging/a"));
      expect(Buffer.concat(first).equals(bytesOf(10, 1))).toBe(true);
    });
  });
}
