// Metrics: the service's numbers for Prometheus. Counting itself is plain additions (counts.ts); they are read when somebody looks.

import { Counter, Gauge, Registry } from "prom-client";
import type { Service } from "./service.ts";

type Measured = Pick<Service, "counts" | "cache" | "load">;
type Value = readonly [labels: Readonly<Record<string, string | number>>, value: number];

/** Adds all numbers of a service to a registry; labels come from fixed sets. */
export function measureService(registry: Registry, { counts, cache, load }: Measured): void {
  // Each is put into this registry and no other.
  const registers: Registry[] = [];
  const countEach = (name: string, help: string, labelNames: readonly string[], each: () => readonly Value[]): void => {
    const counter = new Counter({
      name: `stockroom_images_${name}`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [labels, value] of each()) this.inc(labels, value);
      },
    });
    registry.registerMetric(counter);
  };
  const count = (name: string, help: string, read: () => number): void => countEach(name, help, [], () => [[{}, read()]]);
  const gauge = (name: string, help: string, read: () => number): void => {
    const made = new Gauge({
      name: `stockroom_images_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
    registry.registerMetric(made);
  };
  countEach("answers_total", "Answers by how they came about", ["outcome"], () =>
    Object.entries(counts.byOutcome).map(([outcome, value]): Value => [{ outcome }, value]),
  );
  countEach("status_total", "Answers by status", ["status"], () =>
    [...counts.byStatus].sort(([a], [b]) => a - b).map(([status, value]): Value => [{ status }, value]),
  );
  count("bytes_total", "Bytes of answers", () => counts.bytesOut);
  count("source_reads_total", "Originals read", () => counts.reads);
  count("source_revalidations_total", "Originals asked whether they changed", () => counts.revalidations);
  count("transforms_total", "Pictures made", () => counts.transforms);
  count("transform_seconds_total", "Time spent making pictures", () => counts.transformMs / 1000);
  gauge("working", "Pictures at work now", () => load().working);
  gauge("waiting", "Pictures waiting now", () => load().waiting);
  gauge("cache_memory_bytes", "Finished pictures in memory", () => cache.memoryBytes);
  gauge("cache_memory_entries", "Finished pictures in memory, count", () => cache.memoryEntries);
  gauge("cache_disk_bytes", "Finished pictures on disk", () => cache.diskBytes);
  registry.registerMetric(counts.seconds);
}

/** The numbers of one service alone. */
export function registryOf(service: Measured): Registry {
  const registry = new Registry();
  measureService(registry, service);
  return registry;
}
