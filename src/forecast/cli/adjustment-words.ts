// What a planner said, in words.

import type { AdjustmentKind } from "../engine/adjust/adjust.ts";
import type { AdjustmentRow } from "../store/adjustments.ts";

export function wordsOf({ kind, value, said }: Pick<AdjustmentRow, "kind" | "value" | "said">): string {
  const words: Record<AdjustmentKind, string> = {
    set: `set to ${value}`,
    add: `${value < 0 ? "" : "+"}${value}`,
    percent: `${value < 0 ? "" : "+"}${value} %`,
  };
  return `${words[kind]}${said === "" ? "" : ` where ${said}`}`;
}
