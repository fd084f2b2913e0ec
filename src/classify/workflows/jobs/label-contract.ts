// What the label job is asked and what it gives: plain data that crosses threads.

import type { ReadHandle, StagedObject, WriteHandle } from "../../../platform/objects/contract.ts";
import type { DriftLevel } from "../../engine/drift.ts";
import type { CodeFigures } from "../../engine/figures.ts";
import type { Scheme } from "../../engine/schemes.ts";
import type { ClassifySettings } from "../settings.ts";
import type { ColumnSettings } from "./items.ts";

/** One line's part in the pass. */
export interface LineTask {
  readonly line: string;
  readonly model: string;
  readonly modelHandle: ReadHandle;
  /** How the items of training looked; null: no drift is measured. */
  readonly profile: ReadHandle | null;
  readonly modelSchemeVersion: string;
  /** Null: the scheme was never imported; the model's codes stand as they are. */
  readonly scheme: Scheme | null;
  /** False: the line's audit sample broke its promise, or a person said so; every item goes to a person. */
  readonly automatic: boolean;
  readonly predictions: WriteHandle;
  readonly review: WriteHandle | null;
  /** Kg a unit of each code of the model's version in earlier months, where enough were sold. */
  readonly usualKg: Readonly<Record<string, number>>;
  /** Items of the period somebody was ever asked about. What the model says of them is told, so that answers can be laid over it. */
  readonly asked: readonly AskedItem[];
}

export interface AskedItem {
  readonly item: string;
  /** Of an item without one: the period's first day. */
  readonly day: string;
  readonly answered: boolean;
}

export interface LabelInput {
  readonly source: ReadHandle;
  /** Other current files of the same sales that were stored earlier: items that are in them too are counted and told. */
  readonly others: readonly ReadHandle[];
  readonly columns: ColumnSettings;
  readonly lines: readonly LineTask[];
  /** `by-date`: the version valid on each item's day (without one: on the period's first day). `fixed`: one version for all, of a test. */
  readonly versions:
    | { readonly kind: "by-date"; readonly period: string; readonly country: string }
    | { readonly kind: "fixed"; readonly version: string };
  readonly limits: ClassifySettings["sales"];
  readonly reviewPerLine: number;
  readonly auditPerLine: number;
  /** Least calibrated probability of an automatic decision. */
  readonly floor: number;
  readonly drift: { readonly watch: number; readonly alarm: number };
  readonly seed: number;
  readonly rejected: WriteHandle | null;
}

/** What the model made of one item. */
export interface ItemSeen {
  readonly itemId: string;
  readonly day: string;
  readonly decision: "auto" | "review";
  readonly schemeVersion: string;
  readonly predicted: string;
  readonly runnerUp: string;
  readonly probability: number;
  readonly units: number;
  readonly kg: number;
}

export interface ReviewPick extends ItemSeen {
  /** `former`: decided by itself, and here only because the same item as sold is asked about. */
  readonly kind: "low" | "audit" | "former";
  /** Zero-based row of the review object. */
  readonly row: number;
}

export interface LabelledLine {
  readonly line: string;
  readonly model: string;
  readonly predictions: StagedObject;
  readonly review: StagedObject | null;
  readonly reviews: readonly ReviewPick[];
  /** Those of the asked items that are in the file. */
  readonly seen: readonly ItemSeen[];
  readonly items: number;
  readonly autoItems: number;
  readonly figures: Readonly<Record<string, Readonly<Record<string, CodeFigures>>>>;
  /** Without words of items. */
  readonly drift: {
    readonly level: DriftLevel;
    readonly psi: number;
    readonly summary: string;
    readonly features: Readonly<Record<string, number>>;
  };
}

export interface LabelResult {
  readonly items: number;
  readonly badRows: number;
  /** Items that are also in another current file, by its `KEY@VERSION`: they are in the figures of both. */
  readonly shared: Readonly<Record<string, number>>;
  readonly reasons: readonly string[];
  /** How many of the bad rows for each code of reason. */
  readonly kinds: Readonly<Record<string, number>>;
  /** How the file was read, where that was found rather than known. */
  readonly notes: readonly string[];
  readonly rejected: StagedObject | null;
  readonly lines: readonly LabelledLine[];
}
