// Documents for tests: the blocks of a Markdown page that somebody pastes, and the commands in them.

/** Blocks indented by four blanks, without the indent, in their order. */
export function blocksOf(markdown: string): string[] {
  const blocks: string[] = [];
  let inside = false;
  for (const line of markdown.split("\n")) {
    if (!line.startsWith("    ")) inside &&= line === "";
    else if (inside) blocks.push(`${blocks.pop() ?? ""}${line.slice(4)}\n`);
    else {
      blocks.push(`${line.slice(4)}\n`);
      inside = true;
    }
  }
  return blocks;
}

/** Code within the running text: what stands between two backticks. */
export const spansOf = (markdown: string): string[] => [...markdown.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);

/**
 * The words of every simple command of a shell text: quotes taken off, comments, assignments in front and redirections left out. Reads what
 * documents hold (quotes, `#`, `|`, `&&`, `;`, `&`, `>`), not all that a shell does.
 */
export function commandsOf(shell: string): string[][] {
  const commands: string[][] = [[]];
  for (const [token] of shell
    .replaceAll("\\\n", " ")
    .matchAll(/\n|&&|\|\||[;|&]|(?<=^|\s)#[^\n]*|\d?>+\s*\S+|(?:"[^"]*"|'[^']*'|\$\([^)]*\)|\\.|[^\s;|&>"'\\])+/gm)) {
    const last = commands.at(-1) ?? [];
    if (token === "\n" || /^(&&|\|\||[;|&])$/.test(token)) commands.push([]);
    else if (!token.startsWith("#") && !/^\d?>/.test(token) && !(last.length === 0 && /^[A-Z_]+=/.test(token)))
      last.push(token.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"));
  }
  return commands.filter((words) => words.length > 0);
}

/** Programs by which a block is known to be one of a shell. */
const programs = /^(?:\.\/bin\/)?(?:stockroom|aws|cd|cp|curl|docker|export|git|kubectl|helm|node|npm|npx|openssl|printf|psql)$/;

export interface ShellBlock {
  readonly text: string;
  /** Why it is not run, where a comment in front of it says so: `<!-- not run: reason -->`. */
  readonly skipped: string | undefined;
}

/** Blocks of a page that somebody pastes into a shell, indented ones and those fenced as `sh`, in their order. */
export function shellBlocksOf(markdown: string): ShellBlock[] {
  const indented = markdown
    .replaceAll(/^```sh\n([^]*?)^```$/gm, (_, text: string) => text.replaceAll(/^/gm, "    "))
    .replaceAll(/^```[^]*?^```$/gm, "");
  const blocks: ShellBlock[] = [];
  let before: string | undefined;
  // A block and what stands between it and the one before.
  for (const part of indented.split(/^((?: {4}.*\n(?:\n(?= {4}))*)+)/m)) {
    const [text] = blocksOf(part);
    if (text === undefined) before = /<!-- not run: (.+) -->\s*$/.exec(part)?.[1];
    else if (commandsOf(text).some(([name = ""]) => programs.test(name))) blocks.push({ text, skipped: before });
  }
  return blocks;
}
