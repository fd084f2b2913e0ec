// Understood: how the files of a run were read that have not the domain's own columns, as its row keeps it.

import { z } from "zod";
import type { ForecastRunRow } from "../../store/runs.ts";

const understood = z.array(
  z.object({ kind: z.string(), file: z.string(), by: z.string(), lines: z.array(z.string()), changes: z.array(z.string()).default([]) }),
);

export type Understood = z.output<typeof understood>[number];

/** By file; nothing where all were read as they stand. */
export function understoodIn(run: Partial<Pick<ForecastRunRow, "summary">> | undefined): readonly Understood[] {
  const found = understood.safeParse(run?.summary?.["understood"]);
  return found.success ? found.data : [];
}
