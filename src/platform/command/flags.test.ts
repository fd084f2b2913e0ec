import { describe, expect, it } from "vitest";
import { readChoice, readInstant, readNames, readNumber, readPairs, readShare, readWhole, repeated } from "./flags.ts";

describe("a flag's text is an exact value or an error in one idiom", () => {
  it.each([
    [() => readWhole("--limit", "12", 1, 20), 12],
    [() => readNumber("--add", "-5.5"), -5.5],
    [() => readNumber("--floor", "0", { least: 0, below: 1 }), 0],
    [() => readShare("--max-bad", "0.5"), 0.5],
    [() => readInstant("--since", "2026-03-01"), "2026-03-01"],
    [() => readInstant("--since", "2026-03-01T08:00:00+02:00"), "2026-03-01T08:00:00+02:00"],
    [() => readChoice("STATE", "on", ["on", "off"]), "on"],
    [() => readNames(" a, b,,c "), ["a", "b", "c"]],
    [() => readNames("a>b", ">"), ["a", "b"]],
    [() => readNames(undefined), []],
    [() => readPairs("--env", ["A=1", "B=x=y"]), { A: "1", B: "x=y" }],
    [() => repeated(["--where", "a=1", "x", "--where=b=2", "--other", "--where"], "where"), ["a=1", "b=2"]],
  ])("%#", (read, value) => {
    expect(read()).toEqual(value);
  });

  it.each([
    [() => readWhole("--limit", "-3", 1, 20), '--limit to be a whole number from 1 to 20 but received "-3". Correct it.'],
    [() => readWhole("--limit", "1e1", 1, 20), 'received "1e1"'],
    [() => readWhole("--limit", "", 0, 20), 'received ""'],
    [() => readNumber("--add", "five"), '--add to be a number but received "five"'],
    [() => readNumber("--add", "Infinity"), 'received "Infinity"'],
    [() => readNumber("--floor", "1", { least: 0, below: 1 }), "a number of at least 0 and below 1"],
    [() => readNumber("--precision", "0.5", { above: 0.5, below: 1 }), "a number above 0.5 and below 1"],
    [() => readInstant("--since", "2026-02-30"), 'received "2026-02-30"'],
    [() => readInstant("--until", "yesterday"), "--until to be a day or an instant, as 2026-03-01"],
    [() => readShare("--max-bad", " "), "--max-bad to be a share from 0 to 1"],
    [() => readChoice("STATE", "of", ["on", "off"]), 'STATE to be on or off but received "of"'],
    [() => readPairs("--env", ["=1"]), '--env to be NAME=VALUE but received "=1"'],
  ])("%#", (read, words) => {
    expect(read).toThrow(words);
  });
});
