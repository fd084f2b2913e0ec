// The section Datasets of a forecast-defaults.yaml: which files a group has, and their columns.

import type { Frequency } from "../../engine/contract.ts";
import {
  type AttributeType,
  type Domain,
  domains,
  type InputKind,
  mostDimensions,
  type SchemaAttribute,
  targetAliases,
} from "../inputs/schema.ts";
import type { Place, Reading } from "../../../platform/documents/index.ts";
import { readFrequency, readTags } from "./parts.ts";
import type { DatasetSettings } from "./settings.ts";

export const domainNames = Object.keys(domains) as readonly Domain[];

const kinds = { TARGET_TIME_SERIES: "target", RELATED_TIME_SERIES: "related", ITEM_METADATA: "metadata" } as const satisfies Record<
  string,
  InputKind
>;
const kindNames = Object.keys(kinds) as readonly (keyof typeof kinds)[];
const attributeTypes: readonly AttributeType[] = ["string", "integer", "float", "timestamp", "geolocation"];
const nameRule = /^[a-zA-Z][a-zA-Z0-9_]{0,62}$/;

export interface DatasetSection extends DatasetSettings {
  readonly place: Place;
  readonly domain: Domain | undefined;
}

export type DatasetSections = Partial<Record<InputKind, DatasetSection>>;

/** Reads a list of datasets; undefined when it is no list. */
export function readDatasets(reading: Reading, place: Place): DatasetSections | undefined {
  const items = reading.list(place, "Datasets");
  if (items === undefined) return undefined;
  const found: DatasetSections = {};
  for (const item of items) {
    const dataset = readDataset(reading, item);
    if (dataset === undefined) continue;
    if (found[dataset.kind] !== undefined)
      reading.problem(item, `Expected one dataset of each type but ${dataset.type} comes twice. Remove one.`);
    else found[dataset.kind] = dataset.section;
  }
  if (found.target === undefined) reading.problem(place, "Expected a dataset of type TARGET_TIME_SERIES but there is none. Add it.");
  return found;
}

function readDataset(
  reading: Reading,
  place: Place,
): { readonly kind: InputKind; readonly type: string; readonly section: DatasetSection } | undefined {
  let type: keyof typeof kinds | undefined;
  let domain: Domain | undefined;
  let frequency: Frequency | undefined;
  let frequencyPlace: Place | undefined;
  let formatPlace: Place | undefined;
  let format: "yyyy-MM-dd" | "yyyy-MM-dd HH:mm:ss" | undefined;
  let schemaPlace: Place | undefined;
  let typePlace: Place | undefined;
  const good = reading.map(
    place,
    "a dataset",
    {
      Domain: (at) => (domain = reading.choice(at, "Domain", domainNames)),
      DatasetType: (at) => {
        typePlace = at;
        type = reading.choice(at, "DatasetType", kindNames);
      },
      DataFrequency: (at) => {
        frequencyPlace = at;
        frequency = readFrequency(reading, at, "DataFrequency");
      },
      TimestampFormat: (at) => {
        formatPlace = at;
        format = reading.choice(at, "TimestampFormat", ["yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss"]);
      },
      Schema: (at) => (schemaPlace = at),
      GeolocationFormat: (at) => {
        if (reading.choice(at, "GeolocationFormat", ["LAT_LONG", "CC_POSTALCODE"]) !== undefined)
          reading.note(at, "A geolocation is a dimension like any other here; no weather is looked up for it.");
      },
      TimeZone: (at) => {
        if (reading.text(at, "TimeZone") !== undefined)
          reading.note(at, "Timestamps are taken as they stand, as times of one clock; holidays fall on the dates they have.");
      },
      UseGeolocationForTimeZone: (at) => {
        if (reading.flag(at, "UseGeolocationForTimeZone") === true)
          reading.note(at, "Timestamps are taken as they stand, as times of one clock.");
      },
      EncryptionConfig: (at) => reading.note(at, "Everything stored is encrypted with the keys of this store."),
      Tags: (at) => void readTags(reading, at),
    },
    { DatasetName: "datasets are named after their group." },
  );
  if (!good) return undefined;
  const missing = (key: string): void => reading.problem(place, `Expected ${key} of the dataset but it is missing. Add it.`);
  if (typePlace === undefined) missing("DatasetType");
  if (type === undefined) return undefined;
  const kind = kinds[type];
  if (kind === "metadata") {
    if (frequencyPlace !== undefined) reading.note(frequencyPlace, "Metadata has no frequency; this one has no effect.");
    if (formatPlace !== undefined) reading.note(formatPlace, "Metadata has no timestamps; this format has no effect.");
  } else if (frequencyPlace === undefined) missing("DataFrequency");
  if (
    kind !== "metadata" &&
    format === "yyyy-MM-dd" &&
    (frequency?.unit === "H" || frequency?.unit === "min") &&
    formatPlace !== undefined
  ) {
    reading.problem(formatPlace, "Expected yyyy-MM-dd HH:mm:ss for data finer than a day but received yyyy-MM-dd. Correct one of the two.");
  }
  let schema: readonly SchemaAttribute[] = [];
  if (schemaPlace === undefined) missing("Schema");
  else schema = readSchema(reading, schemaPlace, kind, domain);
  return { kind, type, section: { place, domain, schema, frequency: kind === "metadata" ? undefined : frequency } };
}

function readSchema(reading: Reading, place: Place, kind: InputKind, domain: Domain | undefined): readonly SchemaAttribute[] {
  const schema: SchemaAttribute[] = [];
  let listPlace: Place | undefined;
  reading.map(place, "Schema", { Attributes: (at) => (listPlace = at) });
  if (listPlace === undefined) {
    reading.problem(place, "Expected Attributes in the Schema but there are none. Add them in the order of the columns.");
    return schema;
  }
  const items = reading.list(listPlace, "Attributes") ?? [];
  for (const item of items) {
    let name: string | undefined;
    let type: AttributeType | undefined;
    reading.map(item, "an attribute", {
      AttributeName: (at) => {
        name = reading.text(at, "AttributeName");
        if (name !== undefined && !nameRule.test(name))
          reading.problem(
            at,
            `Expected AttributeName of letters, digits and _, beginning with a letter, at most 63, but received "${name}".`,
          );
      },
      AttributeType: (at) => (type = reading.choice(at, "AttributeType", attributeTypes)),
    });
    if (name === undefined || type === undefined) {
      if (name === undefined) reading.problem(item, "Expected AttributeName and AttributeType but one is missing or wrong.");
      continue;
    }
    if (schema.some((each) => each.name === name)) reading.problem(item, `Expected each attribute once but ${name} comes twice.`);
    else schema.push({ name, type });
  }
  if (domain !== undefined) checkSchema(reading, listPlace, schema, kind, domain);
  return schema;
}

function checkSchema(reading: Reading, place: Place, schema: readonly SchemaAttribute[], kind: InputKind, domain: Domain): void {
  const names = domains[domain];
  const need = (what: string, types: readonly AttributeType[], ...wanted: readonly string[]): void => {
    const found = schema.find(({ name }) => wanted.includes(name));
    if (found === undefined)
      reading.problem(place, `Expected the attribute ${wanted[0]} (the ${what} of ${domain}) but it is missing. Add it.`);
    else if (!types.includes(found.type))
      reading.problem(place, `Expected ${found.name} as ${types.join(" or ")} but its type is ${found.type}.`);
  };
  need("item", ["string"], names.item);
  if (kind !== "metadata") need("timestamp", ["timestamp"], "timestamp");
  if (kind === "target") {
    need("target", ["float", "integer"], names.target, ...(targetAliases[domain] ?? []));
    if (schema.length - 3 > mostDimensions)
      reading.problem(
        place,
        `Expected at most ${mostDimensions} dimensions beside item, timestamp and target but there are ${schema.length - 3}.`,
      );
  }
}
