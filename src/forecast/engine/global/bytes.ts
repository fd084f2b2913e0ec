// A global model as bytes, and back: a JSON head (plan, loss, the shape of every array) and the arrays behind it, little-endian.

import { StockroomError } from "../../../platform/errors.ts";
import type { GlobalModel } from "./global.ts";

const magic = 0x4c424731; // "1GBL"
const kinds = { Float64Array, Float32Array, Int32Array, Uint32Array, Uint16Array } as const;
type Kind = keyof typeof kinds;
type Numbers = InstanceType<(typeof kinds)[Kind]>;

interface Place {
  readonly array: Kind;
  readonly at: number;
  readonly length: number;
}

const isNumbers = (value: unknown): value is Numbers => ArrayBuffer.isView(value) && Object.hasOwn(kinds, value.constructor.name);

/** Writes a model as bytes; equal models give equal bytes. */
export function encodeGlobal(model: GlobalModel): Uint8Array {
  const arrays: Numbers[] = [];
  let at = 0;
  const head = new TextEncoder().encode(
    JSON.stringify(model, (_, value: unknown) => {
      if (!isNumbers(value)) return value;
      const place: Place = { array: value.constructor.name as Kind, at, length: value.length };
      arrays.push(value);
      at += Math.ceil(value.byteLength / 8) * 8;
      return place;
    }),
  );
  const start = Math.ceil((8 + head.length) / 8) * 8;
  const bytes = new Uint8Array(start + at);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, head.length, true);
  bytes.set(head, 8);
  let place = start;
  for (const each of arrays) {
    bytes.set(new Uint8Array(each.buffer, each.byteOffset, each.byteLength), place);
    place += Math.ceil(each.byteLength / 8) * 8;
  }
  return bytes;
}

/** Reads a model from bytes that `encodeGlobal` wrote. Throws `GLOBAL_MODEL_BYTES` (fault) for any others. */
export function decodeGlobal(bytes: Uint8Array): GlobalModel {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length >= 8 && view.getUint32(0, true) === magic ? view.getUint32(4, true) : -1;
  if (length < 0 || 8 + length > bytes.length) throw broken(bytes);
  const start = Math.ceil((8 + length) / 8) * 8;
  try {
    return JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)), (_, value: unknown) => {
      if (!isPlace(value)) return value;
      const make = kinds[value.array];
      const from = start + value.at;
      const end = from + value.length * make.BYTES_PER_ELEMENT;
      if (end > bytes.length) throw broken(bytes);
      // A copy: the bytes may stand anywhere in a larger buffer, and the model outlives them.
      return new make(bytes.slice(from, end).buffer);
    }) as GlobalModel;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) throw broken(bytes);
    throw thrown;
  }
}

function isPlace(value: unknown): value is Place {
  return (
    typeof value === "object" && value !== null && "array" in value && typeof value.array === "string" && Object.hasOwn(kinds, value.array)
  );
}

function broken(bytes: Uint8Array): StockroomError {
  return new StockroomError(
    "fault",
    "GLOBAL_MODEL_BYTES",
    `Expected the bytes of a global model but received ${bytes.length} others. Fit it again.`,
    {
      facts: { bytes: bytes.length },
    },
  );
}
