// Still further files as strangers have them: worn by the programs they went through. Every one has its sum, so that no value is read as another.

import { makeRandom } from "../../src/platform/random.ts";
import type { StrangerFile } from "./strangers.ts";

const items = ["Tea", "Juice", "Milk"];
const dayMs = 86_400_000;
const two = (value: number): string => String(value).padStart(2, "0");

interface Row {
  readonly at: Date;
  readonly iso: string;
  readonly y: number;
  readonly m: number;
  readonly d: number;
  readonly item: string;
  readonly i: number;
  readonly n: number;
  readonly units: number;
}

type Told = Omit<StrangerFile, "name" | "bytes" | "rows">;

/** ISO 8601. */
function weekOf(at: Date): readonly [year: number, week: number] {
  const thursday = new Date(at.getTime() + (4 - (at.getUTCDay() || 7)) * dayMs);
  const year = thursday.getUTCFullYear();
  return [year, 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / dayMs / 7)];
}

/** The files, the same for the same seed. */
export function wornFiles(seed = 3): readonly (StrangerFile & { readonly sum?: number })[] {
  const random = makeRandom(seed);
  const rowsAt = (count: number, at: (k: number) => Date): readonly Row[] =>
    Array.from({ length: count }, (_, k) =>
      items.map((item, i) => {
        const day = at(k);
        const iso = day.toISOString().slice(0, 10);
        const [y, m, d] = [day.getUTCFullYear(), day.getUTCMonth() + 1, day.getUTCDate()];
        return { at: day, iso, y, m, d, item, i, n: k * items.length + i, units: 5 + random.below(36) };
      }),
    ).flat();
  const daily = rowsAt(60, (k) => new Date(Date.UTC(2023, 0, 2) + k * dayMs));
  const weekly = rowsAt(60, (k) => new Date(Date.UTC(2023, 0, 2) + k * 7 * dayMs));
  const monthly = rowsAt(36, (k) => new Date(Date.UTC(2021, k, 1)));
  const quarterly = rowsAt(24, (k) => new Date(Date.UTC(2018, 3 * k, 1)));
  const sumOf = (rows: readonly Row[], of: (row: Row) => number = ({ units }) => units): number =>
    rows.reduce((sum, row) => sum + of(row), 0);
  const file = (
    name: string,
    header: string,
    rows: readonly Row[],
    line: (row: Row) => string,
    { of, ...told }: Told & { readonly of?: (row: Row) => number; readonly rows?: number } = {},
  ): StrangerFile & { readonly sum?: number } => ({
    name,
    bytes: Buffer.from([header, ...rows.map(line), ""].join("\n")),
    first: ["Tea", rows[0]?.iso ?? ""],
    rows: rows.length,
    ...(told.question === undefined ? { sum: sumOf(rows, of) } : {}),
    ...told,
  });
  const whenDaily = (name: string, when: (row: Row) => string, header = "Date,Item,Qty", told: Told = {}): StrangerFile =>
    file(name, header, daily, (row) => `${when(row)},${row.item},${row.units}`, told);
  const whenWeekly = (name: string, when: (year: number, week: number, row: Row) => string, column = "Week"): StrangerFile =>
    file(name, `${column};Item;Qty`, weekly, (row) => `${when(...weekOf(row.at), row)};${row.item};${row.units}`);
  const returned = ({ n, units }: Row): number => (n % 9 === 0 ? -2 : units);
  const wide = (name: string, heading: (row: Row) => string): StrangerFile & { readonly sum: number } => ({
    name,
    bytes: Buffer.from(
      [
        `Item,${monthly.flatMap((row) => (row.i === 0 ? [heading(row)] : [])).join(",")}`,
        ...items.map((item, i) => `${item},${monthly.flatMap((row) => (row.i === i ? [row.units] : [])).join(",")}`),
        "",
      ].join("\n"),
    ),
    plan: { shape: "wide-dates", item: "Item" },
    first: ["Tea", "2021-01-01"],
    rows: monthly.length,
    sum: sumOf(monthly),
  });
  const spanish = "enero febrero marzo".split(" ");
  const french = "janvier février mars".split(" ");
  return [
    {
      name: "utf-16-other-end.csv",
      bytes: Buffer.concat([
        Buffer.from([0xfe, 0xff]),
        Buffer.from(
          ["Date\tItem\tUnits", ...daily.map((row) => `${row.iso}\t${row.item}\t${row.units}`), ""].join("\r\n"),
          "utf16le",
        ).swap16(),
      ]),
      rows: daily.length,
      sum: sumOf(daily),
    },
    {
      name: "mixed-line-ends.csv",
      bytes: Buffer.from(
        ["Date,Item,Units", ...daily.map((row) => `${row.iso},${row.item},${row.units}`)]
          .map((line, i) => line + (i % 3 === 0 ? "\r\n" : "\n"))
          .join(""),
      ),
      rows: daily.length,
      sum: sumOf(daily),
    },
    file("minus-behind.csv", "Date,Item,Qty", daily, (row) => `${row.iso},${row.item},${row.n % 9 === 0 ? "2-" : row.units}`, {
      of: returned,
    }),
    file("parentheses.csv", "Date,Item,Qty", daily, (row) => `${row.iso},${row.item},${row.n % 9 === 0 ? "(2)" : row.units}`, {
      of: returned,
    }),
    file("true-minus.csv", "Date,Item,Qty", daily, (row) => `${row.iso},${row.item},${row.n % 9 === 0 ? "\u22122" : row.units}`, {
      of: returned,
    }),
    file("francs.csv", "Datum;Item;Umsatz", daily, (row) => `${row.iso};${row.item};CHF ${row.units}'250.50`, {
      of: ({ units }) => units * 1_000 + 250.5,
    }),
    file("euros-behind.csv", "Datum;Item;Umsatz", daily, (row) => `${row.iso};${row.item};${row.units},50 EUR`, {
      of: ({ units }) => units + 0.5,
    }),
    file(
      "narrow-blanks.csv",
      "Date;Produit;Ventes",
      daily,
      (row) => `${two(row.d)}/${two(row.m)}/${row.y};${row.item};${row.units}\u202F400,50`,
      {
        of: ({ units }) => units * 1_000 + 400.5,
      },
    ),
    file("lakhs.csv", "Date,Item,Units", daily, (row) => `${row.iso},${row.item},"1,${row.units + 10},200.50"`, {
      of: ({ units }) => 100_000 + (units + 10) * 1_000 + 200.5,
    }),
    whenDaily(
      "half-days.csv",
      (row) => `${row.m}/${row.d}/${row.y} ${["12", "1", "11"][row.i] ?? ""}:05:00 ${row.n % 2 === 0 ? "AM" : "PM"}`,
      undefined,
      { first: ["Tea", "2023-01-02 00:05:00"] },
    ),
    whenDaily("year-of-two.csv", ({ iso }) => iso.slice(2)),
    whenDaily("day-before-year-of-two.csv", (row) => `${two(row.d)}-${two(row.m)}-${two(row.y % 100)}`),
    whenDaily("first-of-french.csv", (row) => `${row.d === 1 ? "1er" : row.d} ${french[row.m - 1] ?? ""} ${row.y}`),
    whenDaily("of-spanish.csv", (row) => `${row.d} de ${spanish[row.m - 1] ?? ""} de ${row.y}`),
    whenDaily("japanese-days.csv", (row) => `${row.y}年${row.m}月${row.d}日`, "日付,商品,数量"),
    whenDaily("digits-and-time.csv", ({ iso }) => `${iso.replaceAll("-", "")} 1530`, undefined, { first: ["Tea", "2023-01-02 15:30:00"] }),
    whenDaily("seconds-of-ts.csv", ({ at }) => `${at.getTime() / 1_000 + 34_267}`, "ts,item,qty"),
    whenDaily("seconds-with-fraction.csv", ({ at }) => `${at.getTime() / 1_000 + 34_267}.25`, "timestamp,item,qty"),
    whenWeekly("week-without-sign.csv", (year, week) => `${year}${two(week)}`, "Woche"),
    whenWeekly("week-behind-slash.csv", (year, week) => `${year}/${two(week)}`),
    whenWeekly("week-before-dot.csv", (year, week) => `${two(week)}.${year}`, "Kalenderwoche"),
    whenWeekly("week-commencing.csv", (_, __, row) => `w/c ${two(row.d)}/${two(row.m)}/${row.y}`),
    whenWeekly("week-of.csv", (_, __, { iso }) => `Week of ${iso}`),
    file(
      "quarter-first.csv",
      "Quarter,Item,Qty",
      quarterly,
      (row) => `${Math.floor((row.m - 1) / 3) + 1}Q${two(row.y % 100)},${row.item},${row.units}`,
    ),
    wide("months-in-digits.csv", (row) => `${row.y}${two(row.m)}`),
    wide("long-months.csv", ({ at }) => `${at.toLocaleString("en", { month: "long", timeZone: "UTC" })} ${at.getUTCFullYear()}`),
    file("codes-like-months.csv", "date,sku,qty", daily, (row) => `${row.iso},2023-0${row.i + 1},${row.units}`, {
      plan: { timestamp: "date", item: "sku" },
      first: ["2023-01"],
    }),
    file("codes-like-powers.csv", "date,item,qty", daily, (row) => `${row.iso},1E${row.i + 3},${row.units}`, { first: ["1E3"] }),
    file("sums-of-units.csv", "Date,Item,Qty,,,", daily, (row) => `${row.iso},${row.item},${row.units},,,`),
    // Added up they mean nothing: each is a question.
    file("two-currencies.csv", "Date,Item,Revenue", daily, (row) => `${row.iso},${row.item},${row.i === 1 ? "$" : "€"}${row.units}.50`, {
      question: "demand",
    }),
    file(
      "currency-beside.csv",
      "Date,Item,Revenue,Currency",
      daily,
      (row) => `${row.iso},${row.item},${row.units}.50,${row.n % 2 === 0 ? "EUR" : "USD"}`,
      {
        question: "demand",
      },
    ),
    file(
      "pieces-and-boxes.csv",
      "Datum;Artikel;Menge;ME",
      daily,
      (row) => `${row.iso};${row.item};${row.units};${row.n % 2 === 0 ? "ST" : "KAR"}`,
      {
        question: "demand",
      },
    ),
    file(
      "a-measure-a-row.csv",
      "Date,Item,Measure,Value",
      daily,
      (row) => `${row.iso},${row.item},Units,${row.units}\n${row.iso},${row.item},Revenue,${row.units * 3}.5`,
      {
        question: "demand",
      },
    ),
    file(
      "actual-and-budget.csv",
      "Month,Item,Scenario,Amount",
      monthly,
      (row) => `${row.iso},${row.item},Budget,${row.units + 5}\n${row.iso},${row.item},Actual,${row.units}`,
      {
        question: "demand",
      },
    ),
  ];
}
