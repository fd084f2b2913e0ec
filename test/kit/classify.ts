// Classify: the classification module's deps over real parts, and small files of items whose codes a model can learn.

import { classifyMigrations } from "../../src/classify/store/migrations.ts";
import { classifyGrants, classifyZones, type ClassifyDeps } from "../../src/classify/workflows/deps.ts";
import { classifySettings } from "../../src/classify/workflows/settings.ts";
import type { ObjectRef } from "../../src/classify/store/keys.ts";
import { mappingMigrations } from "../../src/platform/mappings/mappings.ts";
import { openDeps, tester, type TestDeps } from "./workflow.ts";

export interface ClassifyParts extends TestDeps {
  readonly deps: ClassifyDeps;
  /** Puts a file: its bytes, or its lines without their line ends. */
  put(key: string, content: readonly string[] | Buffer): Promise<ObjectRef>;
}

/** `settings` over the defaults, with one trial a training. */
export async function openClassify(settings: object = {}): Promise<ClassifyParts> {
  const parts = await openDeps({
    migrations: [...mappingMigrations, ...classifyMigrations],
    zones: classifyZones,
    grants: classifyGrants,
  });
  return {
    ...parts,
    deps: { ...parts, settings: classifySettings.parse({ train: { trials: 1 }, ...settings }) },
    put: async (key, content) => {
      const bytes = Buffer.isBuffer(content) ? content : Buffer.from(`${content.join("\n")}\n`);
      const { version } = await parts.objects.put(tester, key, bytes);
      return { key, version };
    },
  };
}

const kinds = [
  ["electric kettle", "K"],
  ["bread toaster", "T"],
  ["desk lamp", "L"],
] as const;

/** Labelled items of three codes in one scheme; `offset` makes other items of the same kinds. */
export function labelledRows(count: number, scheme = "WASTE", offset = 0): readonly string[] {
  return [
    `id,date,title,code.${scheme}`,
    ...Array.from({ length: count }, (_, at) => {
      const [title, code] = kinds[at % kinds.length] ?? kinds[0];
      return `i${offset + at},2026-09-10,${title} no ${offset + at},${code}`;
    }),
  ];
}

/** Sales of the same kinds. */
export function salesRows(count: number, period = "2026-10"): readonly string[] {
  return [
    "id,date,title,units,kg",
    ...Array.from({ length: count }, (_, at) => `s${at},${period}-11,${kinds[at % kinds.length]?.[0] ?? ""} no ${900 + at},2,3.5`),
  ];
}
