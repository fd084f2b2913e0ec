// Text in: bytes become text, whatever their chunks, without losing the place of a wrong byte.
//
// Owns: gunzip, byte order marks, UTF-8 and UTF-16 decoding. Does not own: lines and rows.
//   D1. Where the chunks end changes nothing in the text.
//   D2. A byte that is not UTF-8 becomes the lone surrogate U+DC00 + byte, which no valid text can hold; so the row it stands in is
//       known, and its rows' neighbours are untouched.

import { isUtf8 } from "node:buffer";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Body } from "../bytes.ts";
import { StockroomError } from "../errors.ts";
import { isGzip, sniffBytes } from "./formats.ts";

/** A piece of decoded text. */
export interface TextPiece {
  readonly text: string;
  /** Whether it holds NUL or bytes that are not UTF-8; rows need a look only then. */
  readonly suspicious: boolean;
}

/** Larger chunks are decoded in parts, so that a file handed over in one chunk does not become one batch of all its rows. */
const pieceBytes = 1 << 18;

/** Looks at the first bytes without taking them away. The returned body gives all bytes again. */
export async function peek(body: Body, wanted: number = sniffBytes): Promise<{ readonly first: Uint8Array; readonly body: Body }> {
  const iterator = body[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  let size = 0;
  while (size < wanted) {
    const next = await iterator.next();
    if (next.done === true) break;
    held.push(next.value);
    size += next.value.length;
  }
  return { first: Buffer.concat(held).subarray(0, wanted), body: rest(held, iterator) };
}

async function* rest(held: readonly Uint8Array[], iterator: AsyncIterator<Uint8Array>): Body {
  try {
    yield* held;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}

/**
 * Unpacks gzip, several members included; other bytes pass unchanged.
 *
 * Throws while streaming: `input` `TABLE_GZIP_TRUNCATED` when the file ends early, `input` `TABLE_GZIP_BROKEN` when it is damaged.
 */
export async function gunzipIfPacked(body: Body, name: string): Promise<Body> {
  const seen = await peek(body, 2);
  return isGzip(seen.first) ? gunzip(seen.body, name) : seen.body;
}

async function* gunzip(body: Body, name: string): Body {
  const unpack = createGunzip({ chunkSize: pieceBytes });
  let sourceError: { readonly thrown: unknown } | undefined;
  const source = (async function* () {
    try {
      yield* body;
    } catch (thrown) {
      sourceError = { thrown };
      throw thrown;
    }
  })();
  const fed = pipeline(Readable.from(source, { objectMode: false, highWaterMark: pieceBytes }), unpack);
  fed.catch(() => {}); // the reader below meets the same error
  let unpacked = 0;
  try {
    for await (const chunk of unpack as AsyncIterable<Uint8Array>) {
      unpacked += chunk.length;
      yield chunk;
    }
  } catch (thrown) {
    if (sourceError !== undefined) throw sourceError.thrown;
    const truncated = thrown instanceof Error && "code" in thrown && thrown.code === "Z_BUF_ERROR";
    const facts = { name, unpackedBytes: unpacked };
    throw truncated
      ? new StockroomError(
          "input",
          "TABLE_GZIP_TRUNCATED",
          `Expected whole gzip data in ${name} but it ends early, after ${unpacked} unpacked bytes. Send the file again.`,
          { facts, cause: thrown },
        )
      : new StockroomError(
          "input",
          "TABLE_GZIP_BROKEN",
          `Expected sound gzip data in ${name} but it is damaged after ${unpacked} unpacked bytes. Send the file again.`,
          { facts, cause: thrown },
        );
  }
}

/** Decodes UTF-8, or UTF-16 that opens with a byte order mark. Never throws for wrong bytes: see D2. */
export async function* decodeText(body: Body, signal?: AbortSignal): AsyncGenerator<TextPiece> {
  const seen = await peek(body, 4);
  const utf16 = utf16Label(seen.first);
  const pieces = cut(seen.body, signal);
  if (utf16 !== undefined) {
    yield* decodeUtf16(pieces, utf16);
    return;
  }
  let first = true;
  let carry: Uint8Array = new Uint8Array(0);
  for await (const piece of pieces) {
    const joined = carry.length === 0 ? piece : Buffer.concat([carry, piece]);
    const whole = joined.length - unfinishedTail(joined);
    if (first && joined.length < 3) {
      carry = joined.slice();
      continue;
    }
    const decoded = decodeUtf8(joined.subarray(0, whole), first);
    first = false;
    carry = joined.slice(whole);
    if (decoded.text !== "") yield decoded;
  }
  if (carry.length > 0) yield decodeUtf8(carry, first);
}

async function* cut(body: Body, signal: AbortSignal | undefined): Body {
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      signal?.throwIfAborted();
      yield chunk.subarray(at, at + pieceBytes);
    }
  }
}

function utf16Label(first: Uint8Array): "utf-16le" | "utf-16be" | undefined {
  if (first[0] === 0xff && first[1] === 0xfe && !(first[2] === 0 && first[3] === 0)) return "utf-16le";
  return first[0] === 0xfe && first[1] === 0xff ? "utf-16be" : undefined;
}

async function* decodeUtf16(pieces: Body, label: string): AsyncGenerator<TextPiece> {
  const decoder = new TextDecoder(label);
  for await (const piece of pieces) {
    const text = decoder.decode(piece, { stream: true });
    if (text !== "") yield { text, suspicious: text.includes("\0") };
  }
  const last = decoder.decode();
  if (last !== "") yield { text: last, suspicious: true };
}

function decodeUtf8(bytes: Uint8Array, atStart: boolean): TextPiece {
  const marked = atStart && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const plain = marked ? bytes.subarray(3) : bytes;
  const buffer = Buffer.from(plain.buffer, plain.byteOffset, plain.length);
  if (!isUtf8(buffer)) return { text: escapeWrongBytes(buffer), suspicious: true };
  return { text: buffer.toString("utf8"), suspicious: buffer.includes(0) };
}

/** How many bytes at the end begin a character that is not finished; 0 to 3. */
function unfinishedTail(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

/** The slow way, for pieces with wrong bytes only: valid runs as they are, every other byte as U+DC00 + byte. */
function escapeWrongBytes(bytes: Buffer): string {
  let text = "";
  let from = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = characterLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    text += bytes.toString("utf8", from, at) + String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
    at += 1;
    from = at;
  }
  return text + bytes.toString("utf8", from, at);
}

/** Bytes of the valid character at `at`, or 0 (table 3-7 of the Unicode standard). */
function characterLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const second = bytes[at + 1] ?? 0;
  const follows = (offset: number): boolean => ((bytes[at + offset] ?? 0) & 0xc0) === 0x80;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const low = lead === 0xe0 ? 0xa0 : 0x80;
    const high = lead === 0xed ? 0x9f : 0xbf;
    return second >= low && second <= high && follows(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const low = lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}
