// Golden cases: what was asked and what the reference said of it, side by side.

/**
 * The entries of two records under the same keys, joined. Throws where one lacks a key of the other: a case without its answer is no case.
 *
 * @example
 * test.each(joinEntries(input.series, expected.series))("%s", (name, { values, mean }) => ...);
 */
export function joinEntries<Input, Expected>(
  input: Readonly<Record<string, Input>>,
  expected: Readonly<Record<string, Expected>>,
): readonly (readonly [name: string, entry: Input & Expected])[] {
  const names = Object.keys(input);
  if (Object.keys(expected).length !== names.length)
    throw new Error("Expected an answer to every input. Run `npm run golden -- --accept`.");
  return names.map((name) => {
    const answer = expected[name];
    if (answer === undefined) throw new Error(`Expected an answer to "${name}". Run \`npm run golden -- --accept\`.`);
    return [name, { ...input[name], ...answer }];
  });
}

/** The same for lists. */
export function joinLists<Input, Expected>(input: readonly Input[], expected: readonly Expected[]): readonly (Input & Expected)[] {
  if (input.length !== expected.length) throw new Error("Expected an answer to every input. Run `npm run golden -- --accept`.");
  return input.map((each, at) => ({ ...each, ...expected[at] }));
}
