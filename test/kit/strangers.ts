// Sales files as strangers have them, by our own seeded generator: other names, further columns, preambles, totals, wide, zones, other countries.

import { makeRandom } from "../../src/platform/random.ts";

/** A file, and what it must be taken for. */
export interface StrangerFile {
  readonly name: string;
  readonly bytes: Buffer;
  /** Parts of the plan that must come out, or the one question that may be asked. */
  readonly plan?: Readonly<Record<string, unknown>>;
  readonly question?: string;
  /** Rows of the target after taking it in; the first of them. */
  readonly first?: readonly string[];
  readonly rows?: number;
  readonly flags?: Readonly<Record<string, string | boolean>>;
}

const items = ["Tea", "Coffee", "Milk"];
const dayMs = 86_400_000;

interface Day {
  readonly iso: string;
  readonly d: string;
  readonly m: string;
  readonly y: string;
  readonly weekday: number;
}

const days = (count: number): readonly Day[] =>
  Array.from({ length: count }, (_, i) => {
    const at = new Date(Date.UTC(2023, 0, 1) + i * dayMs);
    const iso = at.toISOString().slice(0, 10);
    return { iso, y: iso.slice(0, 4), m: iso.slice(5, 7), d: iso.slice(8, 10), weekday: at.getUTCDay() || 7 };
  });

/** The files, the same for the same seed. */
export function strangerFiles(seed = 1): readonly StrangerFile[] {
  const random = makeRandom(seed);
  const whole = (low: number, high: number): number => low + Math.floor(random.next() * (high - low + 1));
  const sold = (i: number): number => whole(10 + i, 30 + i);
  const file = (
    name: string,
    lines: readonly string[],
    more: Omit<StrangerFile, "name" | "bytes">,
    encoding: BufferEncoding = "utf8",
  ): StrangerFile => ({
    name,
    bytes: Buffer.from(`${lines.join("\n")}\n`, encoding),
    ...more,
  });
  const each = (count: number, row: (day: Day, item: string, index: number) => string): readonly string[] =>
    days(count).flatMap((day) => items.map((item, index) => row(day, item, index)));
  const months = Array.from({ length: 36 }, (_, i) => `${2021 + Math.floor(i / 12)}-${String((i % 12) + 1).padStart(2, "0")}`);
  const monthNames = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  return [
    file("other-names.csv", ["Date,Product,Boxes Sold", ...each(90, (day, item, i) => `${day.iso},${item},${sold(i)}`)], {
      plan: { timestamp: "Date", item: "Product", demand: "Boxes Sold", dimensions: [] },
      rows: 270,
    }),
    file(
      "further-columns.csv",
      [
        "date,store,item,sales,price,weekday,month,customers,promo",
        ...days(90).flatMap((day) =>
          [1, 2].flatMap((s) =>
            items.map(
              (item, i) =>
                `${day.iso},S${s},${item},${sold(i)},${2 + i}.50,${day.weekday},${Number(day.m)},${whole(50, 90)},${whole(0, 1)}`,
            ),
          ),
        ),
      ],
      { plan: { timestamp: "date", item: "item", demand: "sales", dimensions: ["store"], known: [] }, rows: 540 },
    ),
    file(
      "german.csv",
      [
        "Umsatzbericht Filiale 3",
        "",
        "Datum;Artikelnummer;Bezeichnung;Menge;Preis",
        ...each(
          60,
          (day, _, i) =>
            `${day.d}.${day.m}.${day.y};${4711 + i};${["Grüner Tee", "Kaffee, gemahlen", "Milch"][i]};${sold(i)},5;${1 + i},99`,
        ),
        "Summe;;;123456,0;",
      ],
      {
        plan: {
          timestamp: "Datum",
          dateStyle: "dd.mm.yyyy",
          item: "Artikelnummer",
          demand: "Menge",
          decimal: ",",
          metadata: ["Bezeichnung"],
        },
        rows: 180,
      },
      "latin1",
    ),
    file(
      "transactions.csv",
      [
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
        ...days(60).flatMap((day) =>
          Array.from({ length: 8 }, (_, k) => {
            const i = whole(0, 2);
            return `${536_365 + k},8512${i},"${items[i]}, WHITE",${whole(1, 12)},${Number(day.m)}/${Number(day.d)}/${day.y} ${8 + k}:${String(whole(0, 59)).padStart(2, "0")},${2 + i}.5,${17_850 + whole(0, 60)},${whole(0, 9) === 0 ? "France" : "United Kingdom"}`;
          }),
        ),
      ],
      {
        plan: {
          timestamp: "InvoiceDate",
          dateStyle: "mm/dd/yyyy",
          byDay: true,
          item: "StockCode",
          demand: "Quantity",
          dimensions: ["Country"],
        },
        rows: 480,
      },
    ),
    file("one-series.csv", ["Month,Passengers", ...months.map((month) => `${month},${whole(100, 200)}`)], {
      plan: { timestamp: "Month", item: null, demand: "Passengers" },
      first: ["all", "2021-01-01"],
      rows: 36,
    }),
    file("years.csv", ["Year,Sales", ...Array.from({ length: 30 }, (_, i) => `${1990 + i},${100 + i}`)], {
      plan: { timestamp: "Year", dateStyle: "yyyy", demand: "Sales" },
      first: ["all", "1990-01-01", "100"],
      rows: 30,
    }),
    file(
      "known-ahead.csv",
      [
        "date,sku,units,price,promo",
        ...days(90).flatMap((day, k) =>
          items.map((item, i) => `${day.iso},${item},${k < 70 ? sold(i) : ""},${k % 14 < 7 ? "2.0" : "1.5"},${k % 14 < 7 ? 0 : 1}`),
        ),
      ],
      { plan: { known: ["price", "promo"], demand: "units" }, rows: 270 },
    ),
    file(
      "no-header.csv",
      each(60, (day, item, i) => `${day.iso},${item},${sold(i)}`),
      { plan: { timestamp: "column_1", item: "column_2", demand: "column_3" }, rows: 180 },
    ),
    file(
      "wide-dates.csv",
      [`Product,Category,${months.join(",")}`, ...items.map((item, i) => `${item},C${i},${months.map(() => sold(i)).join(",")}`)],
      {
        plan: { shape: "wide-dates", item: "Product", dateStyle: "yyyy-mm" },
        first: ["Tea", "2021-01-01"],
        rows: 108,
      },
    ),
    file(
      "wide-items.csv",
      ["date,Apples,Pears,Plums,Figs", ...days(90).map((day) => `${day.iso},${[0, 1, 2, 3].map((i) => sold(i)).join(",")}`)],
      {
        plan: { shape: "wide-items", timestamp: "date", values: ["Apples", "Pears", "Plums", "Figs"] },
        first: ["Apples", "2023-01-01"],
        rows: 360,
      },
    ),
    file(
      "money.csv",
      [
        "Day,Item,Revenue",
        ...each(
          60,
          (day, item, i) => `${day.d} ${monthNames[Number(day.m) - 1]} ${day.y},${item},"$${whole(1, 9)},${whole(100, 999)}.0${i}"`,
        ),
      ],
      {
        plan: { timestamp: "Day", dateStyle: "d mmm yyyy", demand: "Revenue", decimal: "." },
        rows: 180,
      },
    ),
    file(
      "thousands.csv",
      ["month,item,units", ...months.flatMap((month) => items.map((item) => `${month},${item},"${whole(1, 9)},${whole(100, 999)}"`))],
      { question: "decimal" },
    ),
    file(
      "month-names.csv",
      [
        "Month,SKU,Qty",
        ...months.flatMap((month) =>
          items.map((item, i) => `${monthNames[Number(month.slice(5)) - 1]}-${month.slice(2, 4)},${item},${sold(i)}`),
        ),
      ],
      {
        plan: { timestamp: "Month", dateStyle: "mmm yy", item: "SKU", demand: "Qty" },
        first: ["Tea", "2021-01-01"],
        rows: 108,
      },
    ),
    file(
      "weeks.csv",
      [
        "week,product,quantity",
        ...Array.from({ length: 52 }, (_, w) =>
          items.map((item, i) => `2023-W${String(w + 1).padStart(2, "0")},${item},${sold(i)}`),
        ).flat(),
      ],
      {
        plan: { dateStyle: "yyyy-Www", item: "product" },
        first: ["Tea", "2023-01-02"],
        rows: 156,
      },
    ),
    file(
      "no-number.csv",
      [
        "Date,Time,Transaction,Item",
        ...days(60).flatMap((day) => Array.from({ length: 12 }, (_, k) => `${day.iso},${8 + k}:15:00,${k},${items[whole(0, 2)]}`)),
      ],
      { question: "demand" },
    ),
    file("counted.csv", ["Date,Item", ...days(60).flatMap((day) => Array.from({ length: 12 }, () => `${day.iso},${items[whole(0, 2)]}`))], {
      flags: { count: true },
      plan: { demand: null, item: "Item" },
      rows: 720,
    }),
    file(
      "two-headers.csv",
      [
        "date,store A,,store B,",
        ",units,eur,units,eur",
        ...days(60).map((day) => `${day.iso},${sold(0)},${sold(0)}.5,${sold(1)},${sold(1)}.5`),
      ],
      { question: "demand" },
    ),
    file(
      "day-or-month.csv",
      [
        "date,item,qty",
        ...[3, 7, 11, 5, 2].flatMap((d, k) =>
          items.map((item, i) => `0${(k % 3) + 1}/${String(d).padStart(2, "0")}/2023,${item},${sold(i)}`),
        ),
      ],
      { question: "day" },
    ),
    file(
      "footer.csv",
      ["Date,Item,Qty", ...each(60, (day, item, i) => `${day.iso},${item},${sold(i)}`), "Total,,99999", "", "Date,Item,Qty"],
      { plan: { demand: "Qty" }, rows: 180 },
    ),
    file(
      "zones.csv",
      [
        "created_at,sku,quantity",
        ...days(60).flatMap((day) => [1, 23].map((hour) => `${day.iso}T${String(hour).padStart(2, "0")}:30:11Z,Tea,${whole(1, 4)}`)),
      ],
      {
        flags: { "time-zone": "Europe/Berlin" },
        plan: { byDay: true },
        first: ["Tea", "2023-01-01"],
        rows: 120,
      },
    ),
    file("bars.txt", ["sale_date|article|pieces", ...each(60, (day, item, i) => `${day.y}/${day.m}/${day.d}|${item}|${sold(i)}`)], {
      plan: { timestamp: "sale_date", dateStyle: "yyyy/mm/dd", item: "article", demand: "pieces" },
      rows: 180,
    }),
    file(
      "stores.csv",
      [
        "Store,DayOfWeek,Date,Sales,Customers,Open,Promo,StateHoliday",
        ...days(60).flatMap((day) =>
          [1, 2, 3].map((s) => `${s},${day.weekday},${day.iso},${whole(4_000, 6_000)},${whole(400, 600)},1,${whole(0, 1)},0`),
        ),
      ],
      { plan: { timestamp: "Date", item: null, demand: "Sales", dimensions: ["Store"] }, rows: 180 },
    ),
    file(
      "filtered.csv",
      ["Land;Datum;Artikel;Menge", ...each(60, (day, item, i) => `${i === 0 ? "AT" : "DE"};${day.d}.${day.m}.${day.y};${item};${sold(i)}`)],
      {
        flags: { where: "Land=DE" },
        plan: { item: "Artikel", demand: "Menge" },
        rows: 120,
      },
    ),
  ];
}
