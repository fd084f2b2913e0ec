// JSON: what runs and steps may hand on, checked where it is made, so that a mistake shows the first time and not after a crash.

import { StockroomError } from "../errors.ts";
import type { Json } from "./contract.ts";

/** Bytes of UTF-8 that an input or a result may have; more belongs into the store. */
export const maxJsonBytes = 1_048_576;

/**
 * Makes the text of a JSON value, the same as it will be read back.
 *
 * Throws `WORKFLOW_NOT_JSON` with the path of the first value that JSON would lose or change (undefined, bigint, NaN,
 * dates, class instances, cycles; of zeros there is only one) and `WORKFLOW_TOO_LARGE`.
 */
export function jsonText(value: unknown, what: string): string {
  checkJson(value, what, "", new Set());
  const text = JSON.stringify(value);
  const bytes = Buffer.byteLength(text);
  if (bytes > maxJsonBytes) {
    throw new StockroomError(
      "fault",
      "WORKFLOW_TOO_LARGE",
      `Expected ${what} to be a reference of at most ${maxJsonBytes} bytes but it has ${bytes}. Put the data into the store and hand on its key.`,
      { facts: { bytes } },
    );
  }
  return text;
}

/** Reads what `jsonText` wrote. The caller names the type; what was written is what is read. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as JSON.parse, but without any
export function readJson<T = Json>(text: string): T {
  const value: T = JSON.parse(text);
  return value;
}

function checkJson(value: unknown, what: string, path: string, above: Set<object>): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (Number.isFinite(value)) return;
      return refuse(what, path, String(value));
    case "object":
      break;
    default:
      return refuse(what, path, `a ${typeof value}`);
  }
  if (value === null) return;
  if (above.has(value)) return refuse(what, path, "a value that contains itself");
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) {
    return refuse(what, path, `a ${value.constructor?.name ?? "class"} object`);
  }
  if ("toJSON" in value && typeof value.toJSON === "function") return refuse(what, path, "an object with toJSON");
  above.add(value);
  if (Array.isArray(value)) {
    // By index, because forEach would step over a hole, which JSON turns into null.
    for (let index = 0; index < value.length; index++) checkJson(value[index], what, `${path}[${index}]`, above);
  } else {
    for (const [key, inner] of Object.entries(value)) checkJson(inner, what, `${path}.${key}`, above);
  }
  above.delete(value);
}

function refuse(what: string, path: string, found: string): never {
  throw new StockroomError(
    "fault",
    "WORKFLOW_NOT_JSON",
    `Expected ${what} to be JSON but found ${found}${path === "" ? "" : ` at ${path}`}. Hand on plain objects, lists, text, finite numbers, true, false and null.`,
    { facts: { path } },
  );
}
