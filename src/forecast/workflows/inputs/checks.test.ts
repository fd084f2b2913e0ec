// What files say of themselves is checked before it is believed: frequency, ends, columns, bad rows, stock, anchors.

import { describe, expect, test } from "vitest";
import type { Body } from "../../../platform/bytes.ts";
import { isStockroomError, type StockroomError } from "../../../platform/errors.ts";
import { timestampOf } from "../../engine/calendar/grid.ts";
import type { Panel } from "../../engine/contract.ts";
import { seriesAt, seriesCount } from "../../engine/panel/series.ts";
import { type Inputs, readInputs, type ReadInputsOptions } from "./read.ts";

const file = (name: string, lines: readonly string[]): ReadInputsOptions["target"] => ({
  name,
  body: (async function* (): Body {
    yield Buffer.from(lines.join("\n"));
  })(),
});
const target = (lines: readonly string[], header = "item_id,timestamp,demand"): ReadInputsOptions["target"] =>
  file("shop.csv", [header, ...lines]);
const read = (given: ReadInputsOptions["target"], options: Partial<ReadInputsOptions> = {}): Promise<Inputs> =>
  readInputs({ horizon: 2, ...options, target: given });

async function refusal(given: ReadInputsOptions["target"], options: Partial<ReadInputsOptions> = {}): Promise<StockroomError> {
  try {
    await read(given, options);
  } catch (thrown) {
    if (isStockroomError(thrown)) return thrown;
    throw thrown;
  }
  throw new Error("Expected a refusal.");
}

const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const day = (i: number, from = "2023-01-01"): string => iso(Date.parse(from) + i * 86_400_000);
const month = (i: number, last = false): string => iso(Date.UTC(2020, i + (last ? 1 : 0), last ? 0 : 1));
const many = (count: number, line: (i: number) => string): string[] => Array.from({ length: count }, (_, i) => line(i));
const historyOf = (panel: Panel, i = 0): number[] => [...seriesAt(panel, i).values];
const codes = ({ notes }: Inputs): string[] => notes.map(({ code }) => code);
const stampsOf = ({ grid }: Panel, count = 3): string[] => many(count, (h) => timestampOf(grid, grid.length - 1 + h));

describe("the frequency", () => {
  test.each([
    ["Y", (i: number) => `${2000 + i}-01-01`, 20, ["2019-01-01", "2020-01-01"]],
    ["YE", (i: number) => `${2000 + i}-12-31`, 20, ["2019-12-31", "2020-12-31"]],
    ["YS-APR", (i: number) => `${2000 + i}-04-01`, 20, ["2019-04-01", "2020-04-01"]],
    ["Q", (i: number) => month(3 * i), 20, ["2024-10-01", "2025-01-01"]],
    ["QE", (i: number) => month(3 * i + 2, true), 20, ["2024-12-31", "2025-03-31"]],
    ["QS-FEB", (i: number) => month(3 * i + 1), 20, ["2024-11-01", "2025-02-01"]],
    ["M", (i: number) => month(i), 30, ["2022-06-01", "2022-07-01"]],
    ["ME", (i: number) => month(i, true), 30, ["2022-06-30", "2022-07-31"]],
    ["2M", (i: number) => month(2 * i), 30, ["2024-11-01", "2025-01-01"]],
    ["M", (i: number) => `${month(i).slice(0, 8)}15`, 30, ["2022-06-15", "2022-07-15"]],
    ["W", (i: number) => day(7 * i, "2023-01-02"), 30, ["2023-07-24", "2023-07-31"]],
    ["W-SUN", (i: number) => day(7 * i, "2023-01-01"), 30, ["2023-07-23", "2023-07-30"]],
    ["W-SAT", (i: number) => day(7 * i, "2023-01-07"), 30, ["2023-07-29", "2023-08-05"]],
    ["2W-WED", (i: number) => day(14 * i, "2023-01-04"), 30, ["2024-02-14", "2024-02-28"]],
    ["D", (i: number) => day(i), 30, ["2023-01-30", "2023-01-31"]],
    ["D", (i: number) => `${day(i)} 06:00:00`, 30, ["2023-01-30 06:00:00", "2023-01-31 06:00:00"]],
    [
      "H",
      (i: number) => new Date(Date.UTC(2023, 0, 1, i)).toISOString().slice(0, 19).replace("T", " "),
      72,
      ["2023-01-03 23:00:00", "2023-01-04 00:00:00"],
    ],
    [
      "15min",
      (i: number) => new Date(Date.UTC(2023, 0, 1, 0, 15 * i)).toISOString().slice(0, 19),
      96,
      ["2023-01-01 23:45:00", "2023-01-02 00:00:00"],
    ],
  ] as const)("%s is told by the stamps, which come back as they came in (%#)", async (name, at, count, stamps) => {
    const inputs = await read(target(many(count, (i) => `a,${at(i)},${i + 1}`)));
    expect(inputs.notes[0]?.message).toContain(`every ${name}`);
    expect(historyOf(inputs.panel)).toEqual(many(count, (i) => String(i + 1)).map(Number));
    expect(stampsOf(inputs.panel, 2)).toEqual(stamps);
    // The same when it is named without its anchor, and with it.
    for (const frequency of [name, name.replace(/-.*$|(?<=^[YQM])[SE].*$/, "")]) {
      const named = await read(target(many(count, (i) => `a,${at(i)},${i + 1}`)), { frequency });
      expect([frequency, named.panel.grid]).toEqual([frequency, inputs.panel.grid]);
    }
  });

  test("finer than the rows is refused with the one they have", async () => {
    const rows = many(36, (i) => `a,${month(i)},5`);
    for (const frequency of ["D", "W", "H"]) {
      expect(await refusal(target(rows), { frequency })).toMatchObject({ code: "INPUT_FREQUENCY_FINER", facts: { found: "M" } });
    }
    expect((await refusal(target(many(30, (i) => `a,${day(14 * i)},5`)), { frequency: "W" })).facts["found"]).toBe("2W-SUN");
    expect((await refusal(target(many(30, (i) => `a,${day(7 * i)},5`)), { frequency: "D" })).message).toContain(
      "86 % of the steps would be invented",
    );
  });

  test("coarser than the rows puts them together and says so", async () => {
    const inputs = await read(target(many(60, (i) => `a,${day(7 * i, "2023-01-02")},1`)), { frequency: "M" });
    expect(codes(inputs)).toEqual(["INPUT_FREQUENCY_COARSER", "INPUT_AGGREGATED"]);
    expect(historyOf(inputs.panel).slice(0, 3)).toEqual([5, 4, 4]);
  });

  test("of single transactions is asked for, not guessed; named, they are summed", async () => {
    const rows = many(120, (i) => `a,${new Date(Date.UTC(2023, 0, 1) + i * i * 347_003 + i * 61_000).toISOString().slice(0, 19)},1`);
    expect(await refusal(target(rows))).toMatchObject({ code: "INPUT_FREQUENCY_UNKNOWN" });
    const named = await read(target(rows), { frequency: "D" });
    expect(historyOf(named.panel).reduce((sum, value) => sum + value, 0)).toBe(120);
    expect(codes(named)).toContain("INPUT_AGGREGATED");
    expect((await refusal(target(["a,2023-01-01,1", "a,2023-01-02,1"]))).code).toBe("INPUT_FREQUENCY_UNKNOWN");
  });

  test("that contradicts a named anchor is refused, and weeks may end with their stamp", async () => {
    const sundays = many(30, (i) => `a,${day(7 * i)},5`);
    expect(await refusal(target(sundays), { frequency: "W-MON" })).toMatchObject({
      code: "INPUT_FREQUENCY_ANCHOR",
      facts: { found: "W-SUN" },
    });
    expect(await refusal(target(many(30, (i) => `a,${month(i, true)},5`)), { frequency: "MS" })).toMatchObject({ facts: { found: "ME" } });
    const holidayWeek = async (stamps: "begin" | "end"): Promise<string[]> => {
      const { panel } = await read(target(many(60, (i) => `a,${day(7 * i, "2022-12-04")},5`)), { stamps, holidays: "US" });
      const christmas = panel.shared.find(({ name }) => name === "holiday:Christmas Day")?.values ?? new Float32Array();
      return [...christmas.entries()].flatMap(([k, value]) => (value > 0 ? [timestampOf(panel.grid, k)] : []));
    };
    // Christmas Day of 2023 is a Monday: in the week from Sunday the 24th, or in the one to Sunday the 31st. 2022's is a Sunday, with the Monday
    // in lieu: both in the week from it, or one in the week to it and one in the next.
    expect(await holidayWeek("begin")).toEqual(["2022-12-25", "2023-12-24"]);
    expect(await holidayWeek("end")).toEqual(["2022-12-25", "2023-01-01", "2023-12-31"]);
  });

  test("of series with days of their own is asked for", async () => {
    const rows = ["a", "b", "c"].flatMap((item, d) => many(30, (i) => `${item},${day(7 * i + d)},5`));
    expect((await refusal(target(rows))).message).toContain("most come every W");
    expect(await refusal(target(rows), { frequency: "D" })).toMatchObject({ code: "INPUT_FREQUENCY_FINER" });
  });
});

describe("the ends of the history", () => {
  const shop = ["a", "b", "c", "d"].flatMap((item) => many(100, (i) => `${item},${day(i)},5`));

  test("one stray row does not draw every series to it", async () => {
    const stray = [...shop, "a,2035-01-01,5"];
    const error = await refusal(target(stray));
    expect(error).toMatchObject({ code: "INPUT_STRAY_DATES", facts: { line: 402, column: 2, rows: 1 } });
    expect(error.message).toContain("line 402 (a, 2035-01-01)");
    expect(error.message).toContain("--end 2023-04-10");
    const ended = await read(target(stray), { end: "2023-04-10" });
    expect([ended.panel.grid.length, codes(ended)]).toEqual([100, ["INPUT_OUTSIDE", "INPUT_FREQUENCY_INFERRED"]]);
    expect((await read(target(stray), { end: "2035-01-01", rules: { demand: { middle: { kind: "zero" } } } })).panel.grid.length).toBe(
      4384,
    );
    expect(await refusal(target([...shop, "b,1970-01-01,5"]))).toMatchObject({ code: "INPUT_STRAY_DATES", facts: { line: 402 } });
    expect((await refusal(target([...shop, "b,1970-01-01,5", "a,2035-01-01,5", "a,2050-01-01,5"]))).message).toContain(
      "2 rows stand beyond",
    );
  });

  test("a last step that hardly any series has is refused", async () => {
    const wide = many(40, (s) => `s${s}`).flatMap((item) => many(60, (i) => `${item},${day(i)},5`));
    expect(await refusal(target([...wide, `s1,${day(60)},5`]))).toMatchObject({ code: "INPUT_STRAY_DATES", facts: { line: 2402 } });
    // Sundays on which few shops open are none.
    const sundays = many(40, (s) => `s${s}`).flatMap((item, s) =>
      many(57, (i) => (i % 7 === 0 && s > 0 ? "" : `${item},${day(i)},5`)).filter((line) => line !== ""),
    );
    expect((await read(target(sundays))).panel.grid.length).toBe(57);
    // Nor is an item that sells rarely.
    const rare = many(60, (i) => `a,${day(i * i)},1`);
    expect((await read(target(rare), { frequency: "D", rules: { demand: { middle: { kind: "zero" } } } })).panel.grid.length).toBe(3482);
  });

  test("a grid in which hardly a step has a row is not believed, unless one says what the steps hold", async () => {
    const sparse = many(40, (i) => `a,${day(11 * i + (i % 3) + (i % 5))},1`);
    expect((await refusal(target(sparse), { frequency: "D" })).code).toBe("INPUT_MOSTLY_EMPTY");
    const found = await read(target(sparse), { frequency: "D", rules: { demand: { middle: { kind: "zero" } } } });
    expect(codes(found)).toEqual(["INPUT_FILLED"]);
    // Each step has a row of some series, and each series hardly any: read, with a note that is a warning everywhere.
    const single = many(40, (i) => `s${i},${day(i)},5`);
    const asFound = await read(target(single));
    expect(codes(asFound)).toContain("INPUT_MOSTLY_FILLED");
    expect(asFound.notes.find(({ code }) => code === "INPUT_MOSTLY_FILLED")?.message).toMatch(
      /\d+ of \d+ steps.*--fill "demand middlefill=zero"/,
    );
    expect(codes(await read(target(single), { rules: { demand: { middle: { kind: "zero" } } } }))).not.toContain("INPUT_MOSTLY_FILLED");
  });

  test("series that end early are told, and hold what was said", async () => {
    const rows = [...shop, ...many(40, (i) => `gone,${day(i)},5`)];
    const tail = async (options: Partial<ReadInputsOptions>): Promise<unknown> => {
      const inputs = await read(target(rows), options);
      const i = inputs.panel.itemIds.indexOf("gone");
      const note = inputs.notes.find(({ code }) => code === "INPUT_ENDED_EARLY")?.message ?? "";
      expect(note).toMatch(/^1 of 5 series end before 2023-04-10, the first is gone at 2023-02-09/);
      return i < 0 ? "not forecast" : historyOf(inputs.panel, i).slice(38, 42);
    };
    expect(await tail({})).toEqual([5, 5, 0, 0]);
    expect(await tail({ ended: "unknown" })).toEqual([5, 5, Number.NaN, Number.NaN]);
    expect(await tail({ ended: "discontinued" })).toBe("not forecast");
    // What may be negative is not filled with zeros.
    expect(await tail({ nonNegative: false })).toEqual([5, 5, Number.NaN, Number.NaN]);
    const gap = await read(target(["a,2023-01-01,-1", "a,2023-01-02,3", "a,2023-01-04,2", "a,2023-01-05,2"]), { nonNegative: false });
    expect(historyOf(gap.panel)).toEqual([-1, 3, Number.NaN, 2, 2]);
    expect((await read(target(shop), {})).notes.map(({ code }) => code)).toEqual(["INPUT_FREQUENCY_INFERRED"]);
  });
});

describe("columns", () => {
  test("numbers beside the target are no dimensions unless they are named", async () => {
    const header = "item_id,timestamp,demand,Customers,Open";
    const rows = many(60, (i) => `a,${day(i)},5,${500 + i},1`);
    const error = await refusal(target(rows, header));
    expect(error.code).toBe("INPUT_NUMBER_COLUMN");
    expect(error.message).toContain('Customers ("500", line 2), Open ("1", line 2)');
    expect(seriesCount((await read(target(rows, header), { dimensions: [] })).panel)).toBe(1);
    expect(seriesCount((await read(target(rows, header), { without: ["Customers", "Open"] })).panel)).toBe(1);
    const stores = ["1", "2"].flatMap((store) => many(60, (i) => `a,${day(i)},5,${store}`));
    expect((await refusal(target(stores, "item_id,timestamp,demand,store_nbr"))).message).toContain("--dimensions store_nbr");
    expect(seriesCount((await read(target(stores, "item_id,timestamp,demand,store_nbr"), { dimensions: ["store_nbr"] })).panel)).toBe(2);
  });

  test("texts that change from row to row are none either; places are, and are told", async () => {
    const promo = many(60, (i) => `a,${day(i)},5,${i % 9 === 0 ? "tv" : "none"}`);
    expect(await refusal(target(promo, "item_id,timestamp,demand,promo"))).toMatchObject({ code: "INPUT_DIMENSION_VARIES" });
    const places = ["north", "south"].flatMap((place) => many(60, (i) => `a,${day(i)},5,${place}`));
    const inputs = await read(target(places, "item_id,timestamp,demand,place"));
    expect([seriesCount(inputs.panel), inputs.notes[0]?.message]).toEqual([
      2,
      expect.stringContaining("forecast by place (2 values, column 4) beside the item: 2 series of 1 items"),
    ]);
  });

  test("rows that repeat others in all columns are duplicates although a column is left out", async () => {
    const rows = many(60, (i) => `a,${day(i)},5,${500 + i}`);
    const doubled = target([...rows, rows[7] ?? ""], "item_id,timestamp,demand,Customers");
    expect(await refusal(doubled, { dimensions: [] })).toMatchObject({ code: "INPUT_DUPLICATES", facts: { line: 62, duplicates: 1 } });
  });

  test("text in a related column is told as what it is", async () => {
    const related = (): ReadInputsOptions["target"] =>
      file("shop.related.csv", ["item_id,timestamp,price,promo", ...many(64, (i) => `a,${day(i)},2,${i % 9 === 0 ? "tv" : "none"}`)]);
    const sales = (): ReadInputsOptions["target"] => target(many(60, (i) => `a,${day(i)},5`));
    const error = await refusal(sales(), { related: related() });
    expect(error.code).toBe("INPUT_RELATED_TEXT");
    expect(error.message).toContain('promo of shop.related.csv (column 4) but it holds text: "tv", line 2');
    expect((await read(sales(), { related: related(), without: ["promo"] })).panel.regressors.map(({ name }) => name)).toEqual(["price"]);
  });
});

describe("a file's mistakes", () => {
  test("are told all at once, with values and the cure", async () => {
    const german = many(60, (i) => `a;${day(i).split("-").toReversed().join(".")};5`);
    const error = await refusal(file("shop.csv", ["Artikel;Datum;Menge", ...german]));
    for (const part of [
      "--map Artikel=item_id",
      '("01.01.2023", line 2)',
      "--map Datum=timestamp",
      "--date-format dd.mm.yyyy",
      "--map Menge=demand",
    ])
      expect(error.message).toContain(part);
    const map = { Artikel: "item_id", Datum: "timestamp", Menge: "demand" };
    expect((await refusal(file("shop.csv", ["Artikel;Datum;Menge", ...german]), { map })).message).toContain(
      '60 rows in timestamp (column 2): "01.01.2023" (line 2), "02.01.2023" (line 3), "03.01.2023" (line 4). Its dates are read with --date-format dd.mm.yyyy.',
    );
    const { panel } = await read(file("shop.csv", ["Artikel;Datum;Menge", ...german]), { map, dateFormat: "dd.mm.yyyy" });
    expect(stampsOf(panel, 1)).toEqual(["2023-03-01"]);
  });

  test("numbers are read as a column proves, and asked for where it proves nothing", async () => {
    const rows = (value: (i: number) => string): ReadInputsOptions["target"] =>
      file("shop.csv", ["item_id;timestamp;demand", ...many(30, (i) => `a;${day(i)};${value(i)}`)]);
    const german = await read(rows((i) => `1.${100 + i},5`));
    expect([historyOf(german.panel)[2], german.notes.at(-1)?.code]).toEqual([1102.5, "INPUT_READ_AS"]);
    expect(
      historyOf(
        (
          await read(
            rows((i) => `5,${320 + i}`),
            { decimal: "," },
          )
        ).panel,
      )[0],
    ).toBe(5.32);
    expect((await refusal(rows((i) => `5,${320 + i}`))).code).toBe("TABLE_NUMBER_AMBIGUOUS");
    // Dates of another country are told in the same breath.
    const both = file("shop.csv", [
      "item_id;timestamp;demand",
      ...many(30, (i) => `a;${day(i).split("-").toReversed().join(".")};${i} Stk`),
    ]);
    const error = await refusal(both);
    for (const part of ['"0 Stk" (line 2)', '"01.01.2023", line 2', "--date-format dd.mm.yyyy"]) expect(error.message).toContain(part);
  });

  test("day and month that cannot be told apart are a question", async () => {
    const rows = many(12, (i) => `a,0${1 + (i % 9)}/0${1 + (i % 7)}/202${i % 4},5`);
    expect((await refusal(target(rows))).message).toContain("may be dd/mm/yyyy or mm/dd/yyyy");
  });

  test("bound how many rows, and how much of the value, may be bad", async () => {
    const rows = (bad: number, text: string): string[] => many(200, (i) => `a,${day(i)},${i % 100 < bad ? text : 5}`);
    expect((await read(target(rows(5, "many")))).bad[0]?.count).toBe(10);
    expect((await refusal(target(rows(12, "many")))).code).toBe("INPUT_BAD_ROWS");
    const error = await refusal(target(rows(3, "4711 pieces")));
    expect(error).toMatchObject({ code: "INPUT_BAD_ROWS", facts: { rows: 6 } });
    expect(error.message).toMatch(/6 of 200 \(3 %, with about 97 % of the value\).*"4711 pieces" \(line 2\)/);
    expect((await read(target(rows(3, "4711 pieces")), { mostBadShare: 1 })).bad[0]?.count).toBe(6);
  });
});

describe("nights on which clocks change", () => {
  // Berlin, 2024: 02:00 is missing on 31 March and stands twice on 27 October.
  const local = (from: string, hours: number, minutes = 60): string[] =>
    many((hours * 60) / minutes, (i) => new Date(Date.parse(from) + i * minutes * 60_000).toISOString().slice(0, 19).replace("T", " "));

  test.each([60, 30])("an hour twice is averaged, not summed; a missing one is unknown (%i minutes)", async (minutes) => {
    const rows = ["a", "b"].flatMap((item) =>
      local("2024-10-20T00:00:00Z", 14 * 24, minutes).flatMap((at) => {
        const line = `${item},${at},10`;
        return at.startsWith("2024-10-27 02:") ? [line, `${item},${at},14`] : [line];
      }),
    );
    const back = await read(target(rows));
    expect(codes(back)).toEqual(["INPUT_FREQUENCY_INFERRED", "INPUT_CLOCK_BACK"]);
    const night = (7 * 24 + 2) * (60 / minutes);
    expect(historyOf(back.panel).slice(night - 1, night + 3)).toEqual(minutes === 60 ? [10, 12, 10, 10] : [10, 12, 12, 10]);
    const spring = local("2024-03-24T00:00:00Z", 14 * 24, minutes).filter((at) => !at.startsWith("2024-03-31 02:"));
    const forward = await read(target(spring.map((at) => `a,${at},10`)));
    expect(codes(forward)).toContain("INPUT_CLOCK_FORWARD");
    const unknown = historyOf(forward.panel).flatMap((value, i) => (Number.isNaN(value) ? [i] : []));
    expect(unknown).toEqual(minutes === 60 ? [night] : [night, night + 1]);
  });

  test("other repeated hours are still duplicates, and a day of 25 hours is summed into its day", async () => {
    const hours = local("2024-10-20T00:00:00Z", 14 * 24);
    expect((await refusal(target([...hours.map((at) => `a,${at},10`), `a,${hours[40]},10`]))).code).toBe("INPUT_DUPLICATES");
    const twice = [...hours.map((at) => `a,${at},10`), "a,2024-10-27 02:00:00,10"];
    expect(historyOf((await read(target(twice), { frequency: "D", aggregation: "sum" })).panel)[7]).toBe(250);
  });
});

describe("events of one's own", () => {
  const days = many(800, (i) => day(i, "2022-01-01"));
  const sales = (): ReadInputsOptions["target"] =>
    target(
      ["north", "south"].flatMap((place) => days.map((at) => `a,${at},5,${place}`)),
      "item_id,timestamp,demand,place",
    );
  const events = (lines: readonly string[]): ReadInputsOptions["target"] => file("events.csv", lines);
  const daysOf = (panel: Panel, name: string, i?: number): string[] => {
    const own = panel.regressors.find((each) => each.name === name);
    const values =
      i === undefined
        ? panel.shared.find((each) => each.name === name)?.values
        : own?.values.subarray(panel.offsets[i] + i * panel.grid.horizon, panel.offsets[i + 1] + (i + 1) * panel.grid.horizon);
    return [...(values ?? [])].flatMap((value, k) =>
      value > 0 ? [`${timestampOf(panel.grid, k)}${value === 1 ? "" : ` x${value}`}`] : [],
    );
  };

  test("are known in the past and ahead, with windows, ranges and places, beside a country's holidays", async () => {
    const { panel, notes } = await read(sales(), {
      horizon: 30,
      holidays: "US",
      events: events([
        "name,date,place,before,after",
        "Prime Day,2022-07-12..2022-07-13,,1,0",
        "Prime Day,2023-07-11..2023-07-12,,1,0",
        "Prime Day,2024-04-02..2024-04-03,,1,0",
        "Fair,2023-05-01,north,,",
        "Fair,2024-04-01,north,,",
        "Fair,2022-05-01,mars,,",
        "Sale,2023-01-05,us,0,2",
        "Opening,2024-03-20,,,",
      ]),
    });
    expect(daysOf(panel, "event:Prime Day")).toEqual(["2022-07-12", "2022-07-13", "2023-07-11", "2023-07-12", "2024-04-02", "2024-04-03"]);
    expect(daysOf(panel, "event:Prime Day before")).toEqual(["2022-07-11", "2023-07-10", "2024-04-01"]);
    expect(daysOf(panel, "event:Sale after")).toEqual(["2023-01-06", "2023-01-07"]);
    expect(daysOf(panel, "event:Fair", 0)).toEqual(["2023-05-01", "2024-04-01"]);
    expect(daysOf(panel, "event:Fair", 1)).toEqual([]);
    expect(panel.shared.map(({ name }) => name)).toContain("holiday:Christmas Day");
    const found = notes.map(({ message }) => message).join("\n");
    expect(found).toContain("Events in mars (1 events) are left out");
    expect(found).toContain("Nothing can be learnt of Opening");
  });

  test("holidays that lie ahead and in none of the history are told, those it has are not", async () => {
    // Nine weeks from March: Easter is in them, Memorial Day on 27 May comes after.
    const few = target(many(70, (i) => `a,${day(i, "2024-03-10")},5`));
    const { notes } = await read(few, { horizon: 14, holidays: "US" });
    expect(notes.map(({ code, message }) => `${code}: ${message}`).join("\n")).toContain(
      "INPUT_EVENT_UNSEEN: Nothing can be learnt of Memorial Day:",
    );
    const year = target(many(440, (i) => `a,${day(i, "2023-03-06")},5`));
    expect(codes(await read(year, { horizon: 14, holidays: "US" }))).not.toContain("INPUT_EVENT_UNSEEN");
  });

  test("that are due again and not in the file are told", async () => {
    const dated = (...lines: string[]): Promise<Inputs> =>
      read(target(days.map((at) => `a,${at},5`)), { horizon: 40, events: events(["event;start", ...lines]) });
    // The history ends on 10 March 2024; Easter of that year is on 31 March, three weeks earlier than a year after the last.
    const without = await dated("Easter;2022-04-17", "Easter;2023-04-09");
    expect(without.notes.at(-1)?.message).toContain("Easter was last on 2023-04-09 and is due again about 2024-03-31");
    expect(codes(await dated("Easter;2022-04-17", "Easter;2023-04-09", "Easter;2024-03-31"))).not.toContain("INPUT_EVENT_AHEAD_MISSING");
    expect(codes(await dated("Black Friday;2022-11-25", "Black Friday;2023-11-24"))).not.toContain("INPUT_EVENT_AHEAD_MISSING");
  });

  test("are written in days of their own, whatever those of the other files are", async () => {
    const { panel, notes } = await read(sales(), {
      horizon: 30,
      events: events(["name;date", "Fair;19.03.2022", "Fair;18.03.2023..20.03.2023", "Fair;16.03.2024"]),
    });
    expect(daysOf(panel, "event:Fair")).toEqual(["2022-03-19", "2023-03-18", "2023-03-19", "2023-03-20", "2024-03-16"]);
    expect(notes.map(({ message }) => message)).toContain("The days of events.csv were read as dd.mm.yyyy.");
    // Nothing proves which is the month.
    const { message } = await refusal(sales(), { events: events(["name;date", "Fair;03/04/2022", "Fair;05/06/2023"]) });
    expect(message).toMatch(/received "03\/04\/2022" for Fair.*It may be (?:dd\/mm\/yyyy or mm\/dd\/yyyy|mm\/dd\/yyyy or dd\/mm\/yyyy)/);
  });

  test("weeks count the days of an event, wherever weeks begin", async () => {
    const sundays = target(many(110, (i) => `a,${day(7 * i, "2022-01-02")},5`));
    const { panel } = await read(sundays, { events: events(["name,date,before", "BF,2022-11-25,6", "BF,2023-11-24,0"]) });
    expect(daysOf(panel, "event:BF")).toEqual(["2022-11-20", "2023-11-19"]);
    expect(daysOf(panel, "event:BF before")).toEqual(["2022-11-13", "2022-11-20 x5"]);
  });

  test("with mistakes are refused, all of them at once", async () => {
    const error = await refusal(sales(), {
      events: events(["name,date,before", ",2023-01-01,0", "A,someday,0", "B,2023-01-01,many", "C,2023-02-30,0"]),
      horizon: 0,
    });
    for (const part of [
      "line 2: Expected the name",
      'line 3: Expected a day as yyyy-MM-dd but received "someday"',
      '"many"',
      '"2023-02-30"',
      "INPUT_HORIZON_WRONG",
    ])
      expect(error.message).toContain(part);
    expect((await refusal(sales(), { events: events(["what,when", "a,b"]) })).code).toBe("INPUT_EVENTS_COLUMNS");
  });
});

describe("what is not known", () => {
  test("a row without a value is unknown, a step without a row is no sale", async () => {
    const rows = ["a,2023-01-01,9", "a,2023-01-02,", "a,2023-01-04,NaN", "a,2023-01-05,8", "a,2023-01-06,7"];
    expect(historyOf((await read(target(rows))).panel)).toEqual([9, Number.NaN, 0, Number.NaN, 8, 7]);
    const filled = await read(target(rows), { rules: { demand: { middle: { kind: "mean" } } } });
    expect(historyOf(filled.panel)).toEqual([9, 9, 9, 9, 8, 7]);
  });

  test("out of stock is not zero demand, wherever it is said", async () => {
    const days = many(20, (i) => day(i));
    const isOut = (i: number): boolean => i % 5 === 4;
    const own = target(
      days.map((at, i) => `a,${at},${isOut(i) ? 0 : 10 + (i % 3)},${isOut(i) ? 0 : 7}`),
      "item_id,timestamp,demand,stock_on_hand",
    );
    const found = await read(own);
    expect(historyOf(found.panel).flatMap((value, i) => (Number.isNaN(value) ? [i] : []))).toEqual([4, 9, 14, 19]);
    expect(codes(found)).toContain("INPUT_OUT_OF_STOCK");
    // No row at all where nothing was there: the related file says why.
    const sold = (): ReadInputsOptions["target"] =>
      target(days.flatMap((at, i) => (isOut(i) && i < 19 ? [] : [`a,${at},${10 + (i % 3)}`])));
    const related = (name: string): ReadInputsOptions["target"] =>
      file("shop.related.csv", [`item_id,timestamp,price,${name}`, ...many(22, (i) => `a,${day(i)},2,${isOut(i) ? "false" : "true"}`)]);
    const beside = await read(sold(), { related: related("available"), stockColumn: "available" });
    expect(historyOf(beside.panel).flatMap((value, i) => (Number.isNaN(value) ? [i] : []))).toEqual([4, 9, 14, 19]);
    expect(beside.panel.regressors.map(({ name }) => name)).toEqual(["price"]);
    expect((await refusal(sold(), { stockColumn: "nothing" })).code).toBe("INPUT_STOCK_MISSING");
    // A day that sold out early but sold more than usual stands: demand was at least that.
    const best = await read(
      target(
        days.map((at, i) => `a,${at},${i === 12 ? 30 : 10},${i === 12 ? 0 : 1}`),
        "item_id,timestamp,demand,in_stock",
      ),
    );
    expect(historyOf(best.panel)[12]).toBe(30);
  });

  test("steps at the end that are unknown leave backtests nothing to compare with, and that is told", async () => {
    const sold = (out: number): ReadInputsOptions["target"] =>
      target(
        many(120, (i) => (i < 120 - out ? `a,${day(i)},5,9` : `a,${day(i)},0,0`)),
        "item_id,timestamp,demand,stock_on_hand",
      );
    const message = (await read(sold(20), { horizon: 7 })).notes.find(({ code }) => code === "INPUT_LATEST_UNKNOWN")?.message;
    expect(message).toContain("Of the 21 values of the last 21 steps of shop.csv only 1 are known");
    expect(codes(await read(sold(12), { horizon: 7 }))).not.toContain("INPUT_LATEST_UNKNOWN");
  });
});

describe("series that stopped", () => {
  const week = (i: number): string => day(7 * i, "2022-01-03");

  test("are judged by the rhythm of each: what is sold twice a year is silent, what is sold every week has ended", async () => {
    const lines = [
      ...many(104, (i) => `often,${week(i)},5`),
      ...many(99, (i) => `gone,${week(i)},5`),
      // Two weeks running, then nothing for 20 weeks: as rare items do.
      ...Array.from({ length: 40 }, (_, k) => [83 - k, 84 - k].map((i) => `rare${k},${week(i)},1`)).flat(),
    ];
    const { notes } = await read(target(lines));
    const found = notes.find(({ code }) => code === "INPUT_ENDED_EARLY")?.message;
    expect(found).toMatch(/^1 of 42 series end before 2023-12-25, the first is gone at 2023-11-20/);
  });

  test.each([
    ["one step short of a daily one", 60, 59, true],
    ["three short", 60, 57, true],
    ["none short", 60, 60, false],
  ])("%s", async (_, steps, sold, isNoted) => {
    const found = await read(target([...many(steps, (i) => `a,${day(i)},5`), ...many(sold, (i) => `b,${day(i)},5`)]));
    expect(codes(found).includes("INPUT_ENDED_EARLY")).toBe(isNoted);
  });
});

describe("stamps with an offset from UTC", () => {
  test("are the local time they show, and that is told", async () => {
    // A German shop's days, over the change to summer time.
    const lines = many(60, (i) => `a,${day(i, "2024-03-01")}T00:00:00${i < 31 ? "+01:00" : "+02:00"},${i}`);
    const { panel, notes } = await read(target(lines));
    expect(stampsOf(panel, 2)).toEqual(["2024-04-29", "2024-04-30"]);
    expect(historyOf(panel)).toEqual(many(60, (i) => String(i)).map(Number));
    expect(notes.find(({ code }) => code === "INPUT_UTC_OFFSETS")?.message).toMatch(/\(\+01:00, \+02:00\) and are taken as the local time/);
  });

  test.each([
    ["-05:00", "-05:00"],
    ["+0530", "+0530"],
    [".123+09", "+09"],
    [" +01:00", "+01:00"],
  ])("%s", async (written, offset) => {
    const { panel, notes } = await read(target(many(30, (i) => `a,${day(i)}T06:00:00${written},${i}`)));
    expect(stampsOf(panel, 1)).toEqual(["2023-01-30 06:00:00"]);
    expect(notes.find(({ code }) => code === "INPUT_UTC_OFFSETS")?.message).toContain(`(${offset})`);
  });

  test("Z alone is UTC and no matter; Z beside another offset is told", async () => {
    const plain = await read(target(many(30, (i) => `a,${day(i)}T00:00:00Z,${i}`)));
    expect(codes(plain)).not.toContain("INPUT_UTC_OFFSETS");
    const both = await read(target(many(30, (i) => `a,${day(i)}T00:00:00${i % 2 === 0 ? "Z" : "+01:00"},${i}`)));
    expect(both.notes.find(({ code }) => code === "INPUT_UTC_OFFSETS")?.message).toMatch(/\(\+01:00, Z\).*Those with Z are taken as UTC/);
  });

  test("no such offset, no stamp", async () => {
    const wrong = await refusal(target(many(30, (i) => `a,${day(i)}T00:00:00+25:00,${i}`)));
    expect(wrong.message).toContain("+25:00");
  });
});

describe("related numbers", () => {
  const days = Array.from({ length: 40 }, (_, i) => i);
  const sold = (): ReturnType<typeof target> => target(days.map((i) => `a,${day(i)},${5 + (i % 3)}`));
  const related = (header: string, lines: readonly string[]) => ({ related: file("shop.related.csv", [header, ...lines]) });

  test("far outside anything seen are told before they are forecast from; a mark that is new is not", async () => {
    const { notes } = await read(
      sold(),
      related(
        "item_id,timestamp,price,promo",
        many(42, (i) => `a,${day(i)},${i === 41 ? 199 : 1.99 + 0.1 * (i % 2)},${i === 40 ? 1 : 0}`),
      ),
    );
    expect(notes.filter(({ code }) => code === "INPUT_RELATED_FAR").map(({ message }) => message)).toEqual([
      "price of shop.related.csv lies far outside anything seen in 1 of 2 steps ahead: 199 of a at 2023-02-11, but seen were 1.99 to 2.09. What the models make of it is a guess. Correct it if it is a slip.",
    ]);
  });

  test.each([
    ["ten times dearer", 20, true],
    ["nothing at all", 0, true],
    ["a little dearer", 2.3, false],
    ["negative", -2, true],
  ])("%s", async (_, price, isFar) => {
    const found = await read(
      sold(),
      related(
        "item_id,timestamp,price",
        many(42, (i) => `a,${day(i)},${i > 39 ? price : 2 + 0.2 * (i % 5)}`),
      ),
    );
    expect(codes(found).includes("INPUT_RELATED_FAR")).toBe(isFar);
  });

  const byShop = (): ReturnType<typeof related> =>
    related(
      "item_id,timestamp,store_nbr,price",
      Array.from({ length: 42 }, (_, i) => [1, 2, 54].map((shop) => `a,${day(i)},${shop},${(1 + shop / 100).toFixed(2)}`)).flat(),
    );

  test("that tell rows of one time apart are a dimension the target lacks: asked, or told where all is taken as it comes", async () => {
    const asked = await refusal(sold(), byShop());
    expect([asked.code, asked.message]).toEqual([
      "INPUT_RELATED_DIMENSION",
      expect.stringMatching(/store_nbr of shop\.related\.csv \(column 3; 1, 2, 54, \.\.\.\) tells 84 rows of one item and time apart/),
    ]);
    const found = await read(sold(), { ...byShop(), shortRelated: "leave-out" });
    expect(found.notes.find(({ code }) => code === "INPUT_RELATED_DIMENSION")?.message).toContain("were averaged over it");
    const without = await read(sold(), { ...byShop(), without: ["store_nbr"] });
    expect(without.panel.regressors.map(({ name }) => name)).toEqual(["price"]);
  });

  test("a price of whole numbers is none", async () => {
    const found = await read(
      sold(),
      related(
        "item_id,timestamp,price,promo",
        many(42, (i) => `a,${day(i)},${i % 7},${i % 2}`),
      ),
    );
    expect(codes(found)).not.toContain("INPUT_RELATED_DIMENSION");
  });
});

describe("what else files bring", () => {
  const dense = many(60, (i) => `a,${day(i)},${10 + (i % 7)}`);
  const notesOf = async (given: ReadInputsOptions["target"], options: Partial<ReadInputsOptions> = {}): Promise<string> =>
    (await read(given, options)).notes.map(({ message }) => message).join("\n");

  test("rows that never come closer than several steps are asked about, not filled with zeros", async () => {
    const lastFriday = many(30, (i) => {
      const end = new Date(Date.parse(month(i, true)));
      return `a,${iso(end.getTime() - ((end.getUTCDay() + 2) % 7) * 86_400_000)},${i}`;
    });
    expect(await refusal(target(lastFriday))).toMatchObject({
      code: "INPUT_FREQUENCY_UNKNOWN",
      message: expect.stringMatching(/every 4 to 5 W .*never closer.*7\d % of them would be invented.*--frequency M/),
    });
    expect((await read(target(lastFriday), { frequency: "M", aggregation: "sum" })).panel.grid.length).toBe(30);
    // Sparse demand that does come on neighbouring days is sparse demand.
    const sparse = [0, 3, 4, 9, 15, 16, 22, 30, 37, 45].map((i) => `a,${day(i)},5`);
    expect((await read(target(sparse))).panel.grid.frequency).toMatchObject({ unit: "D", multiple: 1 });
  });

  test("values below zero are told where demand is meant, and only there", async () => {
    const returns = target([...dense, `a,${day(60)},-3`]);
    expect(await notesOf(returns)).toMatch(/1 rows of shop.csv have demand below zero.*--negative/);
    expect(await notesOf(target([...dense, `a,${day(60)},-3`]), { nonNegative: false })).not.toContain("below zero");
  });

  test("a change of unit and a column of zeros are told", async () => {
    const grown = (factor: number, items = 1) =>
      many(60 * items, (i) => `a${Math.floor(i / 60)},${day(i % 60)},${(i % 60 < 40 ? 1 : factor) * (10 + (i % 7))}`);
    expect(await notesOf(target(grown(1_000)))).toMatch(
      /1 of 1 series .* such as a0 at \d{4}-\d\d-\d\d \(from about 13 to 13000\)\. If the unit/,
    );
    expect(await notesOf(target(grown(0.001, 2)))).toContain("2 of 2 series");
    // A season, a trend and a launch are what models are for.
    expect(await notesOf(target(grown(3)))).not.toContain("another size");
    expect(await notesOf(target(many(60, (i) => `a,${day(i)},${i < 40 ? 0 : 50 + (i % 7)}`)))).not.toContain("another size");
    expect(await notesOf(target(many(60, (i) => `a,${day(i)},${Math.round(1.09 ** i)}`)))).not.toContain("another size");
    // One product of many that grew.
    const one = many(600, (i) => `b${Math.floor(i / 60)},${day(i % 60)},${900 + (i % 7)}`);
    expect(await notesOf(target([...grown(20), ...one]))).not.toContain("another size");
    expect(await notesOf(target(many(60, (i) => `a,${day(i)},0`)))).toContain("demand of shop.csv is zero in every step");
  });

  test("what is below zero in every fourth step is no demand: asked about, not cut off at zero", async () => {
    const profit = many(60, (i) => `a,${day(i)},${i % 2 === 0 ? 10 : -9}`);
    expect(await refusal(target(profit))).toMatchObject({
      code: "INPUT_MOSTLY_NEGATIVE",
      message: expect.stringMatching(
        /30 of its 60 steps with a value other than zero \(50 %\) are below it.*--negative.*Negative: true under Inputs/,
      ),
    });
    expect((await read(target(profit), { nonNegative: false })).panel.values[1]).toBe(-9);
    // Returns that are rows of their own are no steps below zero.
    const returned = profit.flatMap((row, i) => [row, `a,${day(i)},12`]);
    expect(await notesOf(target(returned), { aggregation: "sum" })).toContain("as returns do");
  });

  test("a file without a header says what its columns were taken for", async () => {
    expect(await notesOf(file("bare.csv", dense))).toContain(
      "The first line of bare.csv is data, not a header: its columns are taken as item_id, timestamp, demand.",
    );
    const schema = ["item_id", "timestamp", "demand"].map((name) => ({ name, type: name === "demand" ? "float" : "string" }) as const);
    expect(await notesOf({ ...file("bare.csv", dense), schema })).not.toContain("not a header");
  });

  test("a column that nobody filled in is to be left out, not to be filled in", async () => {
    const rows = dense.map((line) => line.replace(",", ",,"));
    const refused = await refusal(target(rows, "item_id,store,timestamp,demand"));
    expect(refused.message).toMatch(/store \(column 2\) is empty\. Leave it out: --dimensions none/);
    expect((await read(target(rows, "item_id,store,timestamp,demand"), { dimensions: [] })).panel.grid.length).toBe(60);
  });

  test("no rows, and rows without a value, are told as that", async () => {
    expect((await refusal(target([]))).message).toContain("but it has no rows");
    expect((await refusal(target(many(9, (i) => `a,${day(i)},`)))).message).toContain("none of its 9 rows has one");
    expect((await refusal(target(dense), { end: "2020-01-01" })).message).toContain("lie outside of the days that count");
  });

  test("bars between fields are read", async () => {
    const { panel } = await read(
      target(
        dense.map((line) => line.replaceAll(",", "|")),
        "item_id|timestamp|demand",
      ),
    );
    expect(panel.grid.length).toBe(60);
  });

  test.each([
    ["yyyymm", "202301"],
    ["yyyy-Www", "2023-W05"],
    ["yyyy-Qq", "2023-Q2"],
    ["yyyy", "1999"],
  ])("dates without days are read with %s, which is said", async (pattern, text) => {
    expect((await refusal(target([`a,${text},1`]))).message).toContain(`Its dates are read with --date-format ${pattern}.`);
  });

  test("a format that is named holds for the files that are written so, and ISO 8601 is read besides", async () => {
    const prices = file("prices.csv", ["item_id,timestamp,price", ...many(70, (i) => `a,${day(i).split("-").toReversed().join(".")},2`)]);
    const { panel } = await read(target(dense), { related: prices, dateFormat: "dd.mm.yyyy" });
    expect([panel.grid.length, panel.regressors[0]?.values[0]]).toEqual([60, 2]);
    // Where the year comes first, the other order of month and day is no second reading.
    expect((await refusal(target([`a,2023-01-13,1`, "a,2023-13-01,1"]), { dateFormat: "yyyy-dd-mm" })).message).toContain('"2023-01-13"');
  });

  test("items that files write in two ways are told", async () => {
    const metadata = file("items.csv", ["item_id,category", "A,tea"]);
    expect(await notesOf(target(dense), { metadata })).toMatch(
      /1 of 1 items have no row in items.csv.*none of its 1 items has a history, "A".*such as "a"/,
    );
    const related = file("prices.csv", ["item_id,timestamp,price", ...many(62, (i) => `A,${day(i)},2`)]);
    expect((await refusal(target(dense), { related })).message).toMatch(/none of its 1 items has a history, "A" neither/);
  });

  test("a related number with a gap in the horizon has a gap, and does not end", async () => {
    const related = file("prices.csv", ["item_id,timestamp,price", ...many(62, (i) => `a,${day(i)},2`).filter((_, i) => i !== 60)]);
    expect((await refusal(target(dense), { related })).message).toContain("has gaps in the horizon for 1 of 1 series");
  });

  test("columns of an events file that mean nothing are told, and a file that holds none", async () => {
    const events = (lines: readonly string[]): ReadInputsOptions["target"] => file("events.csv", lines);
    expect(await notesOf(target(dense), { events: events(["name,date,befor,demand", `Sale,${day(30)},3,9`]) })).toContain(
      "Of events.csv these columns are not used: befor (did you mean before?), demand.",
    );
    expect(await notesOf(target(dense), { events: events(["name,date"]) })).toContain("events.csv holds no events");
  });

  test.each([
    ["a", "a "],
    ["Café", "Cafe\u0301"],
    ["tea 1", "TEA  1"],
  ])("items %j and %j are told to be perhaps one", async (one, other) => {
    const rows = [one, other].flatMap((item) => dense.map((line) => line.replace(/^a/, item)));
    expect(await notesOf(target(rows))).toContain(`such as ${JSON.stringify(one)} and ${JSON.stringify(other)}`);
    expect(await notesOf(target(dense))).not.toContain("differ from others");
  });

  test("an item that sounds like the sum of the others is told, and one that is alone is not", async () => {
    const total = dense.map((line) => line.replace(/^a/, "Total"));
    expect(await notesOf(target([...dense, ...total]))).toMatch(/item_id "Total" of shop.csv sounds like the sum/);
    expect(await notesOf(target(total))).not.toContain("sounds like");
  });

  test.each([
    ["45292", "the day numbers of a spreadsheet"],
    ["1704067200", "seconds since 1970"],
    ["1704067200000", "milliseconds since 1970"],
  ])("times counted by programs are named for what they look like: %s", async (text, said) => {
    expect((await refusal(target([`a,${text},1`]))).message).toContain(`They look like ${said}.`);
  });
});
