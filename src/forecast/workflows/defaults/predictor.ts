// The sections Predictor and AutoPredictor of a forecast-defaults.yaml.
//
// Keys and bounds are those of the AWS solution "Improving Forecast Accuracy with Machine Learning" (v1.5: its configuration is checked against
// the requests CreateDatasetGroup, CreateDataset, CreatePredictor, CreateAutoPredictor and CreateForecast of Amazon Forecast's API).
//   S1. Every key is honoured, or refused as a problem, or taken with a note that says what is done instead. None is dropped without a word.
//   S2. What a Predictor and an AutoPredictor call differently is read alike; either takes the other's keys.

import type { Frequency } from "../../engine/contract.ts";
import { knowsHolidays } from "../inputs/holidays.ts";
import type { AttributeRule } from "../inputs/read.ts";
import { mostDimensions } from "../inputs/schema.ts";
import type { Place, Reading } from "./document.ts";
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
  let boundary: Boundary = {};
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
      TimeAlignmentBoundary: (at) => (boundary = readBoundary(reading, at)),
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
    frequency: within(frequency, boundary),
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
