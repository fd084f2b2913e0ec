// Output: results to standard output, everything said about them to standard error.
//
//   O1. A cell never moves the cursor and hides nothing: such characters are shown as their codes, in JSON as escapes.
//   O2. A table on a terminal fits its width: long cells end in an ellipsis, numbers never. Elsewhere, and in JSON, every cell is complete.
//   O3. A reader that goes away (`| head`) ends the command quietly, with the app closed behind it.
//   O4. On a terminal times are told as how long ago, and a column "state" has colours (not with NO_COLOR); elsewhere times are in full, and nothing has.

import process from "node:process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { styleText } from "node:util";
import type * as bars from "cli-progress";
import { agoText, instantText } from "../figures.ts";
import { visible, visibleJson } from "../text.ts";
import type { Cell, CommandTools, Instant, Printer, Progress, TableOptions } from "./contract.ts";

/** Where a command writes; streams as arguments so that tests read them. Sizes are those of the moment: a window changes under `--watch`. */
export interface Output {
  readonly columns: number;
  /** The width of the terminal that shows standard output; absent: it goes elsewhere, where nothing is cut. */
  readonly terminalColumns?: number | undefined;
  readonly terminalRows?: number | undefined;
  /** Whether standard output may hold colours. Default: not. */
  readonly color?: boolean | undefined;
  /** Whether a person sees standard error now: bars instead of lines. */
  readonly live: boolean;
  /** One or more whole lines to standard output. */
  print(text: string): void;
  /** Bytes to standard output, waiting while the reader is slow. */
  write(bytes: Uint8Array): Promise<void>;
  /** A word about the work, to standard error. */
  say(text: string): void;
}

export function processOutput(): Output {
  const { stdout, stderr } = process;
  // A terminal that does not know its size says 0.
  const columns = (): number => stdout.columns || Number(process.env["COLUMNS"]) || 100;
  return {
    get columns() {
      return columns();
    },
    get terminalColumns() {
      return stdout.isTTY ? columns() : undefined;
    },
    get terminalRows() {
      return stdout.isTTY ? stdout.rows || undefined : undefined;
    },
    color: stdout.isTTY && stdout.hasColors(),
    live: stderr.isTTY && process.env["TERM"] !== "dumb",
    print: (text) => void stdout.write(`${text}\n`),
    write: async (bytes) => {
      if (!stdout.write(bytes)) await once(stdout, "drain");
    },
    say: (text) => void stderr.write(`${text}\n`),
  };
}

/** What a command gets, made of where it writes. */
export function makeCommandTools(output: Output, more: Omit<CommandTools, "print" | "progress">): CommandTools {
  return { ...more, print: makePrinter(output), progress: (title) => makeProgress(output, title) };
}

export function makePrinter(output: Output): Printer {
  return {
    isTerminal: output.terminalColumns !== undefined,
    table: (rows, options) => {
      if (options.json) output.print(toJson(rows));
      else if (rows.length === 0) output.say(options.empty);
      else output.print(renderTable(rows, options.columns, { fit: output.terminalColumns, color: output.color }));
    },
    json: (value) => output.print(toJson(value)),
    line: (text) => output.print(text),
    bytes: (bytes) => output.write(bytes),
    say: (text) => output.say(text),
  };
}

/** The one form of JSON that commands print: two spaces, `undefined` left out, bigint as text. */
function toJson(value: unknown): string {
  return visibleJson(JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner), 2));
}

/** Where a table is shown. */
export interface Shown {
  /** How many columns of a terminal there are: cells give way to them as far as headings and numbers allow (O2), and times are told as how long ago. */
  readonly fit?: number | undefined;
  readonly color?: boolean | undefined;
  /** Milliseconds since 1970 from which "ago" counts. */
  readonly nowMs?: number;
}

/** An aligned table; numbers to the right. The last column is not padded, so that lines have no trailing space. */
export function renderTable<Row extends object>(
  rows: readonly Row[],
  given?: TableOptions<Row>["columns"],
  { fit, color = false, nowMs = Date.now() }: Shown = {},
): string {
  const columns = Object.entries(given ?? fieldsOf(rows));
  const cells = rows.map((row) => columns.map(([, cell]) => cellText(cell(row), fit === undefined ? undefined : nowMs)));
  const numeric = columns.map(([, cell]) => rows.every((row) => isNumber(cell(row))));
  const wanted = columns.map(([name], at) => cells.reduce((most, line) => Math.max(most, width(line[at] ?? "")), width(name)));
  const least = columns.map(([name], at) => ((numeric[at] ?? false) ? (wanted[at] ?? 0) : Math.max(width(name), leastCell)));
  const widths = fit === undefined ? wanted : fitWidths(wanted, least, fit - gap.length * (columns.length - 1));
  const line = (values: readonly string[], paint = plain): string =>
    values
      .map((value, at) => {
        const shown = cut(value, widths[at] ?? 0);
        const pad = at === values.length - 1 && !(numeric[at] ?? false) ? "" : " ".repeat(Math.max(0, (widths[at] ?? 0) - width(shown)));
        return (numeric[at] ?? false) ? pad + paint(shown, at) : paint(shown, at) + pad;
      })
      .join(gap)
      .trimEnd();
  const ofState = (text: string, at: number): string => (columns[at]?.[0] === "state" ? styled(stateStyles.get(text), text) : text);
  return [line(columns.map(([name]) => name.toUpperCase())), ...cells.map((values) => line(values, color ? ofState : plain))].join("\n");
}

const plain = (text: string, _column: number): string => text;

type Style = "green" | "red" | "yellow" | "cyan" | "gray";

/** Good, bad, waiting for somebody, at work, over without a word. Of the words that parts of the app use for states. */
const stateStyles: ReadonlyMap<string, Style> = new Map(
  Object.entries({
    green: ["done", "active", "open", "sent", "delivered", "redriven", "released"],
    red: ["failed", "dead", "refused", "unsure", "expired"],
    yellow: ["waiting", "retrying", "partly", "paused", "held", "stale"],
    cyan: ["running", "training"],
    gray: ["cancelled", "dropped", "revoked", "replaced", "withdrawn"],
  } as const satisfies Record<Style, readonly string[]>).flatMap(([style, states]) => states.map((state) => [state, style as Style])),
);

const styled = (style: Style | undefined, text: string): string =>
  style === undefined ? text : styleText(style, text, { validateStream: false });

const gap = "  ";
/** What is left of a cell at least; less says nothing. */
const leastCell = 8;

/** Widths that together take at most `total`, if they can: the widest give way first, none below its least. */
function fitWidths(wanted: readonly number[], least: readonly number[], total: number): readonly number[] {
  const widthsAt = (cap: number): readonly number[] => wanted.map((width, at) => Math.min(width, Math.max(cap, least[at] ?? 0)));
  for (let cap = Math.min(total, Math.max(...wanted)); cap > 0; cap--) {
    const widths = widthsAt(cap);
    if (widths.reduce((sum, width) => sum + width, 0) <= total) return widths;
  }
  return widthsAt(0);
}

/** The text if it takes no more columns, else its beginning and an ellipsis. */
function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let kept = "";
  let taken = 1;
  for (const letter of text) {
    taken += width(letter);
    if (taken > columns) break;
    kept += letter;
  }
  return `${kept}\u2026`;
}

/** The fields of the first row, as columns. */
function fieldsOf<Row extends object>(rows: readonly Row[]): Readonly<Record<string, (row: Row) => Cell>> {
  const cell = (value: unknown): Cell =>
    value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean" || isInstant(value)
      ? value
      : JSON.stringify(value);
  return Object.fromEntries(Object.keys(rows[0] ?? {}).map((name) => [name, (row: Row) => cell(Reflect.get(row, name))]));
}

const isInstant = (value: unknown): value is Instant => typeof value === "object" && value !== null && Object.keys(value).join("") === "at";

const isNumber = (cell: Cell): boolean => typeof cell === "number" || cell === undefined || cell === null;

/** With `nowMs`, times are told as how long ago. */
function cellText(cell: Cell, nowMs: number | undefined): string {
  if (cell === undefined || cell === null) return "-";
  if (typeof cell === "object") return nowMs === undefined ? instantText(cell.at) : agoText(cell.at, nowMs);
  return printable(String(cell));
}

/** One line in which nothing hides (O1). */
export function printable(text: string): string {
  return visible(text.replaceAll(/\s*\n\s*/g, " "));
}

/** Columns on a terminal: wide East Asian letters and emoji take two, marks none. */
function width(text: string): number {
  let columns = 0;
  for (const letter of text) columns += /\p{Mn}|\p{Me}|\u200D|\uFE0F/u.test(letter) ? 0 : isWide(letter) ? 2 : 1;
  return columns;
}

const isWide = (letter: string): boolean =>
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u.test(letter);

/** Work that tells how far it is; the bar ends with it, whatever happens. */
export async function withProgress<Result>(
  tools: Pick<CommandTools, "progress">,
  title: string,
  work: (progress: Progress) => Promise<Result>,
): Promise<Result> {
  const progress = tools.progress(title);
  try {
    return await work(progress);
  } finally {
    progress.end();
  }
}

const plainEveryMs = 5_000;

/** Loaded with the first bar, because most commands show none. */
function loadBars(): typeof bars {
  return createRequire(import.meta.url)("cli-progress");
}

/** A bar on a terminal; elsewhere a line at most every five seconds, so that a log stays readable. */
export function makeProgress(output: Output, title: string): Progress {
  if (output.live) {
    const { SingleBar } = loadBars();
    const bar = new SingleBar({
      format: `${printable(title)} {bar} {percentage}% {note}`,
      hideCursor: true,
      clearOnComplete: true,
      noTTYOutput: false,
    });
    let started = false;
    return {
      update: (done, total, note = "") => {
        // Of an unknown total the bar stays empty; the note tells how far it is.
        if (started) bar.setTotal(total || 1);
        else bar.start(total || 1, 0, { note: "" });
        started = true;
        bar.update(total > 0 ? done : 0, { note: printable(note) });
      },
      end: () => bar.stop(),
    };
  }
  let lastMs = performance.now();
  return {
    update: (done, total, note = "") => {
      const nowMs = performance.now();
      if (nowMs - lastMs < plainEveryMs) return;
      lastMs = nowMs;
      const share = total > 0 ? `${Math.floor((100 * done) / total)}% ` : "";
      output.say(`${title}: ${share}${printable(note)}`.trimEnd());
    },
    end: () => {},
  };
}
