// Runs over time, as bars: how many began, and how many of them ended badly.

import { Chart } from "../../parts/chart.tsx";
import { overTime, type RunCount } from "./counts.ts";

export function Histogram({ counts, by, since }: { counts: readonly RunCount[]; by: "hour" | "day"; since: string }) {
  const { at, all, bad } = overTime(counts, by, since, Date.now());
  return (
    <Chart
      title={`Runs that began each ${by} (UTC)`}
      at={at}
      height={150}
      format={(value) => (Number.isInteger(value) ? String(value) : "")}
      lines={[
        { title: "Began", values: all, look: "bars", colour: "--chart-1" },
        { title: "Of these failed or dead", values: bad, look: "bars", colour: "--bad" },
      ]}
    />
  );
}
