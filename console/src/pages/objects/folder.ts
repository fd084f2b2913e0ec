// A folder of the store: what lies directly below a prefix. Keys are one flat list in order, so a folder is skipped over once it is known.
//
//   F1. A step reads `pageSize` keys. Where they end inside a folder, the next one begins behind it: a folder of a million keys costs one step.

export interface ListedObject {
  readonly key: string;
}

export interface FolderPage<Entry> {
  /** Names below the prefix, with the slash. */
  readonly folders: readonly string[];
  readonly objects: readonly Entry[];
  /** Where the rest begins; absent: that is all. */
  readonly next?: string;
}

export const pageSize = 200;
const mostSteps = 25;
/** The last letter there is: behind every key of a folder. */
const last = "\u{10FFFF}";

/** Folders and objects directly below `prefix`, from behind `after` on; as far as a bounded number of steps leads. */
export async function readFolder<Entry extends ListedObject>(
  list: (after: string | undefined) => Promise<readonly Entry[]>,
  prefix: string,
  after?: string,
): Promise<FolderPage<Entry>> {
  const folders = new Set<string>();
  const objects: Entry[] = [];
  let from = after;
  for (let step = 0; step < mostSteps; step++) {
    const found = await list(from);
    for (const entry of found) {
      const name = entry.key.slice(prefix.length);
      const slash = name.indexOf("/");
      if (slash < 0) objects.push(entry);
      else folders.add(name.slice(0, slash + 1));
    }
    const end = found.at(-1)?.key;
    if (end === undefined || found.length < pageSize) return { folders: [...folders], objects };
    const slash = end.indexOf("/", prefix.length);
    from = slash < 0 ? end : `${end.slice(0, slash + 1)}${last}`;
  }
  return { folders: [...folders], objects, ...(from === undefined ? {} : { next: from }) };
}

/** The folders above a place, each with its whole prefix: `a/b/` has "", `a/` and `a/b/`. */
export function above(prefix: string): readonly { readonly name: string; readonly prefix: string }[] {
  const parts = prefix.split("/").slice(0, -1);
  return [{ name: "All", prefix: "" }, ...parts.map((name, at) => ({ name, prefix: `${parts.slice(0, at + 1).join("/")}/` }))];
}

/** The folder that a key lies in. */
export const folderOf = (key: string): string => key.slice(0, key.lastIndexOf("/") + 1);
