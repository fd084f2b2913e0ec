// The compact form of changes, for a command line:
//
//   price *= 0.9 where category = juice and timestamp >= 2024-01-01; promotion_applied = 1 where location in (store 1, "store, 2")
//
//   changes   := change (";" change)*
//   change    := name ("=" | "+=" | "-=" | "*=" | "/=") number ["%"] ["where" condition ("and" condition)*]
//   condition := name ("=" | "==" | "!=" | "<>" | "<" | ">" | "<=" | ">=") value | name ["not"] "in" "(" value ("," value)* ")"
//
// Names and values with blanks, or any of ; , ( ) in them, stand in quotes, single or double, a quote inside doubled. Blanks inside the brackets of
// `in` need none. `+= 10%` and `-= 10%` are shares of the value itself.

import type { Change, Comparison, Condition, Fault, Operation, Parsed } from "./change.ts";

/** Carries a fault out of the recursive descent; never leaves this file. */
class Stop extends Error {
  /** The first is 1. */
  readonly character: number;
  constructor(character: number, message: string) {
    super(message);
    this.character = character;
  }
}

interface Reader {
  readonly text: string;
  at: number;
}

function skipBlanks(reader: Reader): void {
  while (reader.at < reader.text.length && /\s/.test(reader.text[reader.at])) reader.at++;
}

/** What stands at the reader, for an error. */
function here(reader: Reader): string {
  if (reader.at >= reader.text.length) return "the end";
  return JSON.stringify(/^(?:\s*\S+)/.exec(reader.text.slice(reader.at))?.[0].trim() ?? "");
}

function expected(reader: Reader, what: string): Stop {
  return new Stop(reader.at + 1, `Expected ${what} but received ${here(reader)}.`);
}

function quoted(reader: Reader): string | undefined {
  const quote = reader.text[reader.at];
  if (quote !== '"' && quote !== "'") return undefined;
  const start = reader.at;
  let out = "";
  for (reader.at++; reader.at < reader.text.length; reader.at++) {
    if (reader.text[reader.at] !== quote) {
      out += reader.text[reader.at];
    } else if (reader.text[reader.at + 1] === quote) {
      out += quote;
      reader.at++;
    } else {
      reader.at++;
      return out;
    }
  }
  throw new Stop(start + 1, `Expected a closing ${quote} for the quote opened here but received the end.`);
}

function readName(reader: Reader, what: string): string {
  skipBlanks(reader);
  const name = quoted(reader);
  if (name !== undefined) return name;
  const found = /^[\p{L}_][\p{L}\p{N}_.]*/u.exec(reader.text.slice(reader.at));
  if (found === null) throw expected(reader, what);
  reader.at += found[0].length;
  return found[0];
}

function readSymbol<T extends string>(reader: Reader, symbols: readonly T[], what: string): T {
  skipBlanks(reader);
  const symbol = symbols.find((each) => reader.text.startsWith(each, reader.at));
  if (symbol === undefined) throw expected(reader, what);
  reader.at += symbol.length;
  return symbol;
}

function takeWord(reader: Reader, word: string): boolean {
  skipBlanks(reader);
  const rest = reader.text.slice(reader.at);
  if (!new RegExp(`^${word}(?![\\p{L}\\p{N}_])`, "iu").test(rest)) return false;
  reader.at += word.length;
  return true;
}

function readValue(reader: Reader, pattern: RegExp): string {
  skipBlanks(reader);
  const value = quoted(reader);
  if (value !== undefined) return value;
  const found = pattern.exec(reader.text.slice(reader.at))?.[0].trimEnd() ?? "";
  if (found === "") throw expected(reader, "a value");
  reader.at += found.length;
  return found;
}

const signs = {
  "<=": "AT_MOST",
  ">=": "AT_LEAST",
  "<>": "NOT_EQUALS",
  "!=": "NOT_EQUALS",
  "==": "EQUALS",
  "=": "EQUALS",
  "<": "LESS_THAN",
  ">": "GREATER_THAN",
} as const satisfies Record<string, Comparison>;
const signList = Object.keys(signs) as (keyof typeof signs)[];

function readCondition(reader: Reader): Condition {
  const attribute = readName(reader, "the name of an attribute to compare");
  const before = reader.at;
  const not = takeWord(reader, "not");
  if (takeWord(reader, "in")) {
    readSymbol(reader, ["("], '"(" after in');
    const values: string[] = [];
    for (;;) {
      values.push(readValue(reader, /^[^,()"';]+/));
      if (readSymbol(reader, [",", ")"], '"," or ")"') === ")") break;
    }
    return { attribute, comparison: not ? "NOT_EQUALS" : "EQUALS", values };
  }
  reader.at = before;
  const sign = readSymbol(reader, signList, "a comparison (=, !=, <, >, <=, >=, in)");
  return { attribute, comparison: signs[sign], values: [readValue(reader, /^[^\s,()"';<>=!]+/)] };
}

function readChange(reader: Reader): Change {
  const attribute = readName(reader, "the name of the attribute to change");
  const sign = readSymbol(reader, ["+=", "-=", "*=", "/=", "="], "an operation (=, +=, -=, *=, /=)");
  skipBlanks(reader);
  const start = reader.at;
  const found = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/.exec(reader.text.slice(reader.at));
  if (found === null || !Number.isFinite(Number(found[0]))) throw expected(reader, "a number");
  reader.at += found[0].length;
  let value = Number(found[0]);
  let operation: Operation = ({ "+=": "ADD", "-=": "SUBTRACT", "*=": "MULTIPLY", "/=": "DIVIDE", "=": "SET" } as const)[sign];
  if (reader.text[reader.at] === "%") {
    if (operation === "SET") throw expected(reader, "a plain number to set");
    reader.at++;
    if (operation === "ADD" || operation === "SUBTRACT") {
      value = operation === "ADD" ? 1 + value / 100 : 1 - value / 100;
      operation = "MULTIPLY";
    } else {
      value /= 100;
    }
  }
  if (operation === "DIVIDE" && value === 0) throw new Stop(start + 1, "Expected a number other than 0 to divide by but received 0.");
  return { attribute, operation, value, conditions: takeWord(reader, "where") ? readAll(reader) : [] };
}

function readAll(reader: Reader): readonly Condition[] {
  const conditions: Condition[] = [];
  do conditions.push(readCondition(reader));
  while (takeWord(reader, "and"));
  return conditions;
}

/** Carries a fault of reading over into a value. */
function stopped(thrown: unknown): { readonly kind: "faults"; readonly faults: readonly Fault[] } {
  if (!(thrown instanceof Stop)) throw thrown;
  return { kind: "faults", faults: [{ where: `character ${thrown.character}`, message: thrown.message }] };
}

/**
 * Reads conditions alone, as they stand after `where`: `item_id = A and location in (oslo, bergen)`.
 *
 * @example
 * parseConditions("category = juice and location != oslo");
 */
export function parseConditions(
  text: string,
):
  | { readonly kind: "conditions"; readonly conditions: readonly Condition[] }
  | { readonly kind: "faults"; readonly faults: readonly Fault[] } {
  const reader: Reader = { text, at: 0 };
  try {
    const conditions = readAll(reader);
    skipBlanks(reader);
    if (reader.at < text.length) throw expected(reader, '"and" or the end');
    return { kind: "conditions", conditions };
  } catch (thrown) {
    return stopped(thrown);
  }
}

/**
 * Reads the compact form (grammar at the top of this file); the first fault ends the reading and names its column, counted from 1.
 *
 * @example
 * parseCommand("price *= 0.9 where category = juice and timestamp >= 2024-01-01");
 */
export function parseCommand(text: string): Parsed {
  const reader: Reader = { text, at: 0 };
  const changes: Change[] = [];
  try {
    for (;;) {
      changes.push(readChange(reader));
      skipBlanks(reader);
      if (reader.at >= text.length) break;
      const after = (changes.at(-1)?.conditions.length ?? 0) > 0 ? '"and", ";" or the end' : '"where", ";" or the end';
      readSymbol(reader, [";"], after);
      skipBlanks(reader);
      // A closing semicolon is no fault.
      if (reader.at >= text.length) break;
    }
  } catch (thrown) {
    return stopped(thrown);
  }
  return { kind: "changes", changes };
}
