// A forecast-defaults.yaml to begin with: the words of the AWS solution, with what each of them does here.

export interface SampleSettings {
  readonly frequency: string;
  /** Steps ahead. */
  readonly horizon: number;
  /** Country of the holidays; undefined: none. */
  readonly holidays: string | undefined;
}

/** The text of a whole file: a retailer's demand by item and place, with prices, promotions and item metadata. */
/** What a sample says when nothing is known of the data. */
export const usualSample: SampleSettings = { frequency: "D", horizon: 28, holidays: "GB" };

export const sampleDefaults = ({
  frequency,
  horizon,
  holidays,
}: SampleSettings): string => `# Put it at the root of the store: stockroom put forecast-defaults.yaml forecast-defaults.yaml
# Groups are named by their files: forecast/train/retail.csv is the group "retail".
Default:                                  # what holds for groups that have no section of their own
  DatasetGroup:
    Domain: RETAIL                        # CUSTOM, INVENTORY_PLANNING, WORK_FORCE, WEB_TRAFFIC, EC2_CAPACITY, METRICS
  Datasets:
    - Domain: RETAIL                      # <group>.csv
      DatasetType: TARGET_TIME_SERIES
      DataFrequency: ${frequency}                    # Y Q M W D H 30min 15min 10min 5min 1min
      TimestampFormat: yyyy-MM-dd         # or yyyy-MM-dd HH:mm:ss
      Schema:
        Attributes:                       # in the order of the columns, for files without a header
          - { AttributeName: item_id, AttributeType: string }
          - { AttributeName: location, AttributeType: string }
          - { AttributeName: timestamp, AttributeType: timestamp }
          - { AttributeName: demand, AttributeType: float }
    - Domain: RETAIL                      # <group>.related.csv: known ahead, to the end of the horizon
      DatasetType: RELATED_TIME_SERIES
      DataFrequency: ${frequency}
      TimestampFormat: yyyy-MM-dd
      Schema:
        Attributes:
          - { AttributeName: item_id, AttributeType: string }
          - { AttributeName: location, AttributeType: string }
          - { AttributeName: timestamp, AttributeType: timestamp }
          - { AttributeName: price, AttributeType: float }
          - { AttributeName: promotion_applied, AttributeType: float }
    - Domain: RETAIL                      # <group>.metadata.csv
      DatasetType: ITEM_METADATA
      Schema:
        Attributes:
          - { AttributeName: item_id, AttributeType: string }
          - { AttributeName: category, AttributeType: string }
          - { AttributeName: brand, AttributeType: string }
  Predictor:
    MaxAge: 604800                        # seconds: models younger than this forecast new data without training
    PerformAutoML: true                   # backtests decide which models have how much weight
    ForecastHorizon: ${horizon}                   # steps ahead
    FeaturizationConfig:
      ForecastFrequency: ${frequency}
      ForecastDimensions: [location]      # forecast by item and these columns; the target's others are summed over
      Featurizations:
        - AttributeName: demand
          FeaturizationPipeline:
            - FeaturizationMethodName: filling
              FeaturizationMethodParameters:
                aggregation: sum          # avg, first, min, max
                middlefill: zero          # a gap between sales; value, mean, median, min, max, nan
                backfill: zero            # from the last sale of a series to the end of the data
${
  holidays === undefined
    ? ""
    : `    InputDataConfig:
      SupplementaryFeatures:
        - { Name: holiday, Value: ${holidays} }    # a country; leave it out for no holidays
`
}    EvaluationParameters:
      NumberOfBacktestWindows: 3          # 1 to 5
      BackTestWindowOffset: ${horizon}            # steps; at least the horizon
  Forecast:
    ForecastTypes: ["0.10", "0.50", "0.90", "mean"]

# A group of its own: a section here takes the place of the whole section above.
# weekly:
#   Datasets: { From: retail }            # the files of another group
#   Predictor: ...
`;
