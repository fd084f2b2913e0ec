// Files of `put` and `get`: what the system says of them in our words, and how far they are.

import { bytesText } from "../../platform/figures.ts";
import type { Body } from "../../platform/bytes.ts";
import { isStockroomError, StockroomError } from "../../platform/errors.ts";

export interface Source {
  readonly body: Body;
  readonly bytes: number | undefined;
}

export function fileError(file: string, cause: unknown): StockroomError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new StockroomError("missing", "FILE_MISSING", `Expected a file ${file} but there is none. Check the path.`, {
      facts: { file },
      cause,
    });
  }
  return new StockroomError(
    "denied",
    "FILE_DENIED",
    `Expected to be allowed to use ${file} but the system says ${code}. Check its permissions.`,
    {
      facts: { file, code },
      cause,
    },
  );
}

export async function* counted({ body, bytes }: Source, update: (done: number, total: number, note: string) => void): Body {
  let done = 0;
  for await (const chunk of body) {
    done += chunk.byteLength;
    if (bytes !== undefined) update(done, bytes, bytesText(done));
    yield chunk;
  }
}

/** The bytes of an answer as they come. A connection that breaks is told as what it is. */
export async function* bodyOf(answer: Response): Body {
  if (answer.body === null) return;
  try {
    yield* answer.body;
  } catch (cause) {
    if (isStockroomError(cause) || (cause instanceof Error && cause.name === "AbortError")) throw cause;
    throw new StockroomError(
      "busy",
      "SERVER_BROKE_OFF",
      "Expected the whole answer of the server but the connection ended before. Ask again; if it ends again, the server's log says why.",
      { cause },
    );
  }
}
