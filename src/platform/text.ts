// Text: what people are shown of a text that somebody else wrote.
//
//   T1. What would be invisible, reorder its neighbours or move the cursor is shown as its code, `\u{202E}`: two keys that differ look
//       different, and a title never speaks for what stands beside it (Unicode Technical Report 36, "bidirectional text spoofing").
//   T2. Joiners stay where a script or an emoji needs them.

/** Letters of scripts whose writing uses joiners (Arabic, Syriac, Mongolian and the Indic family), and pictographs. */
const joined = String.raw`[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F]`;

/** Controls, line and paragraph separators, private use and unassigned code points, and all that is not drawn. */
const hidden = /[\p{Cc}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\u2800]/gu;

const isJoiner = (sign: string): boolean => sign === "\u200C" || sign === "\u200D" || sign === "\uFE0E" || sign === "\uFE0F";

const codeOf = (sign: string): string => `\\u{${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}}`;

/**
 * Shows hidden characters as their codes. `keep`: characters that stay as they are, e.g. line breaks.
 *
 * @example
 * visible("invoice\u202Efdp.exe"); // "invoice\\u{202E}fdp.exe"
 */
export function visible(text: string, keep = ""): string {
  return text.toWellFormed().replaceAll(hidden, (sign, at: number) => {
    if (keep.includes(sign) || (isJoiner(sign) && stands(text, at))) return sign;
    return codeOf(sign);
  });
}

const before = new RegExp(`${joined}$`, "u");
const after = new RegExp(`^${joined}`, "u");
const pictured = /[\p{Extended_Pictographic}\d#*]$/u;

function stands(text: string, at: number): boolean {
  const [left, sign, right] = [text.slice(0, at), text[at], text.slice(at + 1)];
  if (sign === "\uFE0E" || sign === "\uFE0F") return pictured.test(left);
  return before.test(left) && after.test(right);
}

/** The same for JSON text: escapes that every reader of JSON turns back. */
export function visibleJson(json: string): string {
  return json.replaceAll(hidden, (sign) =>
    /\s/.test(sign) && sign < "\u0080"
      ? sign
      : [...Array(sign.length).keys()].map((i) => `\\u${sign.charCodeAt(i).toString(16).padStart(4, "0")}`).join(""),
  );
}
