// Text in: bytes become text, whatever their chunks, without losing the place of a wrong byte.
//
// Owns: gunzip, byte order marks, which encoding the bytes are in, decoding. Does not own: lines and rows.
//   D1. Where the chunks end changes nothing in the text.
//   D2. A byte that is not UTF-8 becomes the lone surrogate U+DC00 + byte, which no valid text can hold; so the row it stands in is
//       known, and its rows' neighbours are untouched.
//   D3. Text without a mark is UTF-8, unless the 64 KiB from its first byte beyond ASCII on look like Western European text in Windows-1252 (of which
//       Latin-1 is a part). ASCII is the same in both, so nothing before that byte needs a decision. Other encodings have to be named: their
//       bytes look like Windows-1252 too often, and would become wrong letters without a word.

import { isUtf8 } from "node:buffer";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Body } from "../bytes.ts";
import { StockroomError } from "../errors.ts";
import type { TextEncoding } from "./contract.ts";
import { isGzip, sniffBytes } from "./formats.ts";

/** A block of decoded text. */
export interface TextBlock {
  readonly text: string;
  /** Whether it holds NUL or bytes that are not UTF-8; rows need a look only then. */
  readonly suspicious: boolean;
}

/** Larger chunks are decoded in parts, so that a file handed over in one chunk does not become one batch of all its rows. */
const blockBytes = 1 << 18;

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
  const unpack = createGunzip({ chunkSize: blockBytes });
  let sourceError: { readonly thrown: unknown } | undefined;
  const source = (async function* () {
    try {
      yield* body;
    } catch (thrown) {
      sourceError = { thrown };
      throw thrown;
    }
  })();
  const fed = pipeline(Readable.from(source, { objectMode: false, highWaterMark: blockBytes }), unpack);
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

export interface DecodeOptions {
  readonly signal?: AbortSignal | undefined;
  /** What a person said; see `checkEncoding`. A byte order mark that says otherwise wins. */
  readonly encoding?: string | undefined;
  /** Hears the encoding as soon as it is known; pure ASCII is UTF-8. */
  readonly onEncoding?: (encoding: TextEncoding) => void;
}

/** The canonical name of an encoding a person named; throws `input` `TABLE_ENCODING_UNKNOWN`. */
export function checkEncoding(label: string): string {
  try {
    return new TextDecoder(label.trim()).encoding;
  } catch (cause) {
    throw new StockroomError(
      "input",
      "TABLE_ENCODING_UNKNOWN",
      `Expected an encoding such as utf-8, windows-1252, latin1, utf-16le or windows-1250 but received "${label}". See https://encoding.spec.whatwg.org/#names-and-labels for the names.`,
      { facts: { encoding: label }, cause },
    );
  }
}

/** What a person should know of an encoding that was found from the bytes alone; nothing for UTF-8. */
export function encodingNotes(name: string, encoding: TextEncoding | undefined): readonly string[] {
  if (encoding === undefined || encoding.from !== "bytes" || encoding.name === "utf-8") return [];
  return [`${name} was read as ${encoding.name}, by its bytes. If letters look wrong, name its encoding.`];
}

/** Decodes text in the encoding that is given, marked or found (D3). Never throws for wrong bytes: see D2. */
export async function* decodeText(body: Body, options: DecodeOptions = {}): AsyncGenerator<TextBlock> {
  const { signal, encoding: given, onEncoding = () => undefined } = options;
  const seen = await peek(body, sniffedBytes);
  const blocks = cut(seen.body, signal);
  const marked = markOf(seen.first);
  const named = given === undefined ? undefined : checkEncoding(given);
  const wide = marked ?? (named === undefined ? unmarkedUtf16(seen.first) : undefined) ?? named;
  if (wide !== undefined && wide !== "utf-8") {
    onEncoding({ name: wide, from: marked !== undefined ? "mark" : named !== undefined ? "given" : "bytes" });
    yield* decodeWith(blocks, wide);
    return;
  }
  if (wide === "utf-8") {
    onEncoding({ name: wide, from: marked === undefined ? "given" : "mark" });
    yield* decodeUtf8Blocks(blocks);
    return;
  }
  yield* decodeUnmarked(blocks, onEncoding);
}

/** Bytes from the first one beyond ASCII on that decide the encoding. */
const decisiveBytes = 1 << 16;

/** Text without a mark: ASCII as it comes, then UTF-8 or Windows-1252 by the bytes that follow (D3). */
async function* decodeUnmarked(blocks: Body, onEncoding: (encoding: TextEncoding) => void): AsyncGenerator<TextBlock> {
  const iterator = blocks[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  let size = 0;
  // The byte before the first one beyond ASCII, wherever the chunks end.
  let previous: Uint8Array = new Uint8Array(0);
  try {
    while (size < decisiveBytes) {
      const next = await iterator.next();
      if (next.done === true) break;
      const block = next.value;
      const at = held.length > 0 ? 0 : firstBeyondAscii(block);
      if (at > 0) {
        yield decodeUtf8(block.subarray(0, at), false);
        previous = block.slice(at - 1, at);
      }
      if (at === block.length) continue;
      held.push(block.subarray(at));
      size += block.length - at;
    }
    const western = looksWestern(Buffer.concat([previous, Buffer.concat(held).subarray(0, decisiveBytes)]));
    onEncoding({ name: western ? "windows-1252" : "utf-8", from: "bytes" });
    const all = rest(held, iterator);
    yield* western ? decodeWith(all, "windows-1252") : decodeUtf8Blocks(all, false);
  } finally {
    await iterator.return?.();
  }
}

function firstBeyondAscii(bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length; at++) if ((bytes[at] ?? 0) > 0x7f) return at;
  return bytes.length;
}

const isLetter = (byte: number): boolean => (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
const isPrintable = (byte: number): boolean => byte >= 0x20 && byte < 0x7f;
/** Letters of Windows-1252 but for the y with diaeresis, which no language needs and broken files are full of. */
const isWesternLetter = (byte: number): boolean =>
  (byte >= 0xc0 && byte !== 0xd7 && byte !== 0xf7 && byte !== 0xff) || [0x8a, 0x8c, 0x8e, 0x9a, 0x9c, 0x9e, 0x9f].includes(byte);
/** Signs people write: euro, quotes, dashes, trademark, no-break space, pound, section, copyright, guillemets, registered, degree, fractions, times. */
const westernSigns = new Set([
  0x80, 0x84, 0x85, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x99, 0xa0, 0xa3, 0xa7, 0xa9, 0xaa, 0xab, 0xae, 0xb0, 0xb1, 0xb2, 0xb3, 0xb4,
  0xb5, 0xb7, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xd7,
]);

/**
 * Whether bytes are Western European text in Windows-1252: hardly any of those beyond ASCII make a UTF-8 character, and nine in ten of them are letters
 * beside an ASCII letter, or signs beside something printable. (In Cyrillic or Greek text letters beyond ASCII stand beside each other.)
 */
function looksWestern(bytes: Buffer): boolean {
  let utf8 = 0;
  let wrong = 0;
  let likely = 0;
  for (let at = 0; at < bytes.length;) {
    const byte = bytes[at] ?? 0;
    const length = characterLength(bytes, at);
    if (length !== 0) {
      if (length > 1) utf8 += 1;
      at += length;
      continue;
    }
    const [before, after] = [bytes[at - 1] ?? 0x20, bytes[at + 1] ?? 0x20];
    wrong += 1;
    if (isWesternLetter(byte) ? isLetter(before) || isLetter(after) : westernSigns.has(byte) && (isPrintable(before) || isPrintable(after)))
      likely += 1;
    at += 1;
  }
  return wrong > 0 && utf8 * 10 <= wrong && likely >= 0.9 * wrong;
}

async function* decodeUtf8Blocks(blocks: Body, atStart = true): AsyncGenerator<TextBlock> {
  let first = atStart;
  let carry: Uint8Array = new Uint8Array(0);
  for await (const block of blocks) {
    const joined = carry.length === 0 ? block : Buffer.concat([carry, block]);
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
    for (let at = 0; at < chunk.length; at += blockBytes) {
      signal?.throwIfAborted();
      yield chunk.subarray(at, at + blockBytes);
    }
  }
}

const sniffedBytes = 64;

function markOf(first: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" | undefined {
  if (first[0] === 0xef && first[1] === 0xbb && first[2] === 0xbf) return "utf-8";
  if (first[0] === 0xff && first[1] === 0xfe && !(first[2] === 0 && first[3] === 0)) return "utf-16le";
  return first[0] === 0xfe && first[1] === 0xff ? "utf-16be" : undefined;
}

/** UTF-16 without a mark: every other byte of its first 64 is NUL, as the header of a table is ASCII nearly always. */
function unmarkedUtf16(first: Uint8Array): "utf-16le" | "utf-16be" | undefined {
  const pairs = first.length >> 1;
  if (pairs < 3) return undefined;
  let even = 0;
  let odd = 0;
  for (let at = 0; at < pairs * 2; at += 2) {
    if (first[at] === 0) even += 1;
    if (first[at + 1] === 0) odd += 1;
  }
  if (even === 0 && odd >= 0.9 * pairs) return "utf-16le";
  return odd === 0 && even >= 0.9 * pairs ? "utf-16be" : undefined;
}

async function* decodeWith(blocks: Body, name: string): AsyncGenerator<TextBlock> {
  const decoder = new TextDecoder(name);
  // What a decoder does not know becomes U+FFFD; it is a wrong character as much as a wrong byte of UTF-8.
  const block = (text: string): TextBlock => {
    const marked = text.includes("\uFFFD") ? text.replaceAll("\uFFFD", "\uDCFF") : text;
    return { text: marked, suspicious: marked !== text || text.includes("\0") };
  };
  for await (const bytes of blocks) {
    const text = decoder.decode(bytes, { stream: true });
    if (text !== "") yield block(text);
  }
  const last = decoder.decode();
  if (last !== "") yield block(last);
}

function decodeUtf8(bytes: Uint8Array, atStart: boolean): TextBlock {
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

/** The slow way, for blocks with wrong bytes only: valid runs as they are, every other byte as U+DC00 + byte. */
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
