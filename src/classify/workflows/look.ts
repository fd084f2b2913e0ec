// What a classifier could make of a stranger's table: which column holds the right code, which texts it would be read from.

import type { ColumnProfile, FileProfile } from "../../platform/intake/profile.ts";
import { rankOfName } from "../../platform/intake/names.ts";

const labelNames = [
  [
    "label",
    "code",
    "category",
    "class",
    "target",
    "hs code",
    "commodity code",
    "waste code",
    "tariff code",
    "kategorie",
    "warengruppe",
    "klasse",
    "categoria",
    "categorie",
    "categoria id",
  ],
  ["category id", "product type", "type", "department", "segment", "group", "product category", "google product category", "taxonomy"],
] as const;
const textNames = [
  [
    "title",
    "name",
    "product name",
    "product title",
    "item name",
    "titel",
    "bezeichnung",
    "artikelbezeichnung",
    "nom",
    "nombre",
    "titulo",
    "nome",
  ],
  ["description", "beschreibung", "descripcion", "body", "body html", "long description", "details", "text", "ingredients"],
  ["brand", "vendor", "manufacturer", "marke", "hersteller", "marca", "marque"],
] as const;

/** Fewer items of a code than this teach little. */
const fewestPerCode = 2;

const rank = (column: ColumnProfile, lists: readonly (readonly string[])[]): number =>
  rankOfName(column.name, lists) ?? Number.POSITIVE_INFINITY;

/** Lines for a person; none where no column could be a code, or none a text to read it from. */
export function adviceOn(profile: FileProfile): readonly string[] {
  const texts = profile.columns
    .filter(
      (column) =>
        column.kind === "text" && Number.isFinite(rank(column, textNames)) && (column.many || column.distinct > 0.2 * column.filled),
    )
    .toSorted((a, b) => rank(a, textNames) - rank(b, textNames));
  const codes = profile.columns
    .filter(
      (column) =>
        !texts.includes(column) &&
        (column.kind === "text" || column.number?.whole === true) &&
        column.distinct > 1 &&
        !column.many &&
        column.filled >= fewestPerCode * column.distinct,
    )
    .filter((column) => Number.isFinite(rank(column, labelNames)))
    .toSorted((a, b) => rank(a, labelNames) - rank(b, labelNames));
  const [label] = codes;
  if (label === undefined || texts.length === 0) return [];
  const names = texts.map(({ name }) => name).join(",");
  const quote = (text: string): string => (/^[\w./,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`);
  const path = label.examples.some((text) => /\s>\s|^\[/.test(text))
    ? [`${label.name} holds paths of categories: a level of them is the code`]
    : [];
  return [
    `code: ${label.name} (${label.distinct} codes, ${label.filled} items with one)`,
    `read from: ${names}`,
    ...path,
    `stockroom classify fit ${quote(profile.name)} --label ${quote(label.name)} --text ${quote(names)} --out codes.model`,
  ];
}
