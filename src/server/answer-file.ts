// Answer file: the answer to a question as the bytes of a file, the same over HTTP and at a shell.
//
//   The first rows are there before the first byte: what is wrong with a query is said instead of a file, not in the middle of one.

import type { Body } from "../platform/bytes.ts";
import { writeTable } from "../platform/formats/index.ts";
import { firstRows, plainCell, writeAnswerParquet, writeArrow, type Answer, type ExactCell } from "../platform/warehouse/index.ts";

export const fileForms = ["csv", "parquet", "arrow"] as const;
export type FileForm = (typeof fileForms)[number];

/** The ways to ask of which one is taken, by what the file has to hold. */
interface Asks {
  readonly plain: () => Promise<Answer>;
  readonly exact: () => Promise<Answer<ExactCell>>;
}

/** Asks for at most `limit` rows as a file; `isCut`, after the last byte: there were more. */
export async function answerFile(
  form: FileForm,
  { plain, exact }: Asks,
  limit: number,
): Promise<{ readonly body: Body; readonly isCut: () => boolean }> {
  if (form === "arrow") {
    const answer = firstRows(await exact(), limit);
    return { body: await writeArrow(answer, await begun(answer.batches)), isCut: answer.isCut };
  }
  const answer = firstRows(await plain(), limit);
  const batches = await begun(answer.batches);
  return { body: form === "parquet" ? await writeAnswerParquet(answer, batches) : csv(answer, batches), isCut: answer.isCut };
}

function csv({ columns }: Answer, batches: Answer["batches"]): Body {
  const cells = async function* (): AsyncGenerator<readonly (readonly (string | number | boolean | null)[])[]> {
    for await (const rows of batches) yield rows.map((row) => row.map(plainCell));
  };
  return writeTable(cells(), { format: "csv", columns, spreadsheet: true });
}

async function begun<T>(batches: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const rest = batches[Symbol.asyncIterator]();
  const first = await rest.next();
  return (async function* () {
    try {
      for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
    } finally {
      await rest.return?.();
    }
  })();
}
