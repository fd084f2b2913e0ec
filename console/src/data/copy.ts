// What a press of a button would be on a command line: as curl, and as a command of ours where there is one.

/** A text that a POSIX shell reads as one word. */
export const quoted = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

export interface Said {
  /** `POST`. */
  readonly method: string;
  /** Whole, from the slash, percent-encoded. */
  readonly path: string;
  readonly body?: unknown;
  /** The command's words after `stockroom`; quoted here. */
  readonly command?: readonly string[];
}

export function asCurl({ method, path, body }: Said, origin: string): string {
  const parts = ["curl", ...(method === "GET" ? [] : ["-X", method]), quoted(`${origin}${path}`)];
  if (method !== "GET" || path.startsWith("/api")) parts.push("-H", `"authorization: Bearer $STOCKROOM_TOKEN"`);
  if (body !== undefined) parts.push("-H", quoted("content-type: application/json"), "-d", quoted(JSON.stringify(body)));
  return parts.join(" ");
}

export const asCommand = (words: readonly string[]): string => ["stockroom", ...words].map(quoted).join(" ");
