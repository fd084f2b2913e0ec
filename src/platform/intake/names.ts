// Names of columns, made comparable: "Ship-To Qty.", "shipToQty" and "SHIP_TO_QTY" are the same words.

/** A name as words in lower case, without accents. */
export const wordsOfName = (name: string): string =>
  name
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, " ")
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll("ß", "ss")
    .replaceAll("ł", "l")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}%]+/gu, " ")
    .trim();

/** Where in a list of wanted names the words of one stand, the first list the best; undefined when in none. A list's entry fits whole words. */
export function rankOfName(name: string, lists: readonly (readonly string[])[]): number | undefined {
  const words = ` ${wordsOfName(name)} `;
  const exact = lists.findIndex((list) => list.some((entry) => words === ` ${entry} `));
  if (exact >= 0) return exact;
  const within = lists.findIndex((list) => list.some((entry) => words.includes(` ${entry} `)));
  return within < 0 ? undefined : lists.length + within;
}
