// Tokens: the words of items' texts as code points, kept so that evidence can show them.
//
// Owns: cutting a text into words, where each word lies. Does not own: features of words (features.ts), folding of characters (fold.ts).
//   O1. At most `maxPoints` code points of a text are read; memory is bounded by that, not by the text.
//   O2. Tokens and code points are kept until `forget`. One store is used by one thread at a time.

import { widen } from "./entries.ts";
import { foldText, kindOf, pointKind } from "./fold.ts";

/** The prime of FNV-1a. */
export const PRIME = 0x01000193;
export const SPACE = 32;
/** Lower-case letter or digit per ASCII code, 0 for what stands between words. */
const ascii = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code).toLowerCase();
  return /[a-z0-9]/.test(char) ? char.charCodeAt(0) : 0;
});

/** A class for the same reason as the table of entries: every text of every item passes through it. */
export class TokenStore {
  /** Tokens since `forget`. */
  count = 0;
  /** Code points of all texts, one space around each word, and the token each belongs to. */
  points = new Uint32Array(1 << 14);
  pointTokens = new Uint32Array(1 << 14);
  end = 0;
  /** Hashes of the words of the text read last. */
  wordHashes = new Int32Array(256);
  #namespaces = new Uint8Array(1 << 10);
  #from = new Uint32Array(1 << 10);
  #to = new Uint32Array(1 << 10);
  #texts: (string | undefined)[] = [];
  readonly #maxPoints: number;

  constructor(maxPoints: number) {
    this.#maxPoints = maxPoints;
  }

  forget(): void {
    this.count = 0;
    this.#texts = [];
    this.end = 0;
  }

  /** Adds a token that lies in `points`, or one whose text is given. */
  add(namespace: number, from: number, to: number, text?: string): number {
    const token = this.count;
    if (token === this.#from.length) {
      this.#namespaces = widen(this.#namespaces, new Uint8Array(token * 2));
      this.#from = widen(this.#from, new Uint32Array(token * 2));
      this.#to = widen(this.#to, new Uint32Array(token * 2));
    }
    this.#namespaces[token] = namespace;
    this.#from[token] = from;
    this.#to[token] = to;
    this.#texts[token] = text;
    this.count = token + 1;
    return token;
  }

  /** The namespace of a token and its text, folded as it was hashed. */
  token(index: number): { readonly namespace: number; readonly text: string } {
    const namespace = this.#namespaces[index];
    const text = this.#texts[index];
    if (text !== undefined) return { namespace, text };
    let word = "";
    for (let at = this.#from[index]; at < this.#to[index]; at++) word += String.fromCodePoint(this.points[at]);
    return { namespace, text: word };
  }

  /** Writes the words of a text to `points` and their hashes to `wordHashes`; gives back how many there are. */
  readWords(text: string, namespace: number): number {
    const read = this.#fold(text);
    this.#makeRoom();
    const { points, pointTokens } = this;
    let end = this.end;
    let words = 0;
    let left = this.#maxPoints;
    let hash = 0;
    let from = -1;
    points[end] = SPACE;
    pointTokens[end++] = this.count;
    for (let i = 0; i < read.length && left > 0; i++, left--) {
      let point = read.charCodeAt(i);
      let kind: number;
      if (point < 128) {
        point = ascii[point];
        kind = point === 0 ? pointKind.between : pointKind.letter;
      } else {
        const whole = read.codePointAt(i) ?? point;
        if (whole > 0xffff) i += 1;
        point = whole;
        kind = kindOf(point);
      }
      // What stands between words ends one, and a letter that is a word by itself begins after it.
      if (from >= 0 && kind !== pointKind.letter) {
        this.#closeWord(words++, hash, namespace, from, end);
        from = -1;
      }
      if (kind === pointKind.between) {
        if (points[end - 1] !== SPACE) {
          points[end] = SPACE;
          pointTokens[end++] = this.count;
        }
        continue;
      }
      if (from < 0) {
        from = end;
        hash = 0x811c9dc5 | 0;
      }
      hash = Math.imul(hash ^ point, PRIME);
      points[end] = point;
      pointTokens[end++] = this.count;
      if (kind === pointKind.single) {
        this.#closeWord(words++, hash, namespace, from, end);
        from = -1;
      }
    }
    if (from >= 0) this.#closeWord(words++, hash, namespace, from, end);
    if (points[end - 1] !== SPACE) {
      points[end] = SPACE;
      pointTokens[end++] = Math.max(0, this.count - 1);
    }
    this.end = end;
    return words;
  }

  #closeWord(word: number, hash: number, namespace: number, from: number, to: number): void {
    if (word === this.wordHashes.length) this.wordHashes = widen(this.wordHashes, new Int32Array(word * 2));
    this.wordHashes[word] = hash;
    this.add(namespace, from, to);
  }

  /** Plain ASCII is folded as it is read. */
  #fold(text: string): string {
    const most = 2 * this.#maxPoints;
    for (let i = 0; i < text.length; i++) {
      // Folding costs with length; twice the bound leaves room for pairs of surrogates.
      if (text.charCodeAt(i) > 127) return foldText(text.length > most ? text.slice(0, most) : text);
    }
    return text;
  }

  #makeRoom(): void {
    const needed = this.end + 2 * this.#maxPoints + 2;
    if (needed <= this.points.length) return;
    const size = Math.max(this.points.length * 2, needed);
    this.points = widen(this.points, new Uint32Array(size));
    this.pointTokens = widen(this.pointTokens, new Uint32Array(size));
  }
}
