// Further files as strangers have them: the odd ones. Spreadsheet serials, other scripts, merged cells, units, drawn lines, codes, years beside months.

import { makeRandom } from "../../src/platform/random.ts";
import type { StrangerFile } from "./strangers.ts";

const items = ["Tee", "Saft", "Milch"];
const dayMs = 86_400_000;
const two = (value: number): string => String(value).padStart(2, "0");

interface Row {
  readonly at: Date;
  readonly iso: string;
  readonly item: string;
  /** Of the item. */
  readonly i: number;
  /** Of the row. */
  readonly n: number;
  readonly units: number;
}

const monthsIn = {
  german: "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
  french: "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
  spanish: "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
} as const;

/** The files, the same for the same seed. */
export function oddFiles(seed = 2): readonly StrangerFile[] {
  const random = makeRandom(seed);
  const units = (i: number): number => 5 + i + random.below(36);
  const rowsEvery = (days: number, count: number): readonly Row[] =>
    Array.from({ length: count }, (_, k) =>
      items.map((item, i) => {
        const at = new Date(Date.UTC(2023, 0, 2) + k * days * dayMs);
        return { at, iso: at.toISOString().slice(0, 10), item, i, n: k * items.length + i, units: units(i) };
      }),
    ).flat();
  const daily = rowsEvery(1, 60);
  const weekly = rowsEvery(7, 60);
  const dmy = ({ at }: Row): string => `${two(at.getUTCDate())}.${two(at.getUTCMonth() + 1)}.${at.getUTCFullYear()}`;
  const file = (
    name: string,
    header: readonly string[],
    rows: readonly Row[],
    line: (row: Row) => string,
    more: Omit<StrangerFile, "name" | "bytes"> & { readonly end?: string; readonly foot?: readonly string[] },
  ): StrangerFile => {
    const { end = "\n", foot = [], ...rest } = more;
    return { name, bytes: Buffer.from([...header, ...rows.map(line), ...foot, ""].join(end)), rows: rows.length, ...rest };
  };
  const serial = ({ at }: Row): number => at.getTime() / dayMs + 25_569;
  const arabic = (value: number): string => String(value).replaceAll(/\d/g, (digit) => String.fromCodePoint(0x660 + Number(digit)));
  const isoWeek = (at: Date): readonly [year: number, week: number] => {
    const thursday = new Date(at.getTime() + (4 - (at.getUTCDay() || 7)) * dayMs);
    const year = thursday.getUTCFullYear();
    return [year, 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / dayMs / 7)];
  };
  const byMonth = (name: keyof typeof monthsIn): StrangerFile => ({
    name: `months-${name}.csv`,
    bytes: Buffer.from(
      [
        `Artikel;Jahr;${monthsIn[name].split(" ").join(";")}`,
        ...[2021, 2022, 2023].flatMap((year) =>
          items.map((item, i) => [item, year, ...Array.from({ length: 12 }, () => units(i))].join(";")),
        ),
        "",
      ].join("\n"),
    ),
    plan: { shape: "wide-dates", timestamp: "Jahr", item: "Artikel", dateStyle: "yyyy-mm" },
    first: ["Tee", "2021-01-01"],
    rows: 108,
  });
  return [
    file("semicolons-in-quotes.csv", ["date,item,note,qty"], daily, (r) => `${r.iso},${r.item},"a; b; ${r.n % 5}; d",${r.units}`, {
      plan: { timestamp: "date", item: "item", demand: "qty", dimensions: [] },
    }),
    {
      name: "utf-16.csv",
      bytes: Buffer.concat([
        Buffer.from([0xff, 0xfe]),
        Buffer.from(["Date\tItem\tUnits", ...daily.map((r) => `${r.iso}\t${r.item}\t${r.units}`), ""].join("\r\n"), "utf16le"),
      ]),
      plan: { item: "Item", demand: "Units" },
      rows: daily.length,
    },
    file("spreadsheet-days.csv", ["Date,Item,Units"], daily, (r) => `${serial(r)},${r.item},${r.units}`, {
      plan: { dateStyle: "excel days", demand: "Units" },
      first: ["Tee", "2023-01-02"],
    }),
    file(
      "two-ways-of-dates.csv",
      ["Date,Item,Units"],
      daily,
      (r) => {
        const [y, m, d] = r.iso.split("-");
        return `${r.n % 3 === 0 ? `${m}/${d}` : `${d}/${m}`}/${y},${r.item},${r.units}`;
      },
      { question: "timestamp" },
    ),
    file("returns.csv", ["Date,SKU,Qty"], daily, (r) => `${r.iso},${r.item},${r.n % 9 === 0 ? -2 : r.units}`, {
      plan: { demand: "Qty", negate: false },
    }),
    file("euro.csv", ["Datum;Artikel;Umsatz"], daily, (r) => `${dmy(r)};${r.item};${r.units * 50},${two(r.units)} €`, {
      plan: { demand: "Umsatz", decimal: "," },
    }),
    file("arabic.csv", ["التاريخ,الصنف,الكمية"], daily, (r) => `${r.iso},${r.item},${arabic(r.units)}`, {
      plan: { timestamp: "التاريخ", item: "الصنف", demand: "الكمية" },
      first: ["Tee", "2023-01-02", String(daily[0]?.units)],
    }),
    file(
      "thousands-by-blank.csv",
      ["Date;Produit;Ventes"],
      daily,
      (r) => `${dmy(r).replaceAll(".", "/")};${r.item};${r.units} ${400 + r.n},50`,
      {
        plan: { dateStyle: "dd/mm/yyyy", demand: "Ventes", decimal: "," },
      },
    ),
    file("thousands-by-apostrophe.csv", ["Datum;Artikel;Umsatz"], daily, (r) => `${dmy(r)};${r.item};${r.units}'${400 + r.n}.50`, {
      plan: { demand: "Umsatz", decimal: "." },
    }),
    file(
      "units-in-names.csv",
      ["Date [UTC],Item #,Sales (pcs),Weight (kg)"],
      daily,
      (r) => `${r.iso},${r.item},${r.units},${r.units / 2}`,
      {
        plan: { timestamp: "Date [UTC]", item: "Item #", demand: "Sales (pcs)" },
      },
    ),
    file("unit-behind-numbers.csv", ["Date,Item,qty"], daily, (r) => `${r.iso},${r.item},${r.units} Stk`, {
      plan: { demand: "qty", unit: "Stk" },
      first: ["Tee", "2023-01-02", String(daily[0]?.units)],
    }),
    byMonth("german"),
    byMonth("french"),
    byMonth("spanish"),
    file(
      "quarters.csv",
      ["Quartal;Artikel;Menge"],
      weekly,
      (r) => `Q${(Math.floor(r.n / 3) % 4) + 1}/${two(8 + Math.floor(r.n / 12))};${r.item};${r.units}`,
      {
        plan: { dateStyle: "Qq yy" },
        first: ["Tee", "2008-01-01"],
      },
    ),
    file("iso-weeks.csv", ["Week,Item,Units"], weekly, (r) => `${isoWeek(r.at)[0]}-W${two(isoWeek(r.at)[1])},${r.item},${r.units}`, {
      plan: { dateStyle: "yyyy-Www" },
      first: ["Tee", "2023-01-02"],
    }),
    file(
      "from-to.csv",
      ["Woche;Artikel;Menge"],
      weekly,
      (r) => `${dmy(r)} - ${dmy({ ...r, at: new Date(r.at.getTime() + 6 * dayMs) })};${r.item};${r.units}`,
      { plan: { dateStyle: "dd.mm.yyyy - dd.mm.yyyy" }, first: ["Tee", "2023-01-02"] },
    ),
    file(
      "weekday-before.csv",
      ["Datum;Artikel;Menge"],
      daily,
      (r) => `${["So", "Mo", "Di", "Mi", "Do", "Fr", "Sa"][r.at.getUTCDay()]}, ${dmy(r)};${r.item};${r.units}`,
      {
        plan: { dateStyle: "dd.mm.yyyy" },
        first: ["Tee", "2023-01-02"],
      },
    ),
    file("many-lines-a-cell.csv", ["date,item,comment,qty"], daily, (r) => `${r.iso},${r.item},"first ${r.n}\nsecond, line",${r.units}`, {
      plan: { demand: "qty" },
    }),
    file("comments.csv", ["# exported by X", "# on 2024-01-01", "date,item,qty"], daily, (r) => `${r.iso},${r.item},${r.units}`, {
      plan: { timestamp: "date" },
    }),
    file("totals-behind.csv", ["Date,Item,Qty"], daily, (r) => `${r.iso},${r.item},${r.units}`, {
      plan: { demand: "Qty" },
      foot: ["", ",Total,8123", "Grand Total,,8123"],
    }),
    file("one-name-twice.csv", ["Date,Item,Qty,Qty"], daily, (r) => `${r.iso},${r.item},${r.units},${r.units + (r.n % 4)}`, {
      question: "demand",
    }),
    file("empty-columns.csv", ["Date,,Item,,Qty,,"], daily, (r) => `${r.iso},,${r.item},,${r.units},,`, {
      plan: { timestamp: "Date", item: "Item", demand: "Qty" },
    }),
    file("long-codes.csv", ["date,ean,qty"], daily, (r) => `${r.iso},400638133393100000${r.i},${r.units}`, {
      plan: { item: "ean" },
      first: ["4006381333931000000"],
    }),
    file("codes-with-zeros.csv", ["date,nummer,qty"], daily, (r) => `${r.iso},0000${r.i + 1},${r.units}`, {
      plan: { item: "nummer" },
      first: ["00001"],
    }),
    file("milliseconds.csv", ["created,item,qty"], daily, (r) => `${r.at.getTime() + 34_267_000},${r.item},${r.units}`, {
      plan: { dateStyle: "unix milliseconds", byDay: true },
      first: ["Tee", "2023-01-02"],
    }),
    file("nested.jsonl", [], daily, (r) => JSON.stringify({ when: r.iso, product: { sku: r.item, name: `${r.item}!` }, qty: r.units }), {
      plan: { item: "product.sku", demand: "qty" },
      first: ["Tee"],
    }),
    file("a-third-unreadable.csv", ["Date,Item,qty"], daily, (r) => `${r.iso},${r.item},${r.n % 3 === 0 ? "n.b." : r.units}`, {
      question: "demand",
    }),
    file("drawn-line.csv", ["Store 7 report", "", "Date,Item,Units", "----,----,-----"], daily, (r) => `${r.iso},${r.item},${r.units}`, {
      plan: { timestamp: "Date", item: "Item", demand: "Units" },
    }),
    file(
      "merged-items.csv",
      ["Item,Date,Units"],
      daily.toSorted((a, b) => a.i - b.i || a.n - b.n),
      (r) => `${r.n < items.length ? r.item : ""},${r.iso},${r.units}`,
      { plan: { item: "Item", fillDown: ["Item"] }, first: ["Tee", "2023-01-02"] },
    ),
    {
      name: "items-and-their-sum.csv",
      bytes: Buffer.from(
        [
          "Date,Tee,Saft,Milch,Total",
          ...Array.from({ length: 60 }, (_, k) => {
            const values = [units(0), units(1), units(2)];
            return `${daily[k * 3]?.iso ?? ""},${values.join(",")},${values.reduce((a, b) => a + b, 0)}`;
          }),
          "",
        ].join("\n"),
      ),
      plan: { shape: "wide-items", values: ["Tee", "Saft", "Milch"] },
      rows: 180,
    },
    {
      name: "units-and-revenue.csv",
      bytes: Buffer.from(
        [
          "Item,Attribute,Jan 23,Feb 23,Mar 23,Apr 23",
          ...items.flatMap((item, i) => ["Units", "Revenue"].map((what) => [item, what, units(i), units(i), units(i), units(i)].join(","))),
          "",
        ].join("\n"),
      ),
      question: "demand",
    },
    file("subtotals.csv", ["Date,Item,Qty"], daily, (r) => `${r.iso},${r.item},${r.units}${r.i === 2 ? `\n${r.iso},Total,99` : ""}`, {
      question: "item",
    }),
    file("carriage-returns.csv", ["Date,Item,Units"], daily, (r) => `${r.iso},${r.item},${r.units}`, {
      plan: { demand: "Units" },
      end: "\r",
    }),
  ];
}
