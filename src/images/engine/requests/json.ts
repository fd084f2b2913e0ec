// Json: text from a URL as a plain value that can do no harm.
//
//   J1. Nesting is bounded before the text is parsed.
//   J2. No name of the value reaches a prototype: `__proto__`, `constructor` and `prototype` are left out at every depth.

import type { JsonValue } from "../plan.ts";

/** A JSON object as it came: names in their order, values unchecked. */
export type JsonObject = { readonly [name: string]: JsonValue };

const forbidden = new Set(["__proto__", "constructor", "prototype"]);

/** How deep lists and objects are nested in a JSON text, counted without parsing it; strings do not count. */
export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 0x5c) i++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x7d || code === 0x5d) depth--;
  }
  return deepest;
}

/** A copy of a parsed value without the names of J2. */
export function cleanJson(value: unknown): JsonValue {
  if (Array.isArray(value)) return value.map(cleanJson);
  if (typeof value === "object" && value !== null) {
    const copy: Record<string, JsonValue> = {};
    for (const [name, inner] of Object.entries(value)) if (!forbidden.has(name)) copy[name] = cleanJson(inner);
    return copy;
  }
  return value as JsonValue;
}

/** Whether a value is an object with names, not a list and not null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A parsed value as a number, as JavaScript makes one of it; NaN where it cannot: `{"toString": 0}`, also within a list, would throw. */
export function toNumber(value: unknown): number {
  try {
    return Number(value);
  } catch {
    return Number.NaN;
  }
}
