// Folding: text in any language made comparable, before anything is hashed.
//
//   O1. Folded text is NFKC, lower case: "ＫＥＴＴＬＥ", "Kettle" and "kettle" are one word; so are "é" in one code point or two.
//   O2. A word is a run of letters, digits and marks; a character of a script written without spaces is a word of its own.

/** What a code point is to a tokeniser. */
export const pointKind = { between: 0, letter: 1, single: 2 } as const;

const LETTER = /^[\p{L}\p{N}\p{M}]$/u;
const SINGLE = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]$/u;
const UNKNOWN = 255;
/** Kinds by code point, filled as they are met: asking the regular expression costs a hundred times more. */
const kinds = new Uint8Array(0x11_0000).fill(UNKNOWN);

/** Kind of a code point; lone halves of surrogate pairs stand between words. */
export function kindOf(point: number): number {
  const known = kinds[point];
  if (known !== UNKNOWN) return known;
  const text = String.fromCodePoint(point);
  const kind = LETTER.test(text) ? (SINGLE.test(text) ? pointKind.single : pointKind.letter) : pointKind.between;
  kinds[point] = kind;
  return kind;
}

/** NFKC, then lower case. */
export function foldText(text: string): string {
  return isAscii(text) ? text.toLowerCase() : text.normalize("NFKC").toLowerCase();
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}
