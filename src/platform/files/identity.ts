// Identity: is this still the file it was?

/** What `stat` with `bigint: true` says of a file. */
interface FileFacts {
  readonly ino: bigint;
  readonly mtimeNs: bigint;
  readonly size: bigint;
}

/** Tells one state of one file from any other, as a short text; survives a rename. */
export function fileStateOf({ mtimeNs, size, ino }: FileFacts): string {
  return [mtimeNs, size, ino].map((each) => each.toString(36)).join("-");
}
