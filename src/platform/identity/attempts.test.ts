import { expect, it } from "vitest";
import { makeManualClock } from "../time.ts";
import { makeAttempts } from "./attempts.ts";

const setUp = () => {
  const clock = makeManualClock(1_000_000);
  const attempts = makeAttempts(clock);
  const fails = (address: string, name: string, times: number): number => {
    for (let i = 0; i < times; i++) {
      try {
        attempts.begin(address, name);
      } catch (error) {
        expect(error).toMatchObject({ kind: "denied", code: "SIGN_IN_TOO_MANY" });
        return i;
      }
    }
    return times;
  };
  return { clock, attempts, fails };
};

it("refuses a name from one address after ten failures, for a quarter of an hour", () => {
  const { clock, attempts, fails } = setUp();
  expect(fails("192.0.2.1", "anna", 20)).toBe(10);
  expect(fails("192.0.2.1", "ben", 1)).toBe(1);
  expect(fails("192.0.2.2", "anna", 1)).toBe(1);
  expect(() => attempts.begin("192.0.2.1", "anna")).toThrow(/in 15 minutes/);
  clock.advance(14 * 60_000);
  expect(() => attempts.begin("192.0.2.1", "anna")).toThrow(/in 1 minute\./);
  clock.advance(60_000);
  expect(fails("192.0.2.1", "anna", 20)).toBe(10);
});

it("counts what succeeds as nothing", () => {
  const { attempts, fails } = setUp();
  for (let i = 0; i < 500; i++) attempts.begin("192.0.2.1", "anna").succeeded();
  expect(fails("192.0.2.1", "anna", 20)).toBe(10);
});

it("refuses an address that tries many names, and a name that is tried from many addresses", () => {
  const { fails } = setUp();
  let passed = 0;
  for (let i = 0; i < 100; i++) passed += fails("192.0.2.1", `name-${i}`, 1);
  expect(passed).toBe(50);
  passed = 0;
  for (let i = 0; i < 300; i++) passed += fails(`198.51.100.${i}`, "anna", 1);
  expect(passed).toBe(200);
});
