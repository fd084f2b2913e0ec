import { describe, expect, test } from "vitest";
import { readInputs } from "../inputs/read.ts";
import { type BadDefaults, type ForecastDefaults, inputOptionsOf, parseDefaults, printRemark, refuseDefaults } from "./parse.ts";

const file = "forecast-defaults.yaml";

const target = (domain = "RETAIL", item = "item_id", value = "demand", frequency = "D"): string => `
    - Domain: ${domain}
      DatasetType: TARGET_TIME_SERIES
      DataFrequency: ${frequency}
      TimestampFormat: yyyy-MM-dd
      Schema:
        Attributes:
          - { AttributeName: ${item}, AttributeType: string }
          - { AttributeName: timestamp, AttributeType: timestamp }
          - { AttributeName: ${value}, AttributeType: float }`;

const related = `
    - Domain: RETAIL
      DatasetType: RELATED_TIME_SERIES
      DataFrequency: D
      TimestampFormat: yyyy-MM-dd
      Schema:
        Attributes:
          - { AttributeName: item_id, AttributeType: string }
          - { AttributeName: timestamp, AttributeType: timestamp }
          - { AttributeName: price, AttributeType: float }`;

const base = `Default:
  DatasetGroup:
    Domain: RETAIL
  Datasets:${target()}
  Predictor:
    MaxAge: 604800  # one week
    PerformAutoML: True
    ForecastHorizon: 30
    FeaturizationConfig:
      ForecastFrequency: D
  Forecast:
    ForecastTypes:
      - "0.01"
      - "0.50"
      - "0.99"
`;

function good(text: string): ForecastDefaults {
  const parsed = parseDefaults(text, file);
  if (parsed.kind === "bad") return refuseDefaults(parsed, file);
  return parsed;
}

function bad(text: string): BadDefaults {
  const parsed = parseDefaults(text, file);
  if (parsed.kind === "good") throw new Error("Expected problems.");
  return parsed;
}

const problems = (text: string): string[] => bad(text).problems.map(({ path, message }) => `${path}: ${message}`);

describe("forecast-defaults.yaml", () => {
  test("gives a group that it does not name the Default's settings", () => {
    const defaults = good(base);
    expect(defaults.names).toEqual([]);
    expect(defaults.group("sales")).toEqual({
      name: "sales",
      filesOf: "sales",
      domain: "RETAIL",
      datasets: {
        target: {
          frequency: { unit: "D", multiple: 1 },
          schema: [
            { name: "item_id", type: "string" },
            { name: "timestamp", type: "timestamp" },
            { name: "demand", type: "float" },
          ],
        },
        related: undefined,
        metadata: undefined,
      },
      required: ["target"],
      frequency: { unit: "D", multiple: 1 },
      horizon: 30,
      dimensions: [],
      maxAgeSeconds: 604_800,
      aggregation: "sum",
      rules: {},
      shortRelated: "leave-out",
      holidays: undefined,
      windows: 1,
      windowOffset: 30,
      trainedTypes: { levels: [0.1, 0.5, 0.9], mean: false },
      forecastTypes: { levels: [0.01, 0.5, 0.99], mean: false },
      metric: "AverageWeightedQuantileLoss",
      models: "auto",
      explain: false,
      monitor: false,
      tags: {},
    });
    expect(inputOptionsOf(defaults.group("sales"))).toEqual({
      frequency: "D",
      horizon: 30,
      domain: "RETAIL",
      dimensions: [],
      aggregation: "sum",
      rules: {},
      shortRelated: "leave-out",
    });
  });

  test("replaces sections as a whole, shares datasets, and reads every key of a Predictor", () => {
    const defaults = good(`${base}
retail:
  Datasets:${target()}${related}
    - Domain: RETAIL
      DatasetType: ITEM_METADATA
      Schema:
        Attributes:
          - { AttributeName: item_id, AttributeType: string }
          - { AttributeName: brand, AttributeType: string }
  Predictor:
    AlgorithmArn: arn:aws:forecast:::algorithm/Prophet
    MaxAge: 1
    ForecastHorizon: 14
    ForecastTypes: [mean, "0.60", 0.5]
    OptimizationMetric: WAPE
    PerformHPO: False
    TrainingParameters: { epochs: "250" }
    FeaturizationConfig:
      ForecastFrequency: D
      Featurizations:
        - AttributeName: demand
          FeaturizationPipeline:
            - FeaturizationMethodName: filling
              FeaturizationMethodParameters: { aggregation: avg, frontfill: none, middlefill: nan, backfill: value, backfill_value: "2" }
        - AttributeName: price
          FeaturizationPipeline:
            - FeaturizationMethodName: filling
              FeaturizationMethodParameters: { middlefill: median, backfill: median, futurefill: max }
    InputDataConfig:
      SupplementaryFeatures:
        - { Name: holiday, Value: US }
        - { Name: weather, Value: "true" }
    EvaluationParameters:
      NumberOfBacktestWindows: 3
      BackTestWindowOffset: 21
  Forecast:
    ForecastTypes: ["0.50", mean]
again:
  Datasets:
    From: retail
`);
    expect(defaults.names).toEqual(["retail", "again"]);
    expect(defaults.group("retail")).toMatchObject({
      required: ["target", "related", "metadata"],
      horizon: 14,
      maxAgeSeconds: 1,
      aggregation: "avg",
      rules: {
        demand: { aggregation: "avg", front: { kind: "nan" }, middle: { kind: "nan" }, back: { kind: "value", value: 2 } },
        price: { middle: { kind: "median" }, back: { kind: "median" }, future: { kind: "max" } },
      },
      shortRelated: "refuse",
      holidays: "US",
      windows: 3,
      windowOffset: 21,
      trainedTypes: { levels: [0.5, 0.6], mean: true },
      forecastTypes: { levels: [0.5], mean: true },
      metric: "WAPE",
      models: ["regression"],
    });
    expect(defaults.group("again")).toMatchObject({
      filesOf: "retail",
      horizon: 30,
      required: ["target", "related", "metadata"],
      models: "auto",
    });
    expect(defaults.dependents("retail")).toEqual(["retail", "again"]);
    expect(defaults.notes.map(({ path }) => path)).toEqual([
      "retail.Predictor.AlgorithmArn",
      "retail.Predictor.TrainingParameters",
      "retail.Predictor.InputDataConfig.SupplementaryFeatures[1]",
    ]);
  });

  test("reads an AutoPredictor, tags, anchors, and every domain", () => {
    const defaults = good(`
__Testing__:
  Frequency: &weekly W
  Predictor: &predictor
    ForecastHorizon: 8
    ForecastFrequency: *weekly
${base}
  Tags:
    - { Key: owner, Value: planning }
    - { Key: stage, Value: test }
web:
  DatasetGroup: { Domain: WEB_TRAFFIC }
  Datasets:${target("WEB_TRAFFIC", "item_id", "value")}
  AutoPredictor:
    <<: *predictor
    ExplainPredictor: yes
    MonitorConfig: { MonitorName: web }
    TimeAlignmentBoundary: { DayOfWeek: MONDAY }
    DataConfig:
      AttributeConfigs:
        - AttributeName: value
          Transformations: { aggregation: max, middlefill: mean }
      AdditionalDatasets:
        - { Name: holiday, Configuration: { CountryCode: [DE] } }
    Tags:
      - { Key: stage, State: Absent }
      - { Key: team, Value: "7", State: Present }
${(
  [
    ["CUSTOM", "item_id", "target_value"],
    ["INVENTORY_PLANNING", "item_id", "demand"],
    ["WORK_FORCE", "workforce_type", "workforce_demand"],
    ["EC2_CAPACITY", "instance_type", "number_of_instances"],
    ["METRICS", "metric_name", "metric_value"],
  ] as const
)
  .map(([domain, item, value]) => `${domain}:\n  DatasetGroup: { Domain: ${domain} }\n  Datasets:${target(domain, item, value)}\n`)
  .join("")}`);
    expect(defaults.group("web")).toMatchObject({
      domain: "WEB_TRAFFIC",
      frequency: { unit: "W", multiple: 1 },
      horizon: 8,
      aggregation: "max",
      holidays: "DE",
      explain: true,
      monitor: true,
      tags: { owner: "planning", team: "7" },
      rules: { value: { aggregation: "max", middle: { kind: "mean" } } },
    });
    expect(defaults.group("METRICS")).toMatchObject({ domain: "METRICS", tags: { owner: "planning", stage: "test" } });
    expect(defaults.names).toHaveLength(6);
  });

  test("keeps years and dimensions apart from YAML's own ideas", () => {
    const text = base
      .replace(
        "AttributeType: float }",
        "AttributeType: float }\n          - { AttributeName: store, AttributeType: string }\n          - { AttributeName: place, AttributeType: geolocation }",
      )
      .replace("DataFrequency: D", "DataFrequency: Y\n      GeolocationFormat: LAT_LONG\n      TimeZone: America/New_York")
      .replace("ForecastFrequency: D", "ForecastFrequency: Y\n      ForecastDimensions: [place]");
    const defaults = good(text);
    expect(defaults.group("x")).toMatchObject({ frequency: { unit: "Y", multiple: 1 }, dimensions: ["place"] });
    expect(defaults.notes).toHaveLength(2);
  });
});

test("settings and files of a group make a panel, with a header or without", async () => {
  const settings = good(`${base.replace("ForecastHorizon: 30", "ForecastHorizon: 2")}
stores:
  Datasets:${target()}
          - { AttributeName: store, AttributeType: string }
  Predictor:
    ForecastHorizon: 2
    FeaturizationConfig:
      ForecastFrequency: W
      ForecastDimensions: [store]
      Featurizations:
        - AttributeName: demand
          FeaturizationPipeline: [{ FeaturizationMethodName: filling, FeaturizationMethodParameters: { aggregation: max } }]
`).group("stores");
  const rows = Array.from({ length: 35 }, (_, i) => `a,${new Date(Date.UTC(2024, 0, 1 + i)).toISOString().slice(0, 10)},${i},north`);
  for (const lines of [rows, ["item_id,timestamp,demand,store", ...rows]]) {
    const body = (async function* () {
      yield Buffer.from(lines.join("\n"));
    })();
    const { panel, bad } = await readInputs({
      ...inputOptionsOf(settings),
      target: { name: "stores.csv", body, schema: settings.datasets.target.schema },
    });
    expect([...panel.values]).toEqual([6, 13, 20, 27, 34]);
    expect(panel.dimensions[0]).toMatchObject({ name: "store", levels: ["north"] });
    expect(bad[0].count).toBe(0);
  }
});

describe("mistakes", () => {
  test("are all told at once, with path, line and column, and nothing is given", () => {
    const text = `Default:
  DatasetGroup:
    Domain: SHOP
  Datasets:
    - Domain: RETAIL
      Type: TARGET_TIME_SERIES
      DatasetType: TARGET_TIME_SERIES
      DataFrequency: daily
      TimestampFormat: dd.MM.yyyy
      Schema:
        Attributes:
          - { AttributeName: item_id, AttributeType: text }
          - { AttributeName: demand, AttributeType: float }
  Predictor:
    MaxAge: -1
    PerformAutoML: maybe
    AlgorithmArn: arn:aws:forecast:::algorithm/Magic
    ForecastHorizont: 30
    FeaturizationConfig:
      ForecastFrequency: 60min
    EvaluationParameters:
      NumberOfBacktestWindows: 9
    OptimizationMetric: sMAPE
    ReferencePredictorArn: arn:x
    TimeAlignmentBoundary: { DayOfWeek: SONNTAG }
  Forecast:
    ForecastTypes: ["0.005", p50]
  Extra: 1
`;
    const { problems } = bad(text);
    const lines = problems.map((problem) => `${problem.line}:${problem.column} ${problem.path}`);
    expect(lines).toEqual([
      "3:13 Default.DatasetGroup.Domain",
      "6:7 Default.Datasets[0].Type",
      "8:22 Default.Datasets[0].DataFrequency",
      "9:24 Default.Datasets[0].TimestampFormat",
      "12:11 Default.Datasets[0].Schema.Attributes",
      "12:11 Default.Datasets[0].Schema.Attributes",
      "12:54 Default.Datasets[0].Schema.Attributes[0].AttributeType",
      "15:5 Default.Predictor",
      "15:13 Default.Predictor.MaxAge",
      "16:20 Default.Predictor.PerformAutoML",
      "17:19 Default.Predictor.AlgorithmArn",
      "18:5 Default.Predictor.ForecastHorizont",
      "20:26 Default.Predictor.FeaturizationConfig.ForecastFrequency",
      "22:32 Default.Predictor.EvaluationParameters.NumberOfBacktestWindows",
      "23:25 Default.Predictor.OptimizationMetric",
      "24:5 Default.Predictor.ReferencePredictorArn",
      "25:41 Default.Predictor.TimeAlignmentBoundary.DayOfWeek",
      "27:20 Default.Forecast.ForecastTypes",
      "27:21 Default.Forecast.ForecastTypes[0]",
      "27:30 Default.Forecast.ForecastTypes[1]",
      "28:3 Default.Extra",
    ]);
    expect(problems.find(({ path }) => path.endsWith("ForecastHorizont"))?.message).toContain("Did you mean ForecastHorizon?");
    expect(() => refuseDefaults({ kind: "bad", problems }, file)).toThrow(/found 21\. Nothing is trained/);
    expect(printRemark(problems[0], file)).toMatch(
      /^forecast-defaults\.yaml:3:13: Default\.DatasetGroup\.Domain: Expected Domain to be one of RETAIL, /,
    );
  });

  test("in the countries of holidays: each of a list is read, and what was meant is said", () => {
    const web = (codes: string): readonly string[] =>
      problems(`${base}
web:
  AutoPredictor:
    ForecastHorizon: 2
    ForecastFrequency: D
    DataConfig:
      AdditionalDatasets:
        - { Name: holiday, Configuration: { CountryCode: ${codes} } }
`);
    expect(web("[DE, XX]")).toEqual([expect.stringContaining('received "XX"')]);
    expect(web("[DE, FR]")).toEqual([expect.stringContaining("holidays of one country but there are more")]);
    expect(web("[UK]")).toEqual([expect.stringContaining("Did you mean GB (United Kingdom)?")]);
    expect(web("DE")).toEqual([expect.stringContaining("Expected CountryCode as a list")]);
    expect(web("[]")).toEqual([expect.stringContaining("Expected the country of the holidays")]);
  });

  test("between sections are told too", () => {
    expect(
      problems(`${base}
clash:
  DatasetGroup: { Domain: METRICS }
  AutoPredictor: { ForecastHorizon: 2, ForecastFrequency: H }
  Predictor: { ForecastHorizon: 2, FeaturizationConfig: { ForecastFrequency: D } }
both:
  Predictor:
    PerformAutoML: true
    AlgorithmArn: arn:aws:forecast:::algorithm/ETS
    ForecastHorizon: 9
    EvaluationParameters: { BackTestWindowOffset: 3 }
    FeaturizationConfig:
      ForecastFrequency: D
      ForecastDimensions: [store]
      Featurizations:
        - AttributeName: price
          FeaturizationPipeline: [{ FeaturizationMethodName: filling, FeaturizationMethodParameters: { middlefill: mean } }]
        - AttributeName: demand
          FeaturizationPipeline: [{ FeaturizationMethodName: filling, FeaturizationMethodParameters: { futurefill: mean, backfill: value, middlefill_value: 1 } }]
self:
  Datasets: { From: self }
gone:
  Datasets: { From: nobody }
chain:
  Datasets: { From: self }
twice:
  Datasets:${target()}${target()}
none:
  Datasets:${related}
a.b:
  Forecast: { ForecastTypes: [mean] }
`).map((problem) => problem.slice(0, 95)),
    ).toEqual([
      "clash.DatasetGroup: Expected the Domain of the DatasetGroup and of its Datasets to be one but r",
      "clash.AutoPredictor.ForecastFrequency: Expected a ForecastFrequency as coarse as the data or co",
      "clash.Predictor: Expected one of Predictor and AutoPredictor but there are both. Remove one.",
      "both.Predictor.AlgorithmArn: Expected one of AlgorithmArn and PerformAutoML: true but there are",
      "both.Predictor.EvaluationParameters.BackTestWindowOffset: Expected BackTestWindowOffset to be a",
      "both.Predictor.FeaturizationConfig.ForecastDimensions[0]: Expected a dimension of the target (i",
      "both.Predictor.FeaturizationConfig.Featurizations[0]: Expected the target or a number of the re",
      "both.Predictor.FeaturizationConfig.Featurizations[1]: Expected no futurefill for demand: its fu",
      "both.Predictor.FeaturizationConfig.Featurizations[1].FeaturizationPipeline[0].FeaturizationMeth",
      "both.Predictor.FeaturizationConfig.Featurizations[1].FeaturizationPipeline[0].FeaturizationMeth",
      'self.Datasets: Expected From to name a group with a list of Datasets but received "self". A gro',
      'gone.Datasets: Expected From to name another group but received "nobody". There are clash, both',
      'chain.Datasets: Expected From to name a group with a list of Datasets but received "self". self',
      "twice.Datasets[1]: Expected one dataset of each type but TARGET_TIME_SERIES comes twice. Remove",
      "none.Datasets: Expected a dataset of type TARGET_TIME_SERIES but there is none. Add it.",
      "a.b: Expected the name of a group, which is a file's name up to its first dot, but this one hol",
    ]);
  });

  test("of the YAML itself, of a file without Default, of what is no map", () => {
    expect(bad("Default:\n  A: [1\n  B: 2\n").problems[0]).toMatchObject({ path: "", line: 3 });
    expect(bad("Default: {}\nDefault: {}\n").problems[0].message).toContain("unique");
    expect(problems("")[0]).toContain("as a map of keys but received nothing");
    expect(problems("- 1")[0]).toContain("received a list");
    expect(problems(base.replace("Default:", "retail:"))).toEqual([
      ": Expected a Default entry, for groups that have none of their own, but there is none. Add it.",
    ]);
    expect(problems("Default:\n").length).toBeGreaterThan(0);
    expect(problems("Default: {}\n").map((problem) => problem.split(" in Default")[0])).toEqual([
      "Default: Expected Predictor or AutoPredictor",
      "Default: Expected DatasetGroup",
      "Default: Expected Datasets",
    ]);
  });

  test("in a section that groups share are told once", () => {
    const shared = base.replace("ForecastHorizon: 30", "ForecastHorizon: 0");
    expect(problems(`${shared}\na: { Forecast: { ForecastTypes: [mean] } }\nb: { Forecast: { ForecastTypes: [mean] } }\n`)).toEqual([
      "Default.Predictor.ForecastHorizon: Expected ForecastHorizon as a whole number from 1 to 500 but received 0.",
    ]);
  });
});

describe("how files are read", () => {
  const base = `
Default:
  DatasetGroup: { Domain: RETAIL }
  Datasets:
    - { Domain: RETAIL, DatasetType: TARGET_TIME_SERIES, DataFrequency: D, TimestampFormat: yyyy-MM-dd, Schema: { Attributes: [{ AttributeName: item_id, AttributeType: string }, { AttributeName: timestamp, AttributeType: timestamp }, { AttributeName: demand, AttributeType: float }] } }
  Predictor:
    ForecastHorizon: 4
    FeaturizationConfig: { ForecastFrequency: W }
    TimeAlignmentBoundary: { DayOfWeek: SUNDAY }
`;

  test("is a section of ours, with the options of the command", () => {
    const parsed = parseDefaults(
      `${base}  Inputs:
    EndedSeries: discontinued
    Negative: true
    StockColumn: available
    Without: [customers]
    DateFormat: dd.mm.yyyy
    DecimalSign: ","
    Columns: { Datum: timestamp }
    Events:
      - { Name: Black Friday, Date: 2026-11-27, DaysAfter: 3 }
      - { Name: Fair, From: 2026-05-01, To: 2026-05-03, Place: north }
`,
      "f.yaml",
    );
    if (parsed.kind === "bad") throw new Error(JSON.stringify(parsed.problems));
    expect(inputOptionsOf(parsed.group("any"))).toMatchObject({
      frequency: "W-SUN",
      ended: "discontinued",
      nonNegative: false,
      stockColumn: "available",
      without: ["customers"],
      dateFormat: "dd.mm.yyyy",
      decimal: ",",
      map: { Datum: "timestamp" },
      eventRows: [
        { name: "Black Friday", from: "2026-11-27", after: 3 },
        { name: "Fair", from: "2026-05-01", to: "2026-05-03", place: "north" },
      ],
    });
  });

  test("tells every mistake by its place", () => {
    const parsed = parseDefaults(
      `${base}  Inputs:
    EndedSeries: gone
    DateFormat: day
    Begin: yesterday
    Encoding: klingon
    Surprise: 1
    Events:
      - { Name: Black Friday }
      - { Name: Fair, Date: 2026-02-30 }
`,
      "f.yaml",
    );
    expect(parsed.kind === "bad" && parsed.problems.map(({ path }) => path.replace("Default.Inputs.", ""))).toEqual([
      "EndedSeries",
      "DateFormat",
      "Begin",
      "Encoding",
      "Surprise",
      "Events[0]",
      "Events[1]",
    ]);
  });
});
