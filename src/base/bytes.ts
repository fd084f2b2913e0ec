// Bytes: the one shape in which bytes move through the house.

/** A stream of bytes, pulled by its reader; a slow reader slows the source. */
export type Body = AsyncIterable<Uint8Array>;

/** Puts a small body into one piece. The caller has bounded it. */
export async function gather(body: Body): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}
