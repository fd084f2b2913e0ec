// Questions: what a file does not tell is asked on a terminal, and is an error where nobody can answer.

import { createInterface } from "node:readline/promises";
import process from "node:process";
import { StockroomError } from "../errors.ts";

export interface FileQuestion {
  readonly about: string;
  /** What is asked, with what speaks for each answer. */
  readonly text: string;
  /** Flags that answer it; `COLUMN` in one stands for a name to be asked for. */
  readonly answers: readonly string[];
}

export type FileFlags = Readonly<Record<string, unknown>>;

/**
 * Asks the first question on a terminal and gives the flags with its answer; undefined when there is none.
 *
 * Throws `input` `INTAKE_QUESTION` with all questions where nobody can answer, and at the end of input.
 */
export async function answerQuestions(
  name: string,
  questions: readonly FileQuestion[],
  flags: FileFlags,
  signal: AbortSignal,
): Promise<FileFlags | undefined> {
  const [question] = questions;
  if (question === undefined) return undefined;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new StockroomError(
      "input",
      "INTAKE_QUESTION",
      `Expected to know how ${name} is to be read but it does not tell everything. ${questions.map(({ text, answers }) => `${text} Say ${answers.join(" or ")}.`).join(" ")}`,
      { facts: { about: questions.map(({ about }) => about).join(", ") } },
    );
  }
  return { ...flags, ...(await askPerson(question, flags, signal)) };
}

/** Flags of an answer such as `--map "Menge=demand" --max-bad-share 0.4`, by name; true for one without a value. */
export function readAnswer(answer: string): Readonly<Record<string, string | true>> {
  const found: Record<string, string | true> = {};
  for (const part of answer.split(/\s+(?=--[a-z])/)) {
    const [, name = "", value] = /^--([a-z-]+)(?:\s+(.*))?$/.exec(part.trim()) ?? [];
    if (name !== "") found[name] = value === undefined ? true : value.replace(/^"(.*)"$/, "$1");
  }
  return found;
}

/** Asks until an answer can be used: the number of a choice, the flag itself, or for a column its name. */
async function askPerson({ text, answers }: FileQuestion, flags: FileFlags, signal: AbortSignal): Promise<FileFlags> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const gone = new AbortController();
  terminal.once("close", () => gone.abort());
  const ask = async (words: string): Promise<string> =>
    (await terminal.question(words, { signal: AbortSignal.any([signal, gone.signal]) })).trim();
  try {
    const choices = answers.map((answer, index) => `  ${index + 1}  ${answer}`).join("\n");
    for (;;) {
      const answer = await ask(`${text}\n${choices}\n> `);
      const chosen = answers[Number(answer) - 1] ?? answer;
      const filled = chosen.includes("COLUMN") ? chosen.replace("COLUMN", await ask("Column: ")) : chosen;
      const said = readAnswer(filled);
      if (Object.keys(said).length === 0 || !Object.keys(said).every((name) => answers.some((each) => each.includes(`--${name}`))))
        continue;
      const before = flags["map"];
      const known = typeof before === "string" && before.trim() !== "" ? before : undefined;
      return typeof said["map"] === "string" && known !== undefined ? { ...said, map: `${known},${said["map"]}` } : said;
    }
  } catch (thrown) {
    if (!gone.signal.aborted || signal.aborted) throw thrown;
    throw new StockroomError("input", "INTAKE_QUESTION", `Expected an answer but the input ended. ${text} Say ${answers.join(" or ")}.`);
  } finally {
    terminal.close();
  }
}
