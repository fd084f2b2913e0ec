// The settings of the classification module: one schema, every default a choice that serves most.

import { z } from "zod";
import { secretUrl } from "../../platform/config/index.ts";
import { usualFloor } from "../engine/decisions.ts";

const names = (fallback: readonly string[], says: string) =>
  z
    .array(z.string().min(1))
    .default([...fallback])
    .describe(says);

const warehouse = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("duckdb"),
    path: z.string().min(1).optional().describe("a database file; absent: the SQL names CSV, Parquet or JSON files"),
  }),
  z.strictObject({
    kind: z.literal("postgres"),
    url: secretUrl(["postgres", "postgresql", "redshift"], { description: "PostgreSQL or Redshift." }),
  }),
]);

const extract = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, "lower-case letters, digits and hyphens")
    .describe("of the extract"),
  kind: z.enum(["labelled", "sales"]).describe("which files it makes"),
  warehouse: z.string().min(1).describe("a name of classify.warehouses"),
  sql: z.string().min(1).describe("may use the parameter $period"),
  cron: z.string().min(1).optional().describe("UTC; absent: by command only"),
});

export const classifySettings = z.strictObject({
  columns: z
    .strictObject({
      id: z.string().default("id").describe("column of an item's id"),
      country: z.string().default("country").describe("column of the country; a file's key names it too"),
      date: z.string().default("date").describe("column of the day"),
      group: z.string().default("group").describe("rows of one group stay on one side of a split; absent column: equal texts"),
      text: names(["title", "brand", "description"], "columns whose words are learned from"),
      categories: names(["lang", "brand", "provider"], "columns whose values are learned from as a whole"),
      numbers: names([], "columns of numbers that are learned from"),
      units: z.string().default("units").describe("column of how many were sold; negative: returned"),
      kg: z.string().default("kg").describe("column of the weight"),
      decimal: z
        .enum([".", ","])
        .optional()
        .describe("the decimal sign of numbers in files; absent: found from the values of each file, refused where they do not tell"),
      encoding: z.string().min(1).optional().describe("how files are encoded, e.g. windows-1252; absent: found from their bytes"),
    })
    .prefault({}),
  sales: z
    .strictObject({
      maxBadShare: z.number().min(0).max(1).default(0.5).describe("a sales file with more rows set apart than this is refused whole"),
      maxUnitKg: z.number().positive().default(1000).describe("a row with more kg a unit than this is set apart"),
      maxUnits: z.number().positive().default(1_000_000).describe("a row with more units than this is set apart"),
      maxWeightFactor: z
        .number()
        .gt(1)
        .default(100)
        .describe("a row whose kg a unit is this many times the usual of its code in earlier months (or a fraction as small) is set apart"),
      timeZones: z
        .record(z.string().regex(/^[A-Z]{2,3}$/, "a country such as GBR"), z.string().min(1))
        .default({})
        .describe("IANA time zones of countries, for moments with an offset; the usual ones are known"),
    })
    .prefault({}),
  train: z
    .strictObject({
      trials: z.int().min(1).max(1000).default(20).describe("hyperparameters that a training tries"),
      seed: z.int().min(0).default(1).describe("same items and same seed, same model"),
      testShare: z.number().gt(0).lt(0.5).default(0.15).describe("share of the items set aside, never learned from, for the gate"),
      validationShare: z
        .number()
        .gt(0)
        .lt(0.5)
        .default(0.15)
        .describe(
          "of what is learned from; judges the trials, calibrates, finds the thresholds; below 3,000 items five folds do so in its place",
        ),
      minRows: z.int().min(10).default(60).describe("fewer usable rows than this are refused"),
      maxBadShare: z.number().min(0).max(1).default(0.5).describe("a file with more bad rows than this is refused whole"),
      promisedPrecision: z
        .number()
        .gt(0.5)
        .lt(1)
        .default(0.98)
        .describe("precision that automatic decisions keep; what cannot goes to a person"),
    })
    .prefault({}),
  gate: z
    .strictObject({
      alpha: z.number().gt(0).lt(0.5).default(0.05).describe("level of the paired test that a challenger must win"),
      shareJump: z
        .number()
        .gt(0)
        .max(1)
        .default(0.05)
        .describe(
          "a promotion that moves a code's share of items or kg further than this (0..1) beyond the line's history waits for a person",
        ),
      weightJump: z.number().gt(1).default(1.5).describe("the same for kg per unit, as a factor"),
    })
    .prefault({}),
  review: z
    .strictObject({
      floor: z
        .number()
        .min(0)
        .lt(1)
        .default(usualFloor)
        .describe(
          "least calibrated probability of an automatic decision; a higher one holds at once, a lower one from the next training on",
        ),
      perLine: z
        .int()
        .min(0)
        .max(100_000)
        .default(200)
        .describe("low-confidence items queued for each line and sales file, heaviest first"),
      auditPerLine: z.int().min(0).max(10_000).default(30).describe("confident items drawn at random for each line and sales file"),
    })
    .prefault({}),
  drift: z
    .strictObject({
      watch: z.number().positive().default(0.1).describe("PSI from which a period's drift is shown"),
      alarm: z.number().positive().default(0.25).describe("PSI from which it is told by a notice"),
    })
    .prefault({}),
  warehouses: z.record(z.string(), warehouse).default({}).describe("databases that items are extracted from, by name"),
  extracts: z.array(extract).default([]).describe("what is extracted, by SQL, into files of the store"),
});

export type ClassifySettings = z.infer<typeof classifySettings>;
export type ExtractSettings = ClassifySettings["extracts"][number];
