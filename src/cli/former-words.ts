// Former words: commands by the names they had, and the ones they have. The old ones do the work and say the new one.
//
// One grammar: a noun in the plural, then a verb (`runs list`, `schedules pause`, `classify models list`); a noun alone lists. What is done to a file or
// to the installation is a verb (`put`, `look`, `up`, `classify fit`).

import type { FormerWords } from "../platform/command/contract.ts";

export const formerWords: readonly FormerWords[] = [
  { old: "schedule", now: "schedules" },
  { old: "events subscriptions", now: "subscriptions list" },
  { old: "events forget", now: "subscriptions forget" },
  { old: "classify models", now: "classify models list", unlessBefore: ["list"] },
  { old: "classify verdicts", now: "classify verdicts list", unlessBefore: ["list"] },
  { old: "classify champion history", now: "classify champions list" },
  { old: "classify champion", now: "classify champions" },
  { old: "classify review", now: "classify reviews" },
  { old: "classify report", now: "classify reports show" },
  { old: "forecast list", now: "forecasts list" },
  { old: "forecast show", now: "forecasts show" },
  { old: "forecast export", now: "forecasts export" },
  { old: "forecast remove", now: "forecast groups remove" },
  { old: "forecast adjust", now: "forecast adjustments add" },
  { old: "forecast value-added", now: "forecast adjustments value" },
  { old: "forecast scenario", now: "forecast scenarios" },
];
