// The reference of metrics: every number of GET /metrics, as it is registered.

import path from "node:path";
import type { Registry } from "prom-client";
import { modules } from "../../src/modules.ts";
import { makeLog } from "../../src/platform/log.ts";
import { makeMetrics } from "../../src/server/metrics.ts";
import { generated, inCell, table, type Page } from "./page.ts";

const root = path.resolve(import.meta.dirname, "../..");
/** Settings with which a module answers by itself; without them it has no numbers of its own. */
const settings: Readonly<Record<string, unknown>> = { images: { sources: { photos: "examples/data/pictures" } } };

interface Listed {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames: readonly string[];
}

const kinds: Readonly<Record<string, string>> = {
  counter: "counts up",
  gauge: "goes up and down",
  histogram: "histogram",
  summary: "summary",
};

const listed = (registry: Registry): readonly Listed[] =>
  registry.getMetricsAsArray().map((metric) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every metric of prom-client has them
    const { name, help, type, labelNames = [] } = metric as unknown as Partial<Listed> & { readonly name: string };
    return { name, help: help ?? "", type: String(type), labelNames };
  });

/** The page, and the numbers that say nothing of themselves. */
export async function metricsPage(): Promise<{ readonly page: Page; readonly problems: readonly string[] }> {
  const log = makeLog({ level: "silent" });
  const { registry } = makeMetrics(
    { database: {}, log } as never,
    "reference",
    modules.flatMap(({ gauges = [] }) => gauges),
  );
  const fronts = await Promise.all(
    modules.map(async (module) => {
      const own: unknown = module.settings.parse(settings[module.name] ?? {});
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each module reads what its own schema gave
      return await module.front?.({ settings: own as never, folder: root, env: {}, log });
    }),
  );
  for (const front of fronts) front?.measure(registry);
  await Promise.all(fronts.map(async (front) => await front?.close()));
  const all = listed(registry).filter(({ name }) => name.startsWith("stockroom_"));
  // Those of the process are prom-client's; which there are depends on the system.
  const rows = all.map(({ name, help, type, labelNames }) => [
    `\`${name}\``,
    inCell(help),
    kinds[type] ?? type,
    labelNames.map((label) => `\`${label}\``).join(", "),
  ]);
  const text = [
    "# Every metric",
    generated("what is registered for `GET /metrics`"),
    "For Prometheus; who may ask has the role `viewer` or a token ([sign-in.md](../how-to/sign-in.md)). Labels come from fixed sets, never from keys or items. Beside these stand the numbers that `prom-client` gives of every Node process (`process_*`, `nodejs_*`).",
    table(["metric", "says", "kind", "labels"], rows),
  ].join("\n\n");
  return {
    page: { name: "metrics.md", text: `${text}\n` },
    problems: all.flatMap(({ name, help }) => (help === "" ? [`${name} has no help`] : [])),
  };
}
