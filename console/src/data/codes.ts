// Codes: the law's own words for the codes of schemes, asked of the server as far as a scheme was imported.

import { client, isStockroomError } from "./client.ts";
import { makeCodeBook, type Code, type CodeBook } from "./codebook.ts";
import { useAnswer, type Asked } from "./query.ts";

async function readScheme(scheme: string, signal: AbortSignal): Promise<ReadonlyMap<string, readonly Code[]> | undefined> {
  try {
    const { schemes } = await client.call("GET /api/classify/schemes", { query: { scheme }, signal });
    const [first] = schemes;
    if (first === undefined || typeof first.scheme === "string") return undefined;
    return new Map(first.scheme.versions.map(({ version, codes }) => [version, codes]));
  } catch (error) {
    if (isStockroomError(error) && error.code === "SCHEME_MISSING") return undefined;
    throw error;
  }
}

/** The codes of these schemes. */
export function useCodes(schemes: readonly string[]): Asked<CodeBook> {
  const names = [...new Set(schemes)].toSorted();
  return useAnswer(
    ["codes", names],
    async (signal) => {
      const read = await Promise.all(names.map(async (scheme) => [scheme, await readScheme(scheme, signal)] as const));
      return makeCodeBook(new Map(read.flatMap(([scheme, versions]) => (versions === undefined ? [] : [[scheme, versions] as const]))));
    },
    { when: names.length > 0, keep: true },
  );
}
