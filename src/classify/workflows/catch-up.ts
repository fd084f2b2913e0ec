// Catch-up: after a line's first champion, the sales that came before it are coded.

import type { WorkflowDefinition } from "../../platform/workflow/contract.ts";
import { parseLine } from "../engine/lines.ts";
import { listCodedSales } from "../store/inferences.ts";
import { prefixes, readKey, type ObjectRef } from "../store/keys.ts";
import { findChampion } from "../store/lines.ts";
import type { ClassifyDeps } from "./deps.ts";
import type { InferInput, InferResult } from "./infer.ts";

/** After a line's first champion: the sales that came before it are coded now. */
export function makeCatchUp(
  deps: ClassifyDeps,
  infer: WorkflowDefinition<InferInput, InferResult>,
): WorkflowDefinition<{ readonly line: string }, { readonly started: readonly string[] }> {
  return {
    name: "classify.catch-up",
    queue: "classify.light",
    title: (input) => `code the sales that waited for ${input.line}`,
    run: async (context, input) => {
      const waiting = await context.step("find", async () => await salesWithout(deps, input.line));
      const started: string[] = [];
      for (const object of waiting) {
        const child: InferInput = { kind: "period", key: object.key, version: object.version, lines: [input.line] };
        started.push(await context.startChild(infer, child, { id: `infer/${object.key}@${object.version}/${input.line}` }));
      }
      return { started };
    },
  };
}

async function salesWithout(deps: ClassifyDeps, line: string): Promise<readonly ObjectRef[]> {
  const { country } = parseLine(line);
  if ((await findChampion(deps.database, line)) === undefined) return [];
  const entries = await deps.objects.list(prefixes.sales, { limit: 100_000 });
  const coded = new Set((await listCodedSales(deps.database, line)).map(({ key, version }) => `${key}@${version}`));
  return entries.flatMap((entry) => {
    const place = readKey(entry.key);
    if (place.kind !== "sales" || place.country !== country || coded.has(`${entry.key}@${entry.version}`)) return [];
    return [{ key: entry.key, version: entry.version }];
  });
}
