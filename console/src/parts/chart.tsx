// Charts: the only place that knows uPlot. Lines, bars and fans over time or numbers; the same figures as a table for who cannot see them.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { amount } from "../../../src/platform/figures.ts";
import { theme } from "../data/taste.ts";
import { timeMarks } from "./time-marks.ts";

export type Values = readonly (number | null | undefined)[];

export interface Line {
  readonly title: string;
  readonly values: Values;
  /** A colour of tokens.css; default: the next one of five. */
  readonly colour?: `--${string}`;
  readonly dash?: boolean;
  readonly look?: "line" | "bars" | "points" | "none";
  readonly width?: number;
}

export interface Band {
  readonly title: string;
  readonly low: Values;
  readonly high: Values;
  readonly colour?: `--${string}`;
  /** 0..1; default 0.2. */
  readonly strength?: number;
}

export interface ChartProps {
  /** What it shows, in a sentence: read by screen readers, and its caption. */
  readonly title: string;
  /** Instants as ISO texts or milliseconds, or plain numbers (`over`). Ascending. */
  readonly at: readonly (string | number)[];
  readonly over?: "time" | "number";
  readonly lines: readonly Line[];
  readonly bands?: readonly Band[];
  readonly height?: number;
  readonly format?: (value: number) => string;
  /** An upright line, as where the forecast begins. */
  readonly mark?: string | number;
  /** Told when a stretch was chosen by dragging; whoever is told shows it in its own way. Without it the chart itself shows the stretch alone. */
  readonly onZoom?: (from: number, to: number) => void;
  readonly children?: ComponentChildren;
}

const resolve = (name: string): string => {
  // The value of a token may be `light-dark(..)`; a canvas wants a plain colour.
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
};

const faded = (colour: string, strength: number): string => {
  const [r = "0", g = "0", b = "0"] = colour.match(/[\d.]+/g) ?? [];
  return `rgba(${r}, ${g}, ${b}, ${strength})`;
};

const instantOf = (at: string | number, over: "time" | "number"): number =>
  over === "number"
    ? Number(at)
    : (typeof at === "number" ? at : Date.parse(/^\d{4}-\d\d-\d\d \d/.test(at) ? `${at.replace(" ", "T")}Z` : at)) / 1_000;

const plain = (values: Values): (number | null)[] => values.map((value) => value ?? null);

/** Half a step at both ends, where the first and the last bar would be cut in half. */
function roomForBars(at: ChartProps["at"], over: "time" | "number"): (plot: uPlot, low: number, high: number) => [number, number] {
  const places = at.map((one) => instantOf(one, over));
  const steps = places.slice(1).map((place, i) => place - (places[i] ?? place));
  const half = steps.length === 0 ? 0.5 : Math.min(...steps) / 2;
  return (_plot, low, high) => [low - half, high + half];
}

function optionsOf(
  { at: instants, lines, bands = [], over = "time", height = 260, format = amount, mark, title, onZoom }: ChartProps,
  width: number,
): uPlot.Options {
  const axis = {
    stroke: resolve("--dim"),
    grid: { stroke: resolve("--line"), width: 1 },
    ticks: { stroke: resolve("--line"), width: 1 },
    font: "12px system-ui, sans-serif",
  };
  const lineSeries = lines.map(({ title, colour, dash = false, look = "line", width = 2 }, at): uPlot.Series => {
    const stroke = resolve(colour ?? `--chart-${(at % 5) + 1}`);
    const paths = uPlot.paths.bars?.({ size: [0.7, 40] });
    return {
      label: title,
      stroke,
      width: look === "none" || look === "points" ? 0 : width,
      ...(dash ? { dash: [6, 4] } : {}),
      ...(look === "bars" ? { fill: faded(stroke, 0.5), ...(paths === undefined ? {} : { paths }) } : {}),
      points: look === "points" ? { show: true, size: 6, fill: stroke } : { show: false },
      value: (_plot, value) => (value === null ? "–" : format(value)),
    };
  });
  const bandSeries = bands.flatMap(({ title, colour = "--chart-1" }): uPlot.Series[] => {
    const edge = {
      stroke: faded(resolve(colour), 0.01),
      width: 0,
      points: { show: false },
      value: (_plot: uPlot, value: number | null) => (value === null ? "–" : format(value)),
    };
    return [
      { ...edge, label: `${title}, low` },
      { ...edge, label: `${title}, high` },
    ];
  });
  const marks: uPlot.Plugin[] =
    mark === undefined
      ? []
      : [
          {
            hooks: {
              draw: (plot) => {
                const x = plot.valToPos(instantOf(mark, over), "x", true);
                const { ctx, bbox } = plot;
                ctx.save();
                ctx.strokeStyle = resolve("--line-strong");
                ctx.setLineDash([4, 4]);
                ctx.beginPath();
                ctx.moveTo(x, bbox.top);
                ctx.lineTo(x, bbox.top + bbox.height);
                ctx.stroke();
                ctx.restore();
              },
            },
          },
        ];
  return {
    width,
    height,
    title: "",
    scales: { x: { time: over === "time", ...(lines.some(({ look }) => look === "bars") ? { range: roomForBars(instants, over) } : {}) } },
    // Days of a forecast are days, whoever looks: times of charts are UTC.
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), "Etc/UTC"),
    axes: [
      over === "time" ? { ...axis, values: (_plot, places, _axis, _space, step) => timeMarks(places, step) } : axis,
      { ...axis, values: (_plot, values) => values.map((value) => format(value)), size: 60 },
    ],
    series: [
      { label: over === "time" ? "Time" : title, ...(over === "time" ? { value: "{YYYY}-{MM}-{DD} {HH}:{mm}" } : {}) },
      ...lineSeries,
      ...bandSeries,
    ],
    bands: bands.map(({ colour = "--chart-1", strength = 0.2 }, at) => ({
      series: [lines.length + 2 + 2 * at, lines.length + 1 + 2 * at],
      fill: faded(resolve(colour), strength),
    })),
    plugins: marks,
    cursor: { drag: { x: true, y: false, setScale: onZoom === undefined } },
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width: chosen } = plot.select;
          if (onZoom === undefined || chosen <= 4) return;
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          onZoom(plot.posToVal(left, "x"), plot.posToVal(left + chosen, "x"));
        },
      ],
    },
  };
}

export function Chart(props: ChartProps) {
  const { title, at, over = "time", lines, bands = [], format = amount, children } = props;
  const box = useRef<HTMLDivElement>(null);
  const [isTable, setTable] = useState(false);
  const shape = JSON.stringify([at, lines, bands, props.mark, props.height, theme.value]);
  useEffect(() => {
    const place = box.current;
    if (place === null || isTable) return undefined;
    const data: uPlot.AlignedData = [
      at.map((instant) => instantOf(instant, over)),
      ...lines.map(({ values }) => plain(values)),
      ...bands.flatMap(({ low, high }) => [plain(low), plain(high)]),
    ];
    const plot = new uPlot(optionsOf(props, Math.max(200, place.clientWidth)), data, place);
    const watch = new ResizeObserver(() => plot.setSize({ width: Math.max(200, place.clientWidth), height: props.height ?? 260 }));
    watch.observe(place);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [shape, isTable]);
  return (
    <figure class="chart">
      <figcaption>
        <span>{title}</span>
        <span class="row">
          {children}
          <button type="button" class="button small" onClick={() => setTable(!isTable)}>
            {isTable ? "Show the chart" : "Show as a table"}
          </button>
        </span>
      </figcaption>
      {isTable ? <ChartTable {...props} format={format} /> : <div class="plot" ref={box} role="img" aria-label={title} />}
    </figure>
  );
}

function ChartTable({ title, at, over = "time", lines, bands = [], format = amount }: ChartProps) {
  const columns = [
    ...lines,
    ...bands.flatMap(({ title, low, high }) => [
      { title: `${title}, low`, values: low },
      { title: `${title}, high`, values: high },
    ]),
  ];
  const cell = (value: number | null | undefined): string => (value === null || value === undefined ? "–" : format(value));
  return (
    <div class="table-box">
      <table class="list tight" aria-label={title}>
        <thead>
          <tr>
            <th scope="col">{over === "time" ? "Time" : "At"}</th>
            {columns.map(({ title }) => (
              <th key={title} scope="col" class="num">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {at.map((instant, row) => (
            <tr key={instant}>
              <td>
                {typeof instant === "number" && over === "time" ? new Date(instant).toISOString().slice(0, 16).replace("T", " ") : instant}
              </td>
              {columns.map(({ title, values }) => (
                <td key={title} class="num">
                  {cell(values[row])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
