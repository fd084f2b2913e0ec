// Dead letters in groups: those with the same code about the same file are one thing to mend.

export interface Letter {
  readonly id: string;
  readonly workflow: string;
  readonly title: string;
  readonly error: { readonly code: string; readonly message: string; readonly facts: Readonly<Record<string, unknown>> };
  readonly at: string;
}

export interface LetterGroup<Of> {
  readonly id: string;
  readonly code: string;
  /** What they are about: a file, or what the workflow works on. */
  readonly about: string;
  readonly message: string;
  /** The newest first. */
  readonly letters: readonly Of[];
}

/** A key of the store, or a file by its name, as errors and titles name them. */
const fileName =
  /[\w.+@=-]+(?:\/[\w.+@=-]+)*\/[\w.+@=-]*\w|[\w+@=-]+\.(?:csv|tsv|txt|jsonl|ndjson|parquet|xlsx|zip|gz|ya?ml|json)(?:\.gz)?\b/;

/** The file that a letter is about; the workflow where none is named. */
export function aboutOf({ title, error, workflow }: Letter): string {
  for (const name of ["key", "file", "object"]) {
    const value = error.facts[name];
    if (typeof value === "string" && value !== "") return value;
  }
  return fileName.exec(title)?.[0] ?? fileName.exec(error.message)?.[0] ?? workflow;
}

/** The largest group first, of equal ones that with the newest letter. */
export function groupLetters<Of extends Letter>(letters: readonly Of[]): readonly LetterGroup<Of>[] {
  const groups = new Map<string, Of[]>();
  for (const letter of letters) {
    const id = `${letter.error.code} ${aboutOf(letter)}`;
    groups.set(id, [...(groups.get(id) ?? []), letter]);
  }
  return [...groups]
    .flatMap(([id, of]) => {
      const letters = of.toSorted((a, b) => b.at.localeCompare(a.at));
      const [first] = letters;
      return first === undefined ? [] : [{ id, code: first.error.code, about: aboutOf(first), message: first.error.message, letters }];
    })
    .toSorted((a, b) => b.letters.length - a.letters.length || (b.letters[0]?.at ?? "").localeCompare(a.letters[0]?.at ?? ""));
}
