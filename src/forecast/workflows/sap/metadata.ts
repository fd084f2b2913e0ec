// $metadata of an OData V2 service: the types of an entity set's fields and its key, where the service tells them.

import { SaxesParser } from "saxes";

export interface SetShape {
  /** Edm type of each field, `Edm.Decimal`. */
  readonly types: ReadonlyMap<string, string>;
  /** The fields of the entity's key. */
  readonly keys: readonly string[];
}

/** Reads the shape of an entity set; `undefined` when the text is no $metadata or does not know the set. Entities and DTDs are not followed (saxes knows none). */
export function readMetadata(text: string, set: string): SetShape | undefined {
  const types = new Map<string, { readonly types: Map<string, string>; readonly keys: string[] }>();
  const sets = new Map<string, string>();
  let current: { readonly types: Map<string, string>; readonly keys: string[] } | undefined;
  const local = (name: string): string => name.slice(name.indexOf(":") + 1);
  const parser = new SaxesParser({ xmlns: false });
  parser.on("opentag", (tag) => {
    const name = local(tag.name);
    const attribute = (key: string): string => tag.attributes[key] ?? "";
    if (name === "EntityType") types.set(attribute("Name"), (current = { types: new Map(), keys: [] }));
    else if (name === "Property") current?.types.set(attribute("Name"), attribute("Type"));
    else if (name === "PropertyRef") current?.keys.push(attribute("Name"));
    else if (name === "EntitySet") sets.set(attribute("Name"), attribute("EntityType"));
  });
  parser.on("closetag", (tag) => {
    if (local(tag.name) === "EntityType") current = undefined;
  });
  try {
    parser.write(text).close();
  } catch {
    return undefined;
  }
  const type = sets.get(set);
  return type === undefined ? undefined : types.get(type.slice(type.lastIndexOf(".") + 1));
}

/** What a type is to a column of a file. */
export function columnTypeOf(edm: string | undefined): "text" | "number" | "time" {
  if (edm === "Edm.DateTime" || edm === "Edm.DateTimeOffset") return "time";
  return /^Edm\.(?:Decimal|Double|Single|Byte|SByte|Int(?:16|32|64))$/.test(edm ?? "") ? "number" : "text";
}
