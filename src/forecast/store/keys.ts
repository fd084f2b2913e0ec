// Keys: where in the store everything of this wing lies.
//
//   forecast/train/**/<group>.csv            what the retailer uploads (also <group>.related.csv, <group>.metadata.csv)
//   forecast-defaults.yaml                   how each group is to be forecast
//   forecast/exports/<group>/<run>/          what a run gives
//   forecast/runs/<group>/<run>/             what a run needs of itself: chunks, models; nobody else reads it
//   forecast/sap/<source>/                   pages and the replica of an extraction
//   forecast/imports/<import>/               rows on their way into an ERP, and its answers
//   secrets/                                 credentials; operators may put them and never read them

export const prefixes = {
  train: "forecast/train/",
  stock: "forecast/stock/",
  rejected: "forecast/rejected/",
  exports: "forecast/exports/",
  runs: "forecast/runs/",
  scenarios: "forecast/scenarios/",
  adjustments: "forecast/adjustments/",
  sap: "forecast/sap/",
  imports: "forecast/imports/",
  secrets: "secrets/",
} as const;

/** Settings of the groups, in the words of the AWS solution. */
export const defaultsKey = "forecast-defaults.yaml";

/** One version of an object in the store. */
export interface ObjectRef {
  readonly [key: string]: string;
  readonly key: string;
  readonly version: string;
}
