// Html: text that is safe to send as a page, because whatever is put into it is escaped unless it is Html itself.
//
//   H1. Only `html` makes Html; a string of anybody's never becomes markup, in text or in a quoted attribute.

import { visible } from "../text.ts";

/** Markup made by `html`. */
export class Html {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

type Part = Html | string | number | undefined | false | readonly Part[];

/** Puts values into markup, escaped. Lists are joined, `undefined` and `false` are nothing. Attributes must be written in double quotes. */
export function html(markup: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let made = "";
  for (const [index, text] of markup.entries()) {
    made += text;
    // What an attribute holds goes back with a form: it is data, and must stay as it is.
    if (index < parts.length) made += render(parts[index], made.lastIndexOf("<") > made.lastIndexOf(">") ? escapeData : escape);
  }
  return new Html(made);
}

function render(part: Part, escaped: (text: string) => string): string {
  if (part === undefined || part === false) return "";
  if (part instanceof Html) return part.toString();
  if (typeof part === "object") return part.map((one) => render(one, escaped)).join("");
  return escaped(String(part));
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "`": "&#96;" };

/** Takes away what HTML cannot hold, and nothing else. */
function escapeData(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[&<>"'`]/g, (sign) => entities[sign] ?? "")
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "\ufffd"); // oxlint-disable-line no-control-regex
}

/** Also shows what would hide or reorder its neighbours as its code, which takes away what HTML cannot hold. */
export function escape(text: string): string {
  return visible(text, "\n\r\t").replaceAll(/[&<>"'`]/g, (sign) => entities[sign] ?? "");
}

/** An address with a query; names without a value are left out. */
export function href(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, String(value)] as const],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(Object.fromEntries(given)).toString()}`;
}
