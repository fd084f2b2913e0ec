// forecast-defaults.yaml: what is forecast how, for every dataset group, with every mistake told at once.
//
// Owns: inheritance from Default, datasets shared `From` another group, checks between sections. Does not own: sections (datasets.ts, predictor.ts, parts.ts).
//   D1. A section of a group (DatasetGroup, Datasets, Predictor or AutoPredictor, Forecast, Inputs, intake) replaces Default's section as a whole; a section
//       that a group does not have is Default's. Tags add up: Default's, the group's, its sections'.
//   D2. A group that the file does not name has Default's settings.
//   D3. One problem anywhere and there are no settings at all: nothing is trained from a file that is partly wrong.
//   D4. Entries whose name begins with `__` hold YAML anchors for others and are no groups, as in the original solution.

import { isMap } from "yaml";
import { StockroomError } from "../../../platform/errors.ts";
import { printFrequency, stepMinutes } from "../../engine/calendar/frequency.ts";
import type { AttributeRule, ReadInputsOptions } from "../inputs/read.ts";
import { type Domain, domains, type InputKind, type SchemaAttribute, targetAliases } from "../inputs/schema.ts";
import { type Place, Reading, type Remark } from "../../../platform/documents/index.ts";
import { type DatasetSections, domainNames, readDatasets } from "./datasets.ts";
import { readForecastTypes, readTags, type TagSection } from "./parts.ts";
import { type PredictorSection, readPredictor } from "./predictor.ts";
import { type GroupIntake, readIntakeBlock } from "../intake/said.ts";
import { readInputSettings } from "./inputs.ts";
import type { DatasetSettings, ForecastTypes, GroupSettings, InputSettings } from "./settings.ts";

/** The settings of a file without mistakes. */
export interface ForecastDefaults {
  readonly kind: "good";
  /** Groups the file names, without Default. */
  readonly names: readonly string[];
  /** Settings of any group; one that the file does not name has Default's. */
  group(name: string): GroupSettings;
  /** Groups that read the files of this one, itself first: all of them are forecast anew when these change. */
  dependents(name: string): readonly string[];
  /** What is honoured in another way than its words say. */
  readonly notes: readonly Remark[];
}

export interface BadDefaults {
  readonly kind: "bad";
  /** By line. */
  readonly problems: readonly Remark[];
}

const defaultName = "Default";

/**
 * Reads a forecast-defaults.yaml; `name` is the file's, for messages.
 *
 * @example
 * const parsed = parseDefaults(text, "forecast-defaults.yaml");
 * if (parsed.kind === "good") parsed.group("retail").horizon;
 */
export function parseDefaults(text: string, name: string): ForecastDefaults | BadDefaults {
  const reading = new Reading(text, name);
  if (reading.problems.length > 0) return bad(reading);
  const entries = reading.entries(reading.root, name);
  if (entries === undefined) return bad(reading);
  const groups = new Map<string, Group>();
  for (const [key, place] of entries) {
    if (!key.startsWith("__")) groups.set(key, readGroup(reading, key, place));
  }
  const fallback = groups.get(defaultName);
  if (fallback === undefined) {
    reading.problem(reading.root, "Expected a Default entry, for groups that have none of their own, but there is none. Add it.");
    return bad(reading);
  }
  const settings = new Map<string, GroupSettings>();
  for (const group of groups.values()) {
    const made = combineSections(reading, group, fallback, groups);
    if (made !== undefined) settings.set(group.name, made);
  }
  const base = settings.get(defaultName);
  if (reading.problems.length > 0 || base === undefined) return bad(reading);
  const names = [...groups.keys()].filter((each) => each !== defaultName);
  return {
    kind: "good",
    names,
    group: (wanted) => settings.get(wanted) ?? { ...base, name: wanted, filesOf: wanted },
    dependents: (wanted) => [wanted, ...names.filter((each) => each !== wanted && settings.get(each)?.filesOf === wanted)],
    notes: reading.notes.toSorted(byPlace),
  };
}

/** Throws `input` `DEFAULTS_INVALID` with a line for every problem of a file: its place, its path and what to do. */
export function refuseDefaults(parsed: BadDefaults, name: string): never {
  const { problems } = parsed;
  throw new StockroomError(
    "input",
    "DEFAULTS_INVALID",
    [
      `Expected ${name} without mistakes but found ${problems.length}. Nothing is trained until ${problems.length === 1 ? "it is" : "they are"} corrected:`,
      ...problems.map((problem) => `  ${printRemark(problem, name)}`),
    ].join("\n"),
    { facts: { file: name, problems: problems.length, line: problems[0]?.line, column: problems[0]?.column } },
  );
}

/** One line: `forecast-defaults.yaml:12:5: retail.Predictor.ForecastHorizon: Expected ...`. */
export function printRemark(remark: Remark, name: string): string {
  return [`${name}:${remark.line}:${remark.column}`, remark.path, remark.message].filter((part) => part !== "").join(": ");
}

/** What `readInputs` needs of a group's settings, beside the files themselves; their schemas are `settings.datasets`. */
export function inputOptionsOf(settings: GroupSettings): Omit<ReadInputsOptions, "target" | "related" | "metadata"> {
  return {
    frequency: printFrequency(settings.frequency),
    horizon: settings.horizon,
    domain: settings.domain,
    dimensions: settings.dimensions,
    aggregation: settings.aggregation,
    rules: settings.rules,
    shortRelated: settings.shortRelated,
    ...(settings.holidays === undefined ? {} : { holidays: settings.holidays }),
    ...givenOf(settings.inputs ?? {}),
  };
}

/** What is given, without the keys that hold nothing. */
function givenOf(given: InputSettings): Partial<ReadInputsOptions> {
  const { ended, nonNegative, stockColumn, without, stamps, begin, end, dateFormat, decimal, encoding, map, mostBadShare, eventRows } =
    given;
  return {
    ...(ended === undefined ? {} : { ended }),
    ...(nonNegative === undefined ? {} : { nonNegative }),
    ...(stockColumn === undefined ? {} : { stockColumn }),
    ...(without === undefined ? {} : { without }),
    ...(stamps === undefined ? {} : { stamps }),
    ...(begin === undefined ? {} : { begin }),
    ...(end === undefined ? {} : { end }),
    ...(dateFormat === undefined ? {} : { dateFormat }),
    ...(decimal === undefined ? {} : { decimal }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(map === undefined ? {} : { map }),
    ...(mostBadShare === undefined ? {} : { mostBadShare }),
    ...(eventRows === undefined ? {} : { eventRows }),
  };
}

function bad(reading: Reading): BadDefaults {
  return { kind: "bad", problems: reading.problems.toSorted(byPlace) };
}

function byPlace(a: Remark, b: Remark): number {
  return a.line - b.line || a.column - b.column;
}

/** An entry of the file as it stands; sections it does not have are undefined. */
interface Group {
  readonly name: string;
  readonly place: Place;
  readonly domain: { readonly value: Domain | undefined; readonly place: Place } | undefined;
  readonly datasets:
    | { readonly sections: DatasetSections | undefined; readonly from: string | undefined; readonly place: Place }
    | undefined;
  readonly predictor: PredictorSection | undefined;
  readonly forecastTypes: { readonly value: ForecastTypes | undefined } | undefined;
  readonly inputs: InputSettings | undefined;
  readonly intake: GroupIntake | undefined;
  readonly tags: readonly TagSection[];
}

function readGroup(reading: Reading, name: string, place: Place): Group {
  let domain: Group["domain"];
  let datasets: Group["datasets"];
  let predictor: PredictorSection | undefined;
  let forecastTypes: Group["forecastTypes"];
  let inputs: InputSettings | undefined;
  let intake: GroupIntake | undefined;
  const tags: TagSection[] = [];
  if (/[./\\]/.test(name))
    reading.problem(
      place,
      "Expected the name of a group, which is a file's name up to its first dot, but this one holds a dot or a slash and fits no file.",
    );
  const takePredictor = (at: Place, automatic: boolean): void => {
    if (predictor !== undefined) {
      reading.problem(at, "Expected one of Predictor and AutoPredictor but there are both. Remove one.");
      return;
    }
    predictor = readPredictor(reading, at, automatic);
    tags.push(predictor.tags);
  };
  reading.map(place, "a dataset group", {
    DatasetGroup: (at) => {
      let value: Domain | undefined;
      let given = false;
      reading.map(
        at,
        "DatasetGroup",
        {
          Domain: (inner) => {
            given = true;
            value = reading.choice(inner, "Domain", domainNames);
          },
          Tags: (inner) => tags.push(readTags(reading, inner)),
        },
        { DatasetGroupName: "the group is named by its entry.", DatasetArns: "datasets are listed under Datasets." },
      );
      if (!given) reading.problem(at, "Expected Domain of the DatasetGroup but it is missing. Add it.");
      domain = { value, place: at };
    },
    Datasets: (at) => {
      const { node } = at;
      if (!isMap(node)) {
        datasets = { sections: readDatasets(reading, at), from: undefined, place: at };
        return;
      }
      let from: string | undefined;
      let given = false;
      reading.map(at, "Datasets (a list, or a map with From)", {
        From: (inner) => {
          given = true;
          from = reading.text(inner, "the name of a group");
        },
      });
      if (!given) reading.problem(at, "Expected Datasets as a list, or as a map with From and the name of a group.");
      datasets = { sections: undefined, from, place: at };
    },
    Predictor: (at) => takePredictor(at, false),
    AutoPredictor: (at) => takePredictor(at, true),
    Forecast: (at) => {
      let value: ForecastTypes | undefined;
      reading.map(
        at,
        "Forecast",
        { ForecastTypes: (inner) => (value = readForecastTypes(reading, inner)), Tags: (inner) => tags.push(readTags(reading, inner)) },
        {
          ForecastName: "forecasts are named after their group.",
          PredictorArn: "the predictor is the group's own.",
          TimeSeriesSelector: "forecasts are made for all items of the files.",
        },
      );
      forecastTypes = { value };
    },
    Inputs: (at) => (inputs = readInputSettings(reading, at)),
    intake: (at) => (intake = readIntakeBlock(reading, at)),
    Tags: (at) => tags.unshift(readTags(reading, at)),
  });
  return { name, place, domain, datasets, predictor, forecastTypes, inputs, intake, tags };
}

/** Puts a group together with what it inherits and checks one section against another. */
function combineSections(reading: Reading, group: Group, fallback: Group, groups: ReadonlyMap<string, Group>): GroupSettings | undefined {
  const need = <T>(section: T | undefined, name: string): T | undefined => {
    if (section === undefined)
      reading.problem(fallback.place, `Expected ${name} in Default, for groups without one, but it is missing. Add it.`);
    return section;
  };
  const own = group.datasets ?? fallback.datasets;
  const predictor = need(group.predictor ?? fallback.predictor, "Predictor or AutoPredictor");
  const domainSection = need(group.domain ?? fallback.domain, "DatasetGroup");
  const datasets = need(own, "Datasets");
  if (predictor === undefined || domainSection === undefined || datasets === undefined) return undefined;
  const source =
    datasets.from === undefined
      ? undefined
      : followFrom(reading, { from: datasets.from, place: datasets.place }, { group, groups, fallback });
  const sections = datasets.from === undefined ? datasets.sections : source?.sections;
  const domain = domainSection.value;
  if (sections?.target === undefined || domain === undefined) return undefined;
  const { target, related, metadata } = sections;
  for (const dataset of [target, related, metadata]) {
    if (dataset?.domain !== undefined && dataset.domain !== domain) {
      const where = group.domain === undefined ? dataset.place : domainSection.place;
      reading.problem(
        where,
        `Expected the Domain of the DatasetGroup and of its Datasets to be one but received ${domain} and ${dataset.domain} (${dataset.place.path}).`,
      );
    }
  }
  checkFrequencies(reading, predictor, sections);
  // Attributes are judged by the domain's names: of another domain's datasets they would all be wrong.
  if (target.domain !== domain) return undefined;
  const dimensions = checkDimensions(reading, predictor, sections, domain);
  const rules = checkRules(reading, predictor, sections, domain);
  const { frequency, horizon } = predictor;
  if (frequency === undefined || horizon === undefined) return undefined;
  const trainedTypes = predictor.types ?? { levels: [0.1, 0.5, 0.9], mean: false };
  const types = group.forecastTypes ?? fallback.forecastTypes;
  const inputs = group.inputs ?? fallback.inputs;
  const intake = group.intake ?? fallback.intake;
  const declared = (["target", "related", "metadata"] as const).filter((kind) => sections[kind] !== undefined);
  const ownList = group.datasets !== undefined && group.name !== defaultName;
  return {
    name: group.name,
    filesOf: source?.name ?? group.name,
    domain,
    datasets: { target: plain(target), related: related && plain(related), metadata: metadata && plain(metadata) },
    required: ownList ? declared : (["target"] satisfies readonly InputKind[]),
    frequency,
    horizon,
    dimensions,
    maxAgeSeconds: predictor.maxAgeSeconds,
    aggregation: rules[targetName(target.schema, domain)]?.aggregation ?? "sum",
    rules,
    shortRelated: predictor.historyWithoutFuture ? "leave-out" : "refuse",
    holidays: predictor.holidays,
    windows: predictor.windows,
    windowOffset: predictor.windowOffset ?? horizon,
    trainedTypes,
    forecastTypes: types?.value ?? trainedTypes,
    metric: predictor.metric,
    models: predictor.models,
    ...(inputs === undefined ? {} : { inputs }),
    ...(intake === undefined ? {} : { intake }),
    explain: predictor.explain,
    monitor: predictor.monitor,
    tags: joinTags(group === fallback ? fallback.tags : [...fallback.tags, ...group.tags]),
  };
}

function plain({ schema, frequency }: DatasetSettings): DatasetSettings {
  return { schema, frequency };
}

/** The group whose datasets these are. One step alone: a chain would hide whose files are read. */
function followFrom(
  reading: Reading,
  { from, place }: { readonly from: string; readonly place: Place },
  { group, groups, fallback }: { readonly group: Group; readonly groups: ReadonlyMap<string, Group>; readonly fallback: Group },
): { readonly name: string; readonly sections: DatasetSections | undefined } | undefined {
  const source = groups.get(from);
  if (source === undefined || source === fallback) {
    const known = [...groups.keys()].filter((each) => each !== group.name && each !== defaultName);
    reading.problem(
      place,
      `Expected From to name another group but received "${from}". ${known.length === 0 ? "There is none." : `There are ${known.join(", ")}.`}`,
    );
    return undefined;
  }
  const datasets = source.datasets ?? fallback.datasets;
  if (source === group || datasets?.from !== undefined) {
    const hint = source === group ? "A group cannot take its own." : `${from} takes its own From ${datasets?.from}: name that group.`;
    reading.problem(place, `Expected From to name a group with a list of Datasets but received "${from}". ${hint}`);
    return undefined;
  }
  return { name: from, sections: datasets?.sections };
}

function checkFrequencies(reading: Reading, predictor: PredictorSection, sections: DatasetSections): void {
  const { frequency, frequencyPlace } = predictor;
  if (frequency === undefined) return;
  for (const kind of ["target", "related"] as const) {
    const data = sections[kind]?.frequency;
    if (data !== undefined && stepMinutes(data) > stepMinutes(frequency) * 1.001) {
      reading.problem(
        frequencyPlace,
        `Expected a ForecastFrequency as coarse as the data or coarser but received ${printFrequency(frequency)} for ${kind} data of ${printFrequency(data)}. Forecast less often, or send finer data.`,
      );
    }
  }
}

function targetName(schema: readonly SchemaAttribute[], domain: Domain): string {
  const names: readonly string[] = [domains[domain].target, ...(targetAliases[domain] ?? [])];
  return schema.find(({ name }) => names.includes(name))?.name ?? domains[domain].target;
}

function checkDimensions(reading: Reading, predictor: PredictorSection, sections: DatasetSections, domain: Domain): readonly string[] {
  const fixed = [domains[domain].item, "timestamp", targetName(sections.target?.schema ?? [], domain)];
  const possible = (sections.target?.schema ?? []).map(({ name }) => name).filter((name) => !fixed.includes(name));
  for (const { name, place } of predictor.dimensions) {
    if (possible.includes(name)) continue;
    reading.problem(
      place,
      `Expected a dimension of the target (${possible.length === 0 ? "it has none" : possible.join(", ")}) but received "${name}".`,
    );
  }
  const chosen = predictor.dimensions.map(({ name }) => name);
  for (const { name, type } of sections.related?.schema ?? []) {
    const text = type === "string" || type === "geolocation";
    if (text && name !== domains[domain].item && !chosen.includes(name)) {
      reading.problem(
        predictor.place,
        `Expected ${name} among the ForecastDimensions because the related data tells by it (${sections.related?.place.path}) but it is not. Add it, or leave it out of the related data.`,
      );
    }
  }
  return [...new Set(chosen)];
}

/** Rules by attribute; an attribute nobody has, or a rule its kind cannot have, is a problem. */
function checkRules(
  reading: Reading,
  predictor: PredictorSection,
  sections: DatasetSections,
  domain: Domain,
): Readonly<Record<string, AttributeRule>> {
  const target = targetName(sections.target?.schema ?? [], domain);
  const related = (sections.related?.schema ?? []).filter(({ type }) => type === "float" || type === "integer").map(({ name }) => name);
  const rules: Record<string, AttributeRule> = {};
  for (const { attribute, rule, place } of predictor.rules) {
    if (attribute === target) {
      if (rule.future !== undefined)
        reading.problem(place, `Expected no futurefill for ${attribute}: its future is what is forecast. Remove it.`);
    } else if (!related.includes(attribute)) {
      const known = [target, ...related].join(", ");
      reading.problem(
        place,
        `Expected the target or a number of the related data (${known}) but received "${attribute}". Correct it, or add it to a schema.`,
      );
      continue;
    } else if (rule.aggregation !== undefined) {
      reading.problem(place, `Expected no aggregation for ${attribute}: several related values of one step are averaged. Remove it.`);
    }
    rules[attribute] = rule;
  }
  return rules;
}

function joinTags(sections: readonly TagSection[]): Readonly<Record<string, string>> {
  const tags: Record<string, string> = {};
  for (const { set, absent } of sections) {
    Object.assign(tags, set);
    for (const key of absent) delete tags[key];
  }
  return tags;
}
