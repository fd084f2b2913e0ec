// The difference between two versions of a text file: its first line (columns), how many lines, and which lines only one of them has.
//
//   D1. Lines are compared as a set: rows that were only moved are no difference.
//   D2. Bounded: of both files the first part alone is compared, and that is said.

export interface LineOfFile {
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
}

export interface FileDifference {
  readonly columns: {
    readonly before: readonly string[];
    readonly now: readonly string[];
    readonly gone: readonly string[];
    readonly added: readonly string[];
  };
  readonly separator: { readonly before: string; readonly now: string };
  readonly lines: { readonly before: number; readonly now: number };
  /** Lines that the newer file alone has, and how many they are in all. */
  readonly added: { readonly count: number; readonly first: readonly LineOfFile[] };
  readonly gone: { readonly count: number; readonly first: readonly LineOfFile[] };
}

const mostShown = 20;
const signs = [";", "\t", "|", ","] as const;

/** The sign that parts most cells of the first line. */
export function separatorOf(text: string): string {
  const [first = ""] = text.split(/\r?\n/, 1);
  const counts = signs.map((sign) => ({ sign, count: first.split(sign).length - 1 }));
  return counts.toSorted((a, b) => b.count - a.count)[0]?.sign ?? ",";
}

const linesOf = (text: string): readonly string[] => text.replace(/\r?\n$/, "").split(/\r?\n/);

const columnsOf = (line: string, separator: string): readonly string[] =>
  line.split(separator).map((name) =>
    name
      .trim()
      .replace(/^\uFEFF/, "")
      .replace(/^"(.*)"$/, "$1"),
  );

/** Lines of `of` that `other` has not, as often as it has them more. */
function onlyIn(of: readonly string[], other: readonly string[]): { readonly count: number; readonly first: readonly LineOfFile[] } {
  const left = new Map<string, number>();
  for (const line of other) left.set(line, (left.get(line) ?? 0) + 1);
  const first: LineOfFile[] = [];
  let count = 0;
  of.forEach((text, at) => {
    const has = left.get(text) ?? 0;
    if (has > 0) {
      left.set(text, has - 1);
      return;
    }
    count += 1;
    if (first.length < mostShown) first.push({ line: at + 1, text: text.slice(0, 300) });
  });
  return { count, first };
}

export function differenceOf(before: string, now: string): FileDifference {
  const separator = { before: separatorOf(before), now: separatorOf(now) };
  const [old, fresh] = [linesOf(before), linesOf(now)];
  const columns = { before: columnsOf(old[0] ?? "", separator.before), now: columnsOf(fresh[0] ?? "", separator.now) };
  return {
    columns: {
      ...columns,
      gone: columns.before.filter((name) => !columns.now.includes(name)),
      added: columns.now.filter((name) => !columns.before.includes(name)),
    },
    separator,
    lines: { before: old.length, now: fresh.length },
    added: onlyIn(fresh, old),
    gone: onlyIn(old, fresh),
  };
}

/** Whether a file of this name is text that can be compared here. */
export const isComparable = (key: string): boolean => /\.(?:csv|tsv|txt|tab|jsonl|ndjson|json|ya?ml)(?:\.gz)?$/i.test(key);

export const mostCompared = 2 << 20;

/** The first part of a body as text, unpacked where its name says so; whether that is all of it. */
export async function readStart(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  key: string,
): Promise<{ readonly text: string; readonly isWhole: boolean }> {
  const source = /\.gz$/i.test(key) ? body.pipeThrough(new DecompressionStream("gzip")) : body;
  const reader = source.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), isWhole: true };
    text += decoder.decode(value, { stream: true });
    size += value.byteLength;
    if (size < mostCompared) continue;
    await reader.cancel();
    // A last line that is not whole is no difference.
    return { text: text.slice(0, text.lastIndexOf("\n") + 1), isWhole: false };
  }
}
