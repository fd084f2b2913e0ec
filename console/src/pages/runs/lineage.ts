// Lineage: what a run was given and what it made, found in its input and output: objects, lines, models, groups, runs.
//
//   L1. Only what has the form of the thing is a link; all else stays in the JSON that is shown beside it.

export interface Link {
  readonly kind: "object" | "line" | "model" | "group" | "run" | "forecast";
  readonly name: string;
  /** Of objects. */
  readonly version?: string;
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** The beginnings of keys that the modules read and write. */
const objectKey = /^(?:classify|forecast|images|publish)\/\S.*[^/]$|^forecast-defaults\.yaml$/;
/** The moment of a forecast and its content: a forecast, which a run made, has a name of its own. */
const forecastId = /^\d{8}T\d{6}Z-[0-9a-f]+$/;
const lineName = /^[A-Z]{2,3}-[A-Za-z0-9][A-Za-z0-9_-]*$/;

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

const mostLinks = 40;

/** The links in a value, each once, in the order in which they come. */
export function linksIn(value: unknown): readonly Link[] {
  const found = new Map<string, Link>();
  const add = (link: Link): void => {
    const id = `${link.kind} ${link.name}`;
    const before = found.get(id);
    if (before === undefined ? found.size < mostLinks : before.version === undefined && link.version !== undefined) found.set(id, link);
  };
  const walk = (value: unknown, depth: number): void => {
    if (depth > 8) return;
    if (Array.isArray(value)) for (const one of value) walk(one, depth + 1);
    else if (isText(value)) {
      if (objectKey.test(value)) add({ kind: "object", name: value });
    } else if (isFields(value)) walkFields(value, depth);
  };
  const walkFields = (fields: Fields, depth: number): void => {
    const { key, version, line, model, group, run, runId } = fields;
    if (isText(key) && objectKey.test(key)) add({ kind: "object", name: key, ...(isText(version) ? { version } : {}) });
    if (isText(line) && lineName.test(line)) add({ kind: "line", name: line });
    if (isText(model) && !objectKey.test(model)) add({ kind: "model", name: model });
    if (isText(group)) add({ kind: "group", name: group });
    for (const id of [run, runId]) if (isText(id)) add({ kind: forecastId.test(id) ? "forecast" : "run", name: id });
    // What names a run may begin as a key does.
    for (const [name, one] of Object.entries(fields)) if (!["key", "run", "runId"].includes(name) || !isText(one)) walk(one, depth + 1);
  };
  walk(value, 0);
  return [...found.values()];
}

/** The object that a run was started for, where it was started for one. */
export const fileOf = (input: unknown): Link | undefined => linksIn(input).find(({ kind }) => kind === "object");
