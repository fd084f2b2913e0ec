// Parameters of a query: `:name` stands for a value that is asked for beside it, so that one saved query answers many questions.
//
//   P1. What stands in quotes, comments, or behind a further colon (`::date`) is no parameter.
//   P2. A value goes in as a literal: a number as it is, anything else in quotes, doubled where it has some. It cannot become SQL.

/** The pieces of a query between which nothing of SQL is cut: quotes, comments, `::`, parameters, the rest. */
const pieces = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|::|:([A-Za-z_]\w*)|[^'":/-]+|[\s\S]/g;

/** Names of the parameters, each once, in the order in which they come. */
export function parametersOf(query: string): readonly string[] {
  const names = [...query.matchAll(pieces)].flatMap(([, name]) => (name === undefined ? [] : [name]));
  return [...new Set(names)];
}

/** The query with its values. A parameter without a value is NULL. */
export function withValues(query: string, values: Readonly<Record<string, string>>): string {
  return query.replaceAll(pieces, (piece: string, name: string | undefined) => (name === undefined ? piece : literal(values[name] ?? "")));
}

function literal(value: string): string {
  if (value === "") return "NULL";
  return /^-?(?:0|[1-9]\d{0,14})(?:\.\d+)?$/.test(value) ? value : `'${value.replaceAll("'", "''")}'`;
}
