// Evidence: the words that spoke for a code, found again in the item's text.

export interface Word {
  readonly word: string;
  readonly weight: number;
}

/** A piece of a text; `weight`: it is a word that spoke. */
export interface Piece {
  readonly text: string;
  readonly weight?: number;
}

// Words of items may be endless, and a pattern tries every beginning.
const mostChars = 2_000;

/** `kettle:0.52 steel:0.31` as words. Pure. */
export function parseEvidence(text: string): readonly Word[] {
  return [...text.slice(0, mostChars).matchAll(/(?:^| )(.*?):(-?\d+\.\d\d)(?= |$)/g)].map(([, word = "", weight = ""]) => ({
    word,
    weight: Number(weight),
  }));
}

const fold = (text: string): string => text.normalize("NFKC").toLowerCase();
/** Scripts written without spaces: a character is a word. */
const single = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

/** The text in pieces, those that spoke marked; put together they are the text again. Pure. */
export function markWords(text: string, words: readonly Word[]): readonly Piece[] {
  const weights = new Map(words.filter(({ word }) => word !== "").map(({ word, weight }) => [fold(word), weight]));
  const tokens = [...text.matchAll(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}\p{M}]+/gu)].flatMap((match) =>
    splitSingles(match[0], match.index),
  );
  const marks = new Map<number, { readonly end: number; readonly weight: number }>();
  const longest = Math.max(1, ...[...weights.keys()].map((word) => word.split(" ").length));
  for (let at = 0; at < tokens.length; at++) {
    // The longest run of words first: "stainless steel" before "steel".
    for (let count = Math.min(longest, tokens.length - at); count >= 1; count--) {
      const run = tokens.slice(at, at + count);
      const [first, last] = [run[0], run.at(-1)];
      const weight = weights.get(run.map(({ folded }) => folded).join(" "));
      if (weight === undefined || first === undefined || last === undefined) continue;
      marks.set(first.start, { end: last.end, weight });
      at += count - 1;
      break;
    }
  }
  const pieces: Piece[] = [];
  let from = 0;
  for (const [start, { end, weight }] of marks) {
    if (start > from) pieces.push({ text: text.slice(from, start) });
    pieces.push({ text: text.slice(start, end), weight });
    from = end;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}

interface Token {
  readonly folded: string;
  readonly start: number;
  readonly end: number;
}

/** A run of letters may hold characters that are words of their own ("2段ベッド"). */
function splitSingles(run: string, start: number): readonly Token[] {
  const tokens: Token[] = [];
  let open = -1;
  let at = 0;
  const close = (end: number): void => {
    if (open >= 0) tokens.push({ folded: fold(run.slice(open, end)), start: start + open, end: start + end });
    open = -1;
  };
  for (const char of run) {
    if (single.test(char)) {
      close(at);
      tokens.push({ folded: fold(char), start: start + at, end: start + at + char.length });
    } else if (open < 0) open = at;
    at += char.length;
  }
  close(at);
  return tokens;
}
