// Keys: where in the store everything of this module lies.
//
//   forecast/train/**/<group>.csv            what the retailer uploads (also <group>.related.csv, <group>.metadata.csv, <group>.events.csv)
//   forecast-defaults.yaml                   how each group is to be forecast
//   forecast/exports/<group>/<run>/          what a run gives
//   forecast/runs/<group>/<run>/             what a run needs of itself: chunks, models; nobody else reads it
//   forecast/sap/<source>/                   pages and the replica of an extraction
//   forecast/imports/<import>/               rows on their way into an ERP, and its answers
//   secrets/                                 credentials; operators may put them and never read them

import { tableFormats } from "../../platform/formats/index.ts";
import type { Hole, KeyPattern } from "../../platform/objects/awaited.ts";

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

const groupHole: Hole = {
  name: "group",
  fits: /^[A-Za-z][A-Za-z0-9_-]*$/,
  repair: (text) => text.replaceAll(/[^A-Za-z0-9_-]+/g, "_").replace(/^_+/, ""),
};

const endingsOf = (kinds: readonly string[]): readonly string[] =>
  ["", ".gz"].flatMap((packed) =>
    kinds.flatMap((kind) => tableFormats.map((format) => `${kind === "" ? "" : `${kind}.`}${format}${packed}`)),
  );

/** Endings of files that are looked into before they are read, beside those of the formats themselves. */
export const packedEndings = ["txt", "xlsx", "zip"] as const;

/** The keys this module waits for. */
export const awaited = {
  files: {
    keys: `${prefixes.train}.../{group}.{ending}`,
    holes: { group: groupHole },
    endings: [
      ...endingsOf(["", "related", "metadata", "events"]),
      ...["", "related.", "metadata."].flatMap((kind) => packedEndings.map((ending) => `${kind}${ending}`)),
    ],
  },
  defaults: { keys: defaultsKey },
  stock: { keys: `${prefixes.stock}{group}.{ending}`, holes: { group: groupHole }, endings: endingsOf(["", "orders"]), starts: false },
  secrets: { keys: `${prefixes.secrets}.../{name}`, starts: false },
} as const satisfies Readonly<Record<string, KeyPattern>>;

/** One version of an object in the store. */
export interface ObjectRef {
  readonly [key: string]: string;
  readonly key: string;
  readonly version: string;
}
