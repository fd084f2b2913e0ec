// Former words: commands by the names they had, and the ones they have. The old ones do the work and say the new one. Those of a module stand with it.
//
// One grammar: a noun in the plural, then a verb (`runs list`, `schedules pause`, `MODULE models list`); a noun alone lists. What is done to a file or
// to the installation is a verb (`put`, `look`, `up`, `MODULE fit`).

import type { FormerWords } from "../platform/command/contract.ts";
import type { AnyModule } from "../platform/module.ts";

const own: readonly FormerWords[] = [
  { old: "schedule", now: "schedules" },
  { old: "events subscriptions", now: "subscriptions list" },
  { old: "events forget", now: "subscriptions forget" },
];

export const formerWordsOf = (all: readonly AnyModule[]): readonly FormerWords[] => [
  ...own,
  ...all.flatMap(({ formerWords = [] }) => formerWords),
];
