// Html: text that is safe to send as a page, because whatever is put into it is escaped unless it is Html itself.
//
//   H1. Only `html` makes Html; a string of anybody's never becomes markup, in text or in a quoted attribute.

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
  return new Html(markup.map((text, index) => text + (index < parts.length ? render(parts[index]) : "")).join(""));
}

function render(part: Part): string {
  if (part === undefined || part === false) return "";
  if (part instanceof Html) return part.toString();
  if (typeof part === "object") return part.map(render).join("");
  return escape(String(part));
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "`": "&#96;" };

/** Also takes away what HTML cannot hold. */
function escape(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[&<>"'`]/g, (sign) => entities[sign] ?? "")
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "\ufffd"); // oxlint-disable-line no-control-regex
}

/** An address with a query; names without a value are left out. */
export function href(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, String(value)] as const],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(Object.fromEntries(given)).toString()}`;
}
