// Gif: whether a GIF is whole, by walking its blocks.
//
//   G1. A GIF cut short decodes to fewer frames without a word. A whole one reaches its trailer; what stands behind it (padding, a line break, what
//       a camera or an editor adds) is nobody's business, as browsers have it.

/** Whether the blocks of a GIF lead to its trailer. Takes time in proportion to the number of blocks of 255 bytes. */
export function isWholeGif(bytes: Uint8Array): boolean {
  const tableBytes = (flags: number): number => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1));
  /** Behind a chain of sub-blocks, or undefined when it does not end. */
  const behind = (from: number): number | undefined => {
    let at = from;
    for (;;) {
      const length = bytes[at];
      if (length === undefined) return undefined;
      at += 1 + length;
      if (length === 0) return at;
    }
  };
  let at: number | undefined = 13 + tableBytes(bytes[10] ?? 0);
  while (at !== undefined) {
    const kind: number | undefined = bytes[at];
    if (kind === 0x3b) return true;
    if (kind === 0x21) at = behind(at + 2);
    else if (kind === 0x2c) at = behind(at + 11 + tableBytes(bytes[at + 9] ?? 0));
    // Some writers pad between blocks.
    else if (kind === 0) at += 1;
    else return false;
  }
  return false;
}
