// Metrics: the counts in the words of Prometheus. Read when scraped; counting itself is plain additions (counts.ts).

import { timeBounds } from "./counts.ts";
import type { Service } from "./service.ts";

/** The media type of `metricsText`. */
export const metricsType = "text/plain; version=0.0.4; charset=utf-8";

/** All numbers of a service in Prometheus' text format; labels come from fixed sets. */
export function metricsText(service: Pick<Service, "counts" | "cache" | "load">): string {
  const { counts, cache } = service;
  const { working, waiting } = service.load();
  const lines: string[] = [];
  const put = (
    name: string,
    type: "counter" | "gauge",
    help: string,
    values: readonly (readonly [labels: string, value: number])[],
  ): void => {
    lines.push(`# HELP stockroom_images_${name} ${help}`, `# TYPE stockroom_images_${name} ${type}`);
    for (const [labels, value] of values) lines.push(`stockroom_images_${name}${labels} ${value}`);
  };
  put(
    "answers_total",
    "counter",
    "Answers by how they came about",
    Object.entries(counts.byOutcome).map(([name, value]) => [`{outcome="${name}"}`, value]),
  );
  put(
    "status_total",
    "counter",
    "Answers by status",
    [...counts.byStatus].sort(([a], [b]) => a - b).map(([status, value]) => [`{status="${status}"}`, value]),
  );
  put("bytes_total", "counter", "Bytes of answers", [["", counts.bytesOut]]);
  put("source_reads_total", "counter", "Originals read", [["", counts.reads]]);
  put("source_revalidations_total", "counter", "Originals asked whether they changed", [["", counts.revalidations]]);
  put("transforms_total", "counter", "Pictures made", [["", counts.transforms]]);
  put("transform_seconds_total", "counter", "Time spent making pictures", [["", counts.transformMs / 1000]]);
  put("working", "gauge", "Pictures at work now", [["", working]]);
  put("waiting", "gauge", "Pictures waiting now", [["", waiting]]);
  put("cache_memory_bytes", "gauge", "Finished pictures in memory", [["", cache.memoryBytes]]);
  put("cache_memory_entries", "gauge", "Finished pictures in memory, count", [["", cache.memoryEntries]]);
  put("cache_disk_bytes", "gauge", "Finished pictures on disk", [["", cache.diskBytes]]);
  lines.push("# HELP stockroom_images_seconds Time to answer", "# TYPE stockroom_images_seconds histogram");
  let total = 0;
  counts.times.forEach((count, at) => {
    total += count;
    lines.push(`stockroom_images_seconds_bucket{le="${timeBounds[at] ?? "+Inf"}"} ${total}`);
  });
  lines.push(`stockroom_images_seconds_sum ${counts.secondsTotal}`, `stockroom_images_seconds_count ${total}`);
  return `${lines.join("\n")}\n`;
}
