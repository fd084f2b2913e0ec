// Runs over time, as bars: how many began, and how many of them ended badly.

import type { ComponentChildren } from "preact";
import { Chart } from "../../parts/chart.tsx";
import { overTime, stretchOf, type RunCount } from "./counts.ts";

interface HistogramProps {
  readonly counts: readonly RunCount[];
  readonly by: "hour" | "day";
  readonly since: string;
  /** Told which stretch of time was chosen, both ends whole hours or days. */
  readonly onStretch: (since: string, until: string) => void;
  readonly children?: ComponentChildren;
}

/** No bar where there is none: one of height zero would still draw its edge. */
const bars = (values: readonly number[]): readonly (number | null)[] => values.map((value) => (value === 0 ? null : value));

export function Histogram({ counts, by, since, onStretch, children }: HistogramProps) {
  const { at, all, bad } = overTime(counts, by, since, Date.now());
  return (
    <Chart
      title={`Runs that began each ${by} (UTC)`}
      at={at}
      height={150}
      onZoom={(from, until) => {
        const chosen = stretchOf(from * 1_000, until * 1_000, by);
        onStretch(chosen.since, chosen.until);
      }}
      format={(value) => (Number.isInteger(value) ? String(value) : "")}
      lines={[
        { title: "Began", values: bars(all), look: "bars", colour: "--chart-1" },
        { title: "Of these failed or dead", values: bars(bad), look: "bars", colour: "--bad" },
      ]}
    >
      {children}
    </Chart>
  );
}
