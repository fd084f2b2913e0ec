import { describe, expect, test } from "vitest";
import type { Body } from "../platform/bytes.ts";
import { apply, forecastValues, type IntakeFile, look, makeRandom, makeSeries, models, propose, readInputs, seriesAt } from "./library.ts";

describe("the door of the library", () => {
  const wave = Array.from({ length: 48 }, (_, t) => 100 + t + 20 * Math.sin((2 * Math.PI * t) / 12));

  test("has every local model under its name", () => {
    for (const [name, model] of Object.entries(models)) {
      expect(model.name).toBe(name);
      const fitted = model.fit(makeSeries(wave, { seasons: [12] }), { horizon: 6, random: makeRandom(1), nonNegative: true });
      const text = fitted.kind === "unfit" ? fitted.reason : fitted.title;
      expect(text.length).toBeGreaterThan(2);
      const mean = fitted.kind === "unfit" ? [] : [...fitted.forecast(6, [0.1, 0.9]).mean];
      expect(mean.every((value) => value > 50 && value < 300)).toBe(true);
    }
  });

  test("forecasts values by all models that suit them", () => {
    const { forecast, components, backtests } = forecastValues(wave, { horizon: 6, seasons: [12], windows: 2 });
    expect(forecast?.levels).toEqual([0.1, 0.5, 0.9]);
    for (const [h, value] of (forecast?.mean ?? []).entries()) {
      expect(Math.abs(value - (148 + h + 20 * Math.sin((2 * Math.PI * (48 + h)) / 12)))).toBeLessThan(8);
    }
    expect(components.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 9);
    expect(backtests.map(({ cut }) => cut)).toEqual([36, 42]);
    expect(forecastValues([], { horizon: 3 }).forecast).toBeUndefined();
    expect(forecastValues(wave, { horizon: 6, seed: 1 })).toEqual(forecastValues(wave, { horizon: 6 }));
  });
});

describe("a column of a stranger's file that says what was in stock", () => {
  const stamp = (i: number): string => new Date(Date.UTC(2026, 0, 1 + i)).toISOString().slice(0, 10);
  const fileOf = (header: string, word: (isOut: boolean) => string, separator = ","): IntakeFile => {
    const rows = Array.from({ length: 40 }, (_, i) => ["a", stamp(i), i % 3 === 0 ? 0 : 100 + (i % 5), word(i % 3 === 0)].join(separator));
    const text = [["Artikel", "Datum", "Menge", header].join(separator), ...rows].join("\n");
    return {
      name: "sales.csv",
      open: async function* (): Body {
        yield Buffer.from(text);
      },
    };
  };
  const valuesOf = async (file: IntakeFile, given = {}): Promise<number[]> => {
    const { panel } = await readInputs({ ...apply(file, propose(await look(file), given)), horizon: 7 });
    return [...seriesAt(panel, 0).values];
  };
  const right = Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? Number.NaN : 100 + (i % 5)));

  test.each([
    ["In Stock", "no", "yes"],
    ["in_stock", "0", "1"],
    ["OnHand", "0", "31"],
    ["stockout", "1", "0"],
    ["Out of Stock", "true", "false"],
    ["OOS", "yes", "no"],
    ["ausverkauft", "ja", "nein"],
    ["Bestand", "0", "12"],
    ["Lagerbestand", "-2", "12"],
    ["Availability", "out of stock", "in stock"],
    ["stock", "0.0", "12.5"],
  ])("%s: %s where there was none", async (header, out, there) => {
    expect(await valuesOf(fileOf(header, (isOut) => (isOut ? out : there)))).toEqual(right);
  });

  test("is read with a decimal comma, under any name that is said, and by the words that were printed", async () => {
    const comma = fileOf("Bestand", (isOut) => (isOut ? "0,0" : "12,5"), ";");
    expect(await valuesOf(comma)).toEqual(right);
    const odd = fileOf("Regal", (isOut) => (isOut ? "0" : "3"));
    expect(await valuesOf(odd)).not.toEqual(right);
    expect(await valuesOf(odd, { stock: "Regal" })).toEqual(right);
    const found = propose(await look(comma));
    expect(found.plan.stock).toBe("Bestand");
    expect(found.plan.known).toEqual([]);
    expect(found.uses.find(({ use }) => use === "stock")?.why).toBe("its name: demand is unknown where it is 0");
    // A mapping kept by an older program has it among what is known ahead.
    expect(await valuesOf(comma, { known: ["Bestand"], dimensions: [], exact: true })).toEqual(right);
  });
});
