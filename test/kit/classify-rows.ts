// Rows of the classification module with everything filled in; a test gives what it is about.

import type { InferenceRow } from "../../src/classify/store/inferences.ts";
import type { ModelRow, VerdictRow } from "../../src/classify/store/lines.ts";
import type { NewReview } from "../../src/classify/store/reviews.ts";

export const rowTime = "2026-10-15T08:00:00.000Z";

/** An ISO time so many minutes after `rowTime`. */
export const minutesLater = (minutes: number): string => new Date(Date.parse(rowTime) + minutes * 60_000).toISOString();

export const modelRow = (id: string, line: string, given: Partial<ModelRow> = {}): ModelRow => ({
  id,
  line,
  object: { key: `classify/models/${id}`, version: "1" },
  test: { key: `classify/tests/${id}`, version: "1" },
  ground: [],
  trainedOn: [],
  schemeVersion: "1",
  schemeRevision: undefined,
  parameters: {},
  metrics: {},
  counts: {},
  trials: [],
  seed: 1,
  runId: "run",
  trainedAt: rowTime,
  ...given,
});

export const verdictRow = (id: string, line: string, challenger: string, given: Partial<VerdictRow> = {}): VerdictRow => ({
  id,
  line,
  challenger,
  champion: undefined,
  decision: "first",
  promoted: true,
  reason: "",
  verdict: {},
  data: {},
  at: rowTime,
  ...given,
});

export const inferenceRow = (id: string, line: string, model: string, given: Partial<InferenceRow> = {}): InferenceRow => ({
  id,
  period: "2026-10",
  country: line.slice(0, 3),
  line,
  model,
  sales: { key: `classify/sales/2026-10/${line.slice(0, 3)}.csv`, version: "1" },
  predictions: { key: `classify/predictions/${id}`, version: "1" },
  schemeRevision: undefined,
  items: 10,
  autoItems: 8,
  reviewItems: 2,
  badRows: 0,
  shared: {},
  figures: {},
  drift: {},
  runId: "run",
  at: rowTime,
  ...given,
});

export const reviewRow = (id: string, inference: string, line: string, given: Partial<NewReview> = {}): NewReview => ({
  id,
  inference,
  line,
  period: "2026-10",
  kind: "low",
  itemId: `item-${id}`,
  day: "2026-10-11",
  object: { key: `classify/review/${id}`, version: "1" },
  row: 0,
  schemeVersion: "1",
  predicted: "K",
  runnerUp: "T",
  probability: 0.6,
  units: 1,
  kg: 1,
  ...given,
});
