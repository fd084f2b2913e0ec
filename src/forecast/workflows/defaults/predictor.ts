// The sections Predictor and AutoPredictor of a forecast-defaults.yaml.
//
// Keys and bounds are those of the AWS solution "Improving Forecast Accuracy with Machine Learning" (v1.5: its configuration is checked against
// the requests CreateDatasetGroup, CreateDataset, CreatePredictor, CreateAutoPredictor and CreateForecast of Amazon Forecast's API).
//   S1. Every key is honoured, or refused as a problem, or taken with a note that says what is done instead. None is dropped without a word.
//   S2. What a Predictor and an AutoPredictor call differently is read alike; either takes the other's keys.

import type { Frequency } from "../../engine/contract.ts";
import { knowsHolidays, placeMeant } from "../inputs/holidays.ts";
import type { AttributeRule } from "../inputs/read.ts";
import { mostDimensions } from "../inputs/schema.ts";
import type { Place, Reading } from "../../../platform/documents/index.ts";
import { readForecastTypes, readFrequency, readRule, readTags, type TagSection } from "./parts.ts";
import type { ForecastTypes, ModelChoice, OptimizationMetric } from "./settings.ts";

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

const keys = [
  "MaxAge",
  "ForecastHorizon",
  "ForecastFrequency",
  "ForecastDimensions",
  "FeaturizationConfig",
  "InputDataConfig",
  "DataConfig",
  "EvaluationParameters",
  "ForecastTypes",
  "OptimizationMetric",
  "PerformAutoML",
  "AlgorithmArn",
  "AutoMLOverrideStrategy",
  "PerformHPO",
  "HPOConfig",
  "TrainingParameters",
  "ExplainPredictor",
  "MonitorConfig",
  "TimeAlignmentBoundary",
  "EncryptionConfig",
  "Tags",
] as const;
type Places = Readonly<Partial<Record<(typeof keys)[number], Place>>>;

const refused = {
  PredictorName: "predictors are named after their group.",
  ReferencePredictorArn: "there is no predictor of AWS to retrain here. Give the settings themselves.",
};

const unbounded = Number.POSITIVE_INFINITY;

/** The value at a place; undefined where there is no place. */
const at = <Value>(place: Place | undefined, read: (place: Place) => Value): Value | undefined =>
  place === undefined ? undefined : read(place);

/** Reads a section in stages: where its keys stand, what each says alone, and what they say together. */
export function readPredictor(reading: Reading, place: Place, automatic: boolean): PredictorSection {
  const what = automatic ? "AutoPredictor" : "Predictor";
  const places: Places = reading.places(place, what, keys, refused) ?? {};
  noteWithoutEffect(reading, places);
  const features = at(places.FeaturizationConfig, (each) =>
    reading.places(each, "FeaturizationConfig", ["ForecastFrequency", "ForecastDimensions", "Featurizations"]),
  );
  const inputs = [places.InputDataConfig, places.DataConfig].map((each) => at(each, (one) => readInputConfig(reading, one)));
  const horizon = at(places.ForecastHorizon, (each) => reading.number(each, "ForecastHorizon", 1, 500, true));
  const boundary = at(places.TimeAlignmentBoundary, (each) => readBoundary(reading, each));
  const frequencyPlace = onePlace(reading, [places.ForecastFrequency, features?.ForecastFrequency]);
  const frequency = at(frequencyPlace, (each) => readFrequency(reading, each, "ForecastFrequency"));
  const dimensions = inOrder([places.ForecastDimensions, features?.ForecastDimensions]).map((each) => readDimensions(reading, each));
  const rules = [
    ...(at(features?.Featurizations, (each) => readFeaturizations(reading, each)) ?? []),
    ...inputs.flatMap((each) => each?.rules ?? []),
  ];
  const evaluation = at(places.EvaluationParameters, (each) => readEvaluation(reading, each, horizon));
  const algorithm = at(places.AlgorithmArn, (each) => readAlgorithm(reading, each));
  const everyModel = at(places.PerformAutoML, (each) => reading.flag(each, "PerformAutoML"));
  if (places.ForecastHorizon === undefined) reading.problem(place, `Expected ForecastHorizon of the ${what} but it is missing. Add it.`);
  if (frequencyPlace === undefined) {
    const under = automatic ? "" : " under FeaturizationConfig";
    reading.problem(place, `Expected ForecastFrequency of the ${what} but it is missing. Add it${under}.`);
  }
  if (places.AlgorithmArn !== undefined && (everyModel === true || automatic)) {
    reading.problem(
      places.AlgorithmArn,
      `Expected one of AlgorithmArn and ${automatic ? "AutoPredictor" : "PerformAutoML: true"} but there are both. Remove one.`,
    );
  }
  const chosen = algorithm === undefined ? undefined : algorithms[algorithm];
  return {
    place,
    automatic,
    frequency: within(frequency, boundary ?? {}),
    frequencyPlace: frequencyPlace ?? place,
    horizon,
    dimensions: dimensions.at(-1) ?? [],
    rules: uniqueRules(reading, rules),
    maxAgeSeconds: at(places.MaxAge, (each) => reading.number(each, "MaxAge", 0, unbounded, true)) ?? week,
    holidays: oneCountry(
      reading,
      inputs.flatMap((each) => each?.countries ?? []),
    ),
    windows: evaluation?.windows ?? 1,
    windowOffset: evaluation?.offset,
    types: at(places.ForecastTypes, (each) => readForecastTypes(reading, each)),
    metric: at(places.OptimizationMetric, (each) => reading.choice(each, "OptimizationMetric", metrics)) ?? "AverageWeightedQuantileLoss",
    models: chosen === undefined ? "auto" : [chosen.model],
    historyWithoutFuture: chosen === undefined || algorithm === "CNN-QR",
    explain: at(places.ExplainPredictor, (each) => reading.flag(each, "ExplainPredictor")) ?? false,
    monitor: at(places.MonitorConfig, (each) => readMonitor(reading, each)) ?? false,
    tags: at(places.Tags, (each) => readTags(reading, each)) ?? { set: {}, absent: [] },
  };
}

const metrics = ["WAPE", "RMSE", "AverageWeightedQuantileLoss", "MASE", "MAPE"] as const;

/** Notes what is taken and done in another way here, or always (S1). */
function noteWithoutEffect(reading: Reading, places: Places): void {
  const strategy = at(places.AutoMLOverrideStrategy, (each) => reading.choice(each, "AutoMLOverrideStrategy", strategies));
  const notes: readonly (readonly [place: Place | undefined, applies: boolean, note: string])[] = [
    [places.AutoMLOverrideStrategy, strategy === "LatencyOptimized", "There is one strategy here, for accuracy."],
    [
      places.PerformHPO,
      at(places.PerformHPO, (each) => reading.flag(each, "PerformHPO")) === true,
      "Parameters are always estimated from the data here; there is no separate search to switch on.",
    ],
    [places.HPOConfig, true, "Parameters are estimated from the data here; ranges for another algorithm's parameters have no effect."],
    [
      places.TrainingParameters,
      at(places.TrainingParameters, (each) => reading.entries(each, "TrainingParameters")) !== undefined,
      "Parameters are estimated from the data here; those of another algorithm have no effect.",
    ],
    [places.EncryptionConfig, true, "Everything stored is encrypted with the keys of this store."],
  ];
  for (const [place, applies, note] of notes) if (place !== undefined && applies) reading.note(place, note);
}

const strategies = ["LatencyOptimized", "AccuracyOptimized"] as const;

/** The places there are, as they stand in the file. */
const inOrder = (places: readonly (Place | undefined)[]): readonly Place[] =>
  places.filter((each) => each !== undefined).toSorted((a, b) => a.offset - b.offset);

function onePlace(reading: Reading, places: readonly (Place | undefined)[]): Place | undefined {
  const [first, second] = inOrder(places);
  if (first !== undefined && second !== undefined)
    reading.problem(second, `Expected ForecastFrequency once but it stands at ${first.path} too. Remove one.`);
  return second ?? first;
}

function readDimensions(reading: Reading, place: Place): PredictorSection["dimensions"] {
  const dimensions = (reading.list(place, "ForecastDimensions") ?? []).flatMap((item) => {
    const name = reading.text(item, "a dimension");
    return name === undefined ? [] : [{ name, place: item }];
  });
  if (dimensions.length > mostDimensions)
    reading.problem(place, `Expected at most ${mostDimensions} dimensions but there are ${dimensions.length}.`);
  return dimensions;
}

type Rule = PredictorSection["rules"][number];

/** The rules of a list of featurizations; an entry that is none is a problem. */
function readFeaturizations(reading: Reading, place: Place): readonly Rule[] {
  return (reading.list(place, "Featurizations") ?? []).flatMap((item) => {
    const entry = reading.places(item, "a featurization", ["AttributeName", "FeaturizationPipeline"]);
    const attribute = at(entry?.AttributeName, (each) => reading.text(each, "AttributeName"));
    const methods = at(entry?.FeaturizationPipeline, (each) => reading.list(each, "FeaturizationPipeline")) ?? [];
    if (methods.length > 1)
      reading.problem(item, `Expected one method in the FeaturizationPipeline but there are ${methods.length}. Join them.`);
    const [method] = methods;
    if (method === undefined) return [];
    const names = ["FeaturizationMethodName", "FeaturizationMethodParameters"] as const;
    const { FeaturizationMethodName: name, FeaturizationMethodParameters: parameters } = reading.places(method, "a method", names) ?? {};
    at(name, (each) => reading.choice(each, "FeaturizationMethodName", ["filling"]));
    return parameters === undefined ? [] : ruleOf(reading, attribute, item, parameters);
  });
}

function ruleOf(reading: Reading, attribute: string | undefined, place: Place, parameters: Place): readonly Rule[] {
  if (attribute !== undefined) return [{ attribute, rule: readRule(reading, parameters), place }];
  reading.problem(place, "Expected AttributeName but it is missing. Add it.");
  return [];
}

/** The first rules of each attribute as they stand in the file; others are problems. */
function uniqueRules(reading: Reading, rules: readonly Rule[]): readonly Rule[] {
  const ordered = rules.toSorted((a, b) => a.place.offset - b.place.offset);
  return ordered.filter(({ attribute, place }, i) => {
    const isFirst = ordered.findIndex((each) => each.attribute === attribute) === i;
    if (!isFirst) reading.problem(place, `Expected rules for ${attribute} once but they come twice. Join them.`);
    return isFirst;
  });
}

interface Country {
  readonly country: string;
  readonly place: Place;
}

interface InputConfig {
  readonly rules: readonly Rule[];
  /** Whose holidays are asked for. */
  readonly countries: readonly Country[];
}

function readInputConfig(reading: Reading, place: Place): InputConfig {
  const names = ["SupplementaryFeatures", "AdditionalDatasets", "AttributeConfigs"] as const;
  const inner = reading.places(place, "the input configuration", names, {
    DatasetGroupArn: "the dataset group is the one this entry is named after.",
  });
  const features = inOrder([inner?.SupplementaryFeatures, inner?.AdditionalDatasets]);
  return {
    rules: at(inner?.AttributeConfigs, (each) => readAttributeConfigs(reading, each)) ?? [],
    countries: features.flatMap((each) => readFeatures(reading, each)),
  };
}

function readAttributeConfigs(reading: Reading, place: Place): readonly Rule[] {
  return (reading.list(place, "AttributeConfigs") ?? []).flatMap((item) => {
    const entry = reading.places(item, "an attribute's rules", ["AttributeName", "Transformations"]);
    const attribute = at(entry?.AttributeName, (each) => reading.text(each, "AttributeName"));
    if (entry?.Transformations !== undefined) return ruleOf(reading, attribute, item, entry.Transformations);
    reading.problem(item, "Expected Transformations but there are none. Add them, or remove the entry.");
    return [];
  });
}

/** The countries of the holidays in a list of features, whichever of the two forms it has. */
function readFeatures(reading: Reading, place: Place): readonly Country[] {
  return (reading.list(place, "the list of features") ?? []).flatMap((item) => {
    const feature = reading.places(item, "a feature", ["Name", "Value", "Configuration"]);
    const name = at(feature?.Name, (each) => reading.choice(each, "Name", ["holiday", "weather"]));
    const codes = at(feature?.Configuration, (each) => reading.places(each, "Configuration", ["CountryCode"]))?.CountryCode;
    const sources = codes === undefined ? [feature?.Value] : reading.list(codes, "CountryCode");
    if (name === "weather")
      reading.note(item, "There is no weather index here: give weather as numbers of the related file. The forecast is made without it.");
    if (name !== "holiday" || sources === undefined) return [];
    if (sources.every((each) => each === undefined))
      reading.problem(item, "Expected the country of the holidays but there is none. Add its two letters.");
    return sources.flatMap((source) => {
      const country = at(source, (each) => reading.text(each, "a country's two letters"));
      if (country === undefined) return [];
      if (/^[A-Z]{2}$/.test(country) && knowsHolidays(country)) return [{ country, place: source ?? item }];
      const said = `Expected a country with known holidays, by its two letters such as US, but received "${country}".`;
      reading.problem(item, `${said}${placeMeant(country)}`);
      return [];
    });
  });
}

function oneCountry(reading: Reading, countries: readonly Country[]): string | undefined {
  const [first, ...others] = countries.toSorted((a, b) => a.place.offset - b.place.offset);
  for (const { place } of others) reading.problem(place, "Expected the holidays of one country but there are more. Keep one.");
  return first?.country;
}

interface Evaluation {
  readonly windows: number | undefined;
  readonly offset: number | undefined;
}

function readEvaluation(reading: Reading, place: Place, horizon: number | undefined): Evaluation {
  const { NumberOfBacktestWindows: count, BackTestWindowOffset: steps } =
    reading.places(place, "EvaluationParameters", ["NumberOfBacktestWindows", "BackTestWindowOffset"]) ?? {};
  const offset = at(steps, (each) => reading.number(each, "BackTestWindowOffset", 1, unbounded, true));
  if (steps !== undefined && offset !== undefined && horizon !== undefined && offset < horizon)
    reading.problem(steps, `Expected BackTestWindowOffset to be at least the ForecastHorizon of ${horizon} but received ${offset}.`);
  return { windows: at(count, (each) => reading.number(each, "NumberOfBacktestWindows", 1, 5, true)), offset };
}

function readMonitor(reading: Reading, place: Place): boolean {
  const inner = reading.places(place, "MonitorConfig", ["MonitorName"]);
  at(inner?.MonitorName, (each) => reading.text(each, "MonitorName"));
  return inner !== undefined;
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

interface Boundary {
  /** 0 Monday to 6 Sunday. */
  weekday?: number;
  /** 0 January to 11 December. */
  month?: number;
}

const weekdays = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"] as const;
const months = [
  "JANUARY",
  "FEBRUARY",
  "MARCH",
  "APRIL",
  "MAY",
  "JUNE",
  "JULY",
  "AUGUST",
  "SEPTEMBER",
  "OCTOBER",
  "NOVEMBER",
  "DECEMBER",
] as const;

/** Weeks begin on any weekday and years in any month; months from the first and days from midnight alone. */
function readBoundary(reading: Reading, place: Place): Boundary {
  const boundary: Boundary = {};
  const fixed = (at: Place, ours: string): void => {
    const text = reading.text(at, `a boundary (${ours})`);
    if (text !== undefined && text !== ours)
      reading.problem(at, `Expected ${ours}, where steps begin here, but received "${text}". Remove it, or stamp the data so.`);
  };
  reading.map(place, "TimeAlignmentBoundary", {
    Month: (at) => {
      const found = reading.choice(at, "Month", months);
      if (found !== undefined) boundary.month = months.indexOf(found);
    },
    DayOfMonth: (at) => fixed(at, "1"),
    DayOfWeek: (at) => {
      const found = reading.choice(at, "DayOfWeek", weekdays);
      if (found !== undefined) boundary.weekday = weekdays.indexOf(found);
    },
    Hour: (at) => fixed(at, "0"),
  });
  return boundary;
}

/** A frequency whose steps begin at a boundary; one for another unit has no effect. */
function within(frequency: Frequency | undefined, { weekday, month }: Boundary): Frequency | undefined {
  const begins = frequency?.unit === "W" ? weekday : frequency?.unit === "Y" ? month : undefined;
  return frequency === undefined || begins === undefined || begins === 0 ? frequency : { ...frequency, begins };
}
