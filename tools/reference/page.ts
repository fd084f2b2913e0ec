// A page of the reference, and how its parts are written in Markdown.

export interface Page {
  /** Within docs/reference. */
  readonly name: string;
  readonly text: string;
}

/** Told at the top of each. */
export const generated = (from: string): string =>
  `Made from ${from} by \`npm run reference\`; \`npm run check\` tells when it is out of date.`;

/** A text as it may stand in a cell of a table or in a line: nothing in it is read as Markdown or HTML, but code and links stay. */
export const inCell = (text: string): string =>
  text
    .replaceAll(/\s*\n\s*/g, " ")
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith("`") && part.length > 1 ? part : part.replaceAll(/[<*[\]]/g, String.raw`\$&`).replaceAll("{{", "{ {")))
    .join("")
    .replaceAll("|", String.raw`\|`);

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
