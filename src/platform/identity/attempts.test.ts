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

it("lets a name in where it signed in before, whatever strangers try under it or from the same address", () => {
  const { clock, attempts, fails } = setUp();
  attempts.begin("192.0.2.1", "anna").succeeded();
  for (let i = 0; i < 300; i++) fails(`198.51.100.${i}`, "anna", 1);
  for (let i = 0; i < 100; i++) fails("192.0.2.1", `name-${i}`, 1);
  expect(fails("203.0.113.9", "anna", 1)).toBe(0);
  attempts.begin("192.0.2.1", "anna").succeeded();
  // There, too, only so much is guessed.
  expect(fails("192.0.2.1", "anna", 20)).toBe(10);
  clock.advance(31 * 24 * 60 * 60_000);
  for (let i = 0; i < 300; i++) fails(`198.51.100.${i}`, "anna", 1);
  expect(fails("192.0.2.1", "anna", 1)).toBe(0);
});

it("takes a network of IPv6 for one address, however it is written, and an IPv4 one within it for itself", () => {
  const { fails } = setUp();
  let passed = 0;
  for (let i = 0; i < 100; i++) passed += fails(`2001:db8:0:7:${i.toString(16)}::1`, "anna", 1);
  expect(passed).toBe(10);
  for (const same of ["2001:db8:0:7::", "2001:0DB8:0000:0007:ffff:ffff:ffff:ffff", "2001:db8::7:0:0:0:9"])
    expect(fails(same, "anna", 1)).toBe(0);
  expect(fails("2001:db8:0:8::1", "anna", 1)).toBe(1);
  expect(fails("::ffff:192.0.2.1", "ben", 20)).toBe(10);
  expect(fails("192.0.2.1", "ben", 1)).toBe(0);
  expect(fails("::ffff:192.0.2.2", "ben", 1)).toBe(1);
});
