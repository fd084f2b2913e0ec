// What a forecast says of itself in a few figures: its row has them as they were written.

import type { AnswerOf } from "../../data/client.ts";

export type ForecastRow = AnswerOf<"GET /api/forecast/runs">["runs"][number];
type Summary = ForecastRow["summary"];

export function numberIn(summary: Summary, name: string): number | null {
  const value = summary?.[name];
  return typeof value === "number" ? value : null;
}

export function textIn(summary: Summary, name: string): string | undefined {
  const value = summary?.[name];
  return typeof value === "string" ? value : undefined;
}

export function warningsIn(summary: Summary): readonly string[] {
  const value = summary?.["warnings"];
  return Array.isArray(value) ? value.map(String) : [];
}
