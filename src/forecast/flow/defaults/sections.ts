// The sections of a forecast-defaults.yaml: Datasets, Predictor or AutoPredictor, Forecast, Tags.
//
// Keys and bounds are those of the AWS solution "Improving Forecast Accuracy with Machine Learning" (v1.5: its configuration is checked against
// the requests CreateDatasetGroup, CreateDataset, CreatePredictor, CreateAutoPredictor and CreateForecast of Amazon Forecast's API).
//   S1. Every key is honoured, or refused as a problem, or taken with a note that says what is done instead. None is dropped without a word.
//   S2. What a Predictor and an AutoPredictor call differently is read alike; either takes the other's keys.

import { frequenciesAllowed, parseFrequency } from "../../engine/calendar/frequency.ts";
import type { Frequency } from "../../engine/contract.ts";
import { aggregations } from "../../engine/panel/aggregate.ts";
import type { Filling } from "../../engine/panel/fill.ts";
import { knowsHolidays } from "../inputs/holidays.ts";
import type { AttributeRule } from "../inputs/read.ts";
import {
  type AttributeType,
  type Domain,
  domains,
  type InputKind,
  mostDimensions,
  type SchemaAttribute,
  targetAliases,
} from "../inputs/schema.ts";
import type { Place, Reading } from "./document.ts";
import type { DatasetSettings, ForecastTypes, ModelChoice, OptimizationMetric } from "./settings.ts";

export const domainNames = Object.keys(domains) as readonly Domain[];

const kinds = { TARGET_TIME_SERIES: "target", RELATED_TIME_SERIES: "related", ITEM_METADATA: "metadata" } as const satisfies Record<
  string,
  InputKind
>;
const kindNames = Object.keys(kinds) as readonly (keyof typeof kinds)[];
const attributeTypes: readonly AttributeType[] = ["string", "integer", "float", "timestamp", "geolocation"];
const nameRule = /^[a-zA-Z][a-zA-Z0-9_]{0,62}$/;

export function readFrequency(reading: Reading, place: Place, what: string): Frequency | undefined {
  const text = reading.text(place, `${what} (${frequenciesAllowed})`);
  if (text === undefined) return undefined;
  const frequency = parseFrequency(text);
  if (frequency === undefined) reading.problem(place, `Expected ${what} as ${frequenciesAllowed} but received "${text}".`);
  return frequency;
}

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

/** Tags of a section: those to set, and those to leave off. */
export interface TagSection {
  readonly set: Readonly<Record<string, string>>;
  readonly absent: readonly string[];
}

export function readTags(reading: Reading, place: Place): TagSection {
  const set: Record<string, string> = {};
  const absent: string[] = [];
  for (const item of reading.list(place, "Tags") ?? []) {
    let key: string | undefined;
    let value: string | undefined;
    let state: "Present" | "Absent" = "Present";
    reading.map(item, "a tag", {
      Key: (at) => (key = reading.text(at, "Key")),
      Value: (at) => (value = at.node === undefined ? "" : reading.text(at, "Value")),
      State: (at) => (state = reading.choice(at, "State", ["Present", "Absent"]) ?? "Present"),
    });
    if (key === undefined) reading.problem(item, "Expected a Key of the tag but there is none. Add it.");
    else if (key.length > 128 || (value ?? "").length > 256 || /^aws:/i.test(key)) {
      reading.problem(
        item,
        `Expected a tag's Key of at most 128 characters that does not begin with aws:, and a Value of at most 256, but received "${key.slice(0, 40)}".`,
      );
    } else if (state === "Present") set[key] = value ?? "";
    else absent.push(key);
  }
  if (Object.keys(set).length > 50) reading.problem(place, `Expected at most 50 tags but there are ${Object.keys(set).length}.`);
  return { set, absent };
}

export function readForecastTypes(reading: Reading, place: Place): ForecastTypes | undefined {
  const levels = new Set<number>();
  let mean = false;
  for (const item of reading.list(place, "ForecastTypes") ?? []) {
    const text = reading.text(item, "a forecast type (mean, or 0.01 to 0.99)");
    if (text === undefined) continue;
    const level = Math.round(Number(text) * 100) / 100;
    if (text === "mean") mean = true;
    else if (Math.abs(Number(text) - level) < 1e-9 && level >= 0.01 && level <= 0.99) levels.add(level);
    else reading.problem(item, `Expected mean or a quantile from 0.01 to 0.99 in steps of 0.01 but received "${text}".`);
  }
  if (levels.size === 0 && !mean) {
    reading.problem(place, "Expected at least one forecast type but there is none. Name mean, or quantiles such as 0.5.");
    return undefined;
  }
  return { levels: [...levels].sort((a, b) => a - b), mean };
}

/** A Predictor or AutoPredictor as far as it stands alone; checks against the datasets come later. */
export interface PredictorSection {
  readonly place: Place;
  readonly automatic: boolean;
  readonly frequency: Frequency | undefined;
  readonly frequencyPlace: Place;
  readonly horizon: number | undefined;
  readonly dimensions: readonly { readonly name: string; readonly place: Place }[];
  readonly rules: readonly { readonly attribute: string; readonly rule: AttributeRule; readonly place: Place }[];
  readonly maxAgeSeconds: number;
  readonly holidays: string | undefined;
  readonly windows: number;
  readonly windowOffset: number | undefined;
  readonly types: ForecastTypes | undefined;
  readonly metric: OptimizationMetric;
  readonly models: "auto" | readonly ModelChoice[];
  readonly historyWithoutFuture: boolean;
  readonly explain: boolean;
  readonly monitor: boolean;
  readonly tags: TagSection;
}

const algorithms: Readonly<Record<string, { readonly model: ModelChoice; readonly note: string | undefined }>> = {
  ARIMA: { model: "arima", note: undefined },
  ETS: { model: "ets", note: undefined },
  NPTS: { model: "npts", note: undefined },
  Prophet: { model: "regression", note: "Prophet is served by our regression with trend, seasons, holidays and related numbers." },
  "CNN-QR": { model: "global", note: "CNN-QR is served by our gradient-boosted model over all series." },
  Deep_AR_Plus: { model: "global", note: "DeepAR+ is served by our gradient-boosted model over all series." },
};

const week = 604_800;

export function readPredictor(reading: Reading, place: Place, automatic: boolean): PredictorSection {
  let frequency: Frequency | undefined;
  let frequencyPlace: Place | undefined;
  let horizon: number | undefined;
  let horizonPlace: Place | undefined;
  let dimensions: PredictorSection["dimensions"] = [];
  const rules: { attribute: string; rule: AttributeRule; place: Place }[] = [];
  let maxAgeSeconds = week;
  let holidays: string | undefined;
  let windows = 1;
  let windowOffset: number | undefined;
  let offsetPlace: Place | undefined;
  let types: ForecastTypes | undefined;
  let metric: OptimizationMetric = "AverageWeightedQuantileLoss";
  let algorithm: keyof typeof algorithms | undefined;
  let algorithmPlace: Place | undefined;
  let everyModel: boolean | undefined;
  let explain = false;
  let monitor = false;
  let tags: TagSection = { set: {}, absent: [] };
  const what = automatic ? "AutoPredictor" : "Predictor";

  const takeFrequency = (at: Place): void => {
    if (frequencyPlace !== undefined)
      reading.problem(at, `Expected ForecastFrequency once but it stands at ${frequencyPlace.path} too. Remove one.`);
    frequencyPlace = at;
    frequency = readFrequency(reading, at, "ForecastFrequency");
  };
  const takeDimensions = (at: Place): void => {
    dimensions = (reading.list(at, "ForecastDimensions") ?? []).flatMap((item) => {
      const name = reading.text(item, "a dimension");
      return name === undefined ? [] : [{ name, place: item }];
    });
    if (dimensions.length > mostDimensions)
      reading.problem(at, `Expected at most ${mostDimensions} dimensions but there are ${dimensions.length}.`);
  };
  const addRule = (attribute: string | undefined, at: Place, parameters: Place): void => {
    if (attribute === undefined) reading.problem(at, "Expected AttributeName but it is missing. Add it.");
    else if (rules.some((each) => each.attribute === attribute))
      reading.problem(at, `Expected rules for ${attribute} once but they come twice. Join them.`);
    else rules.push({ attribute, rule: readRule(reading, parameters), place: at });
  };
  const takeFeature = (name: string | undefined, at: Place, country: () => string | undefined): void => {
    if (name === "weather")
      reading.note(at, "There is no weather index here: give weather as numbers of the related file. The forecast is made without it.");
    if (name !== "holiday") return;
    const text = country();
    if (text === undefined) return;
    if (!/^[A-Z]{2}$/.test(text) || !knowsHolidays(text))
      reading.problem(at, `Expected a country with known holidays, by its two letters such as US, but received "${text}".`);
    else if (holidays !== undefined) reading.problem(at, "Expected the holidays of one country but there are more. Keep one.");
    else holidays = text;
  };
  const takeInput = (at: Place): void => {
    const list = (inner: Place): void => {
      for (const item of reading.list(inner, "the list of features") ?? []) {
        let name: "holiday" | "weather" | undefined;
        let value: Place | undefined;
        let countries: Place | undefined;
        reading.map(item, "a feature", {
          Name: (each) => (name = reading.choice(each, "Name", ["holiday", "weather"])),
          Value: (each) => (value = each),
          Configuration: (each) => void reading.map(each, "Configuration", { CountryCode: (codes) => (countries = codes) }),
        });
        const source = countries === undefined ? value : reading.list(countries, "CountryCode")?.[0];
        takeFeature(name, item, () =>
          source === undefined
            ? (reading.problem(item, "Expected the country of the holidays but there is none. Add its two letters."), undefined)
            : reading.text(source, "a country's two letters"),
        );
      }
    };
    reading.map(
      at,
      "the input configuration",
      {
        SupplementaryFeatures: list,
        AdditionalDatasets: list,
        AttributeConfigs: (inner) => {
          for (const item of reading.list(inner, "AttributeConfigs") ?? []) {
            let attribute: string | undefined;
            let parameters: Place | undefined;
            reading.map(item, "an attribute's rules", {
              AttributeName: (each) => (attribute = reading.text(each, "AttributeName")),
              Transformations: (each) => (parameters = each),
            });
            if (parameters === undefined)
              reading.problem(item, "Expected Transformations but there are none. Add them, or remove the entry.");
            else addRule(attribute, item, parameters);
          }
        },
      },
      { DatasetGroupArn: "the dataset group is the one this entry is named after." },
    );
  };
  const takeFeaturization = (at: Place): void => {
    reading.map(at, "FeaturizationConfig", {
      ForecastFrequency: takeFrequency,
      ForecastDimensions: takeDimensions,
      Featurizations: (inner) => {
        for (const item of reading.list(inner, "Featurizations") ?? []) {
          let attribute: string | undefined;
          let pipeline: Place | undefined;
          reading.map(item, "a featurization", {
            AttributeName: (each) => (attribute = reading.text(each, "AttributeName")),
            FeaturizationPipeline: (each) => (pipeline = each),
          });
          const methods = pipeline === undefined ? [] : (reading.list(pipeline, "FeaturizationPipeline") ?? []);
          if (methods.length > 1)
            reading.problem(item, `Expected one method in the FeaturizationPipeline but there are ${methods.length}. Join them.`);
          for (const method of methods.slice(0, 1)) {
            let parameters: Place | undefined;
            reading.map(method, "a method", {
              FeaturizationMethodName: (each) => void reading.choice(each, "FeaturizationMethodName", ["filling"]),
              FeaturizationMethodParameters: (each) => (parameters = each),
            });
            if (parameters !== undefined) addRule(attribute, item, parameters);
          }
        }
      },
    });
  };
  reading.map(
    place,
    what,
    {
      MaxAge: (at) => (maxAgeSeconds = reading.number(at, "MaxAge", 0, Number.POSITIVE_INFINITY, true) ?? week),
      ForecastHorizon: (at) => {
        horizonPlace = at;
        horizon = reading.number(at, "ForecastHorizon", 1, 500, true);
      },
      ForecastFrequency: takeFrequency,
      ForecastDimensions: takeDimensions,
      FeaturizationConfig: takeFeaturization,
      InputDataConfig: takeInput,
      DataConfig: takeInput,
      EvaluationParameters: (at) =>
        void reading.map(at, "EvaluationParameters", {
          NumberOfBacktestWindows: (each) => (windows = reading.number(each, "NumberOfBacktestWindows", 1, 5, true) ?? 1),
          BackTestWindowOffset: (each) => {
            offsetPlace = each;
            windowOffset = reading.number(each, "BackTestWindowOffset", 1, Number.POSITIVE_INFINITY, true);
          },
        }),
      ForecastTypes: (at) => (types = readForecastTypes(reading, at)),
      OptimizationMetric: (at) =>
        (metric = reading.choice(at, "OptimizationMetric", ["WAPE", "RMSE", "AverageWeightedQuantileLoss", "MASE", "MAPE"]) ?? metric),
      PerformAutoML: (at) => (everyModel = reading.flag(at, "PerformAutoML")),
      AlgorithmArn: (at) => {
        algorithmPlace = at;
        algorithm = readAlgorithm(reading, at);
      },
      AutoMLOverrideStrategy: (at) => {
        const strategy = reading.choice(at, "AutoMLOverrideStrategy", ["LatencyOptimized", "AccuracyOptimized"]);
        if (strategy === "LatencyOptimized") reading.note(at, "There is one strategy here, for accuracy.");
      },
      PerformHPO: (at) => {
        if (reading.flag(at, "PerformHPO") === true)
          reading.note(at, "Parameters are always estimated from the data here; there is no separate search to switch on.");
      },
      HPOConfig: (at) =>
        reading.note(at, "Parameters are estimated from the data here; ranges for another algorithm's parameters have no effect."),
      TrainingParameters: (at) => {
        if (reading.entries(at, "TrainingParameters") !== undefined)
          reading.note(at, "Parameters are estimated from the data here; those of another algorithm have no effect.");
      },
      ExplainPredictor: (at) => (explain = reading.flag(at, "ExplainPredictor") ?? false),
      MonitorConfig: (at) =>
        (monitor = reading.map(at, "MonitorConfig", { MonitorName: (each) => void reading.text(each, "MonitorName") })),
      TimeAlignmentBoundary: (at) => readBoundary(reading, at),
      EncryptionConfig: (at) => reading.note(at, "Everything stored is encrypted with the keys of this store."),
      Tags: (at) => (tags = readTags(reading, at)),
    },
    {
      PredictorName: "predictors are named after their group.",
      ReferencePredictorArn: "there is no predictor of AWS to retrain here. Give the settings themselves.",
    },
  );
  if (horizonPlace === undefined) reading.problem(place, `Expected ForecastHorizon of the ${what} but it is missing. Add it.`);
  if (frequencyPlace === undefined)
    reading.problem(
      place,
      `Expected ForecastFrequency of the ${what} but it is missing. Add it${automatic ? "" : " under FeaturizationConfig"}.`,
    );
  if (algorithmPlace !== undefined && (everyModel === true || automatic)) {
    reading.problem(
      algorithmPlace,
      `Expected one of AlgorithmArn and ${automatic ? "AutoPredictor" : "PerformAutoML: true"} but there are both. Remove one.`,
    );
  }
  if (windowOffset !== undefined && horizon !== undefined && windowOffset < horizon && offsetPlace !== undefined) {
    reading.problem(
      offsetPlace,
      `Expected BackTestWindowOffset to be at least the ForecastHorizon of ${horizon} but received ${windowOffset}.`,
    );
  }
  const chosen = algorithm === undefined ? undefined : algorithms[algorithm];
  return {
    place,
    automatic,
    frequency,
    frequencyPlace: frequencyPlace ?? place,
    horizon,
    dimensions,
    rules,
    maxAgeSeconds,
    holidays,
    windows,
    windowOffset,
    types,
    metric,
    models: chosen === undefined ? "auto" : [chosen.model],
    historyWithoutFuture: chosen === undefined || algorithm === "CNN-QR",
    explain,
    monitor,
    tags,
  };
}

function readAlgorithm(reading: Reading, place: Place): keyof typeof algorithms | undefined {
  const text = reading.text(place, "AlgorithmArn");
  if (text === undefined) return undefined;
  const name = /^arn:aws[a-z-]*:forecast:::algorithm\/(.+)$/.exec(text)?.[1];
  if (name === undefined || !Object.hasOwn(algorithms, name)) {
    reading.problem(
      place,
      `Expected AlgorithmArn as arn:aws:forecast:::algorithm/ and one of ${Object.keys(algorithms).join(", ")} but received "${text}".`,
    );
    return undefined;
  }
  const { note } = algorithms[name];
  if (note !== undefined) reading.note(place, note);
  return name;
}

/** Only the boundaries that our grids have: weeks from Monday, months from the first, days from midnight, years from January. */
function readBoundary(reading: Reading, place: Place): void {
  const fixed = (at: Place, ours: string): void => {
    const text = reading.text(at, `a boundary (${ours})`);
    if (text !== undefined && text !== ours)
      reading.problem(at, `Expected ${ours}, where steps begin here, but received "${text}". Remove it, or stamp the data so.`);
  };
  reading.map(place, "TimeAlignmentBoundary", {
    Month: (at) => fixed(at, "JANUARY"),
    DayOfMonth: (at) => fixed(at, "1"),
    DayOfWeek: (at) => fixed(at, "MONDAY"),
    Hour: (at) => fixed(at, "0"),
  });
}

const fillWords = ["zero", "nan", "value", "median", "mean", "min", "max"] as const;

/** Reads the parameters of the method `filling`; which of them the attribute may have is checked where its file is known. */
function readRule(reading: Reading, place: Place): AttributeRule {
  const rule: { -readonly [Key in keyof AttributeRule]: AttributeRule[Key] } = {};
  const words = new Map<string, { readonly word: string; readonly place: Place }>();
  const numbers = new Map<string, { readonly value: number | undefined; readonly place: Place }>();
  const fill =
    (key: string, allowed: readonly string[]) =>
    (at: Place): void => {
      const word = reading.choice(at, key, allowed);
      if (word !== undefined) words.set(key, { word, place: at });
    };
  const number =
    (key: string) =>
    (at: Place): void => {
      numbers.set(key, { value: reading.number(at, `${key}_value`, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, false), place: at });
    };
  reading.map(place, "the method's parameters", {
    aggregation: (at) => {
      const found = reading.choice(at, "aggregation", aggregations);
      if (found !== undefined) rule.aggregation = found;
    },
    // Nothing stands before a front gap that a mean could be taken of.
    frontfill: fill("frontfill", ["none", "nan", "zero", "value"]),
    middlefill: fill("middlefill", fillWords),
    backfill: fill("backfill", fillWords),
    futurefill: fill("futurefill", fillWords),
    frontfill_value: number("frontfill"),
    middlefill_value: number("middlefill"),
    backfill_value: number("backfill"),
    futurefill_value: number("futurefill"),
  });
  for (const [key, part] of [
    ["frontfill", "front"],
    ["middlefill", "middle"],
    ["backfill", "back"],
    ["futurefill", "future"],
  ] as const) {
    const word = words.get(key);
    const given = numbers.get(key);
    if (given !== undefined && word?.word !== "value")
      reading.problem(given.place, `Expected ${key}: value beside ${key}_value but received ${word?.word ?? "nothing"}.`);
    if (word === undefined) continue;
    if (word.word === "value" && given === undefined)
      reading.problem(word.place, `Expected ${key}_value beside ${key}: value but there is none. Add it.`);
    else rule[part] = fillingOf(word.word, given?.value ?? 0);
  }
  return rule;
}

function fillingOf(word: string, value: number): Filling {
  if (word === "value") return { kind: "value", value };
  const kind = (["zero", "mean", "median", "min", "max"] as const).find((each) => each === word);
  return { kind: kind ?? "nan" };
}
