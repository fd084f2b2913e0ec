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

const two = (value: number): string => String(value).padStart(2, "0");

/** Exports of well-known systems, on made-up rows of their shapes. The plan of each is of a forecast. */
export function exportFiles(
  seed = 1,
): readonly (StrangerFile & { readonly export: string; readonly rows: number; readonly uncounted: number })[] {
  const random = makeRandom(seed);
  const whole = (low: number, high: number): number => low + Math.floor(random.next() * (high - low + 1));
  const file = (name: string, lines: readonly string[]): { readonly name: string; readonly bytes: Buffer } => ({
    name,
    bytes: Buffer.from(`${lines.join("\n")}\n`),
  });
  const of = <T>(count: number, make: (i: number) => T): readonly T[] => Array.from({ length: count }, (_, i) => make(i));
  const goods = ["Mug", "Bowl, large", "Spoon"].map((name, i) => ({ name, sku: `0${100 + i}` }));
  const pick = (): (typeof goods)[number] => goods[whole(0, 2)] ?? { name: "", sku: "" };
  const csv = (text: string): string => (text.includes(",") ? `"${text}"` : text);
  return [
    {
      // Two lines an order, the second without what belongs to the order; each tenth refunded, each twentieth cancelled.
      ...file("orders_export.csv", [
        "Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Shipping Province,Cancelled at,Refunded Amount,Vendor,Tags",
        ...days(60).flatMap((day) =>
          of(4, (k) => {
            const n = 1_000 + Number(day.m) * 400 + Number(day.d) * 10 + k;
            const at = `${day.iso} ${two(whole(7, 20))}:${two(whole(0, 59))}:${two(whole(1, 59))} +0100`;
            const [status, cancelled] = n % 10 === 0 ? ["refunded", ""] : n % 20 === 1 ? ["paid", at] : ["paid", ""];
            const [one, other] = [pick(), pick()];
            return [
              `#${n},a@b.example,${status},${at},fulfilled,EUR,20.00,0.00,20.00,${at},${whole(1, 3)},${csv(one.name)},9.95,${one.sku},NW,${cancelled},0.00,Acme,`,
              `#${n},a@b.example,,,,,,,,,${whole(1, 3)},${csv(other.name)},9.95,${other.sku},,,,Acme,`,
            ];
          }).flat(),
        ),
      ]),
      export: "shopify-orders",
      plan: { item: "Lineitem sku", timestamp: "Created at", demand: "Lineitem quantity", dimensions: [], byDay: true },
      rows: 302,
      uncounted: 178,
    },
    {
      ...file("woo-orders.csv", [
        "Order Number,Order Status,Order Date,First Name (Billing),Order Total Amount,SKU,Item #,Item Name,Quantity (- Refund),Item Cost",
        ...days(60).flatMap((day, d) =>
          of(3, (k) => {
            const one = pick();
            const status = (d + k) % 9 === 0 ? "Cancelled" : "Completed";
            return `${5_000 + d * 3 + k},${status},${day.iso} 1${k}:0${k},Ada,20.00,${one.sku},1,${csv(one.name)},${whole(1, 3)},9.95`;
          }),
        ),
      ]),
      export: "woocommerce-orders",
      plan: { item: "SKU", timestamp: "Order Date", demand: "Quantity (- Refund)", dimensions: [] },
      rows: 161,
      uncounted: 19,
    },
    {
      ...file("items-2023.csv", [
        "Date,Time,Time Zone,Category,Item,Qty,Price Point Name,SKU,Modifiers Applied,Gross Sales,Discounts,Net Sales,Tax,Transaction ID,Event Type,Location",
        ...days(60).flatMap((day) =>
          of(6, (k) => {
            const refund = k === 5;
            return `${day.iso},0${8 + (k % 2)}:1${k}:00,Berlin,Drinks,${["Latte", "Tea"][k % 2]},${refund ? -1 : whole(1, 3)},Regular,,,"$${whole(3, 9)}.00",$0.00,$5.00,$0.40,T${k},${refund ? "Refund" : "Payment"},${["North", "South"][k % 2]}`;
          }),
        ),
      ]),
      export: "square-items",
      plan: { item: "Item", timestamp: "Date", demand: "Qty", dimensions: ["Location"] },
      rows: 360,
      uncounted: 0,
    },
    {
      ...file("orders.txt", [
        "amazon-order-id\tmerchant-order-id\tpurchase-date\tlast-updated-date\torder-status\tfulfillment-channel\tsales-channel\tship-service-level\tproduct-name\tsku\tasin\titem-status\tquantity\tcurrency\titem-price\titem-tax\tship-country",
        ...days(60).flatMap((day, d) =>
          of(5, (k) => {
            const one = pick();
            const gone = (d * 5 + k) % 15 === 0;
            return `302-${d}-${k}\t\t${day.iso}T2${k % 4}:15:4${k}+00:00\t${day.iso}T23:59:59+00:00\t${gone ? "Cancelled" : "Shipped"}\tAmazon\tAmazon.de\tExpedited\t${one.name}\t${one.sku}\tB00${one.sku}\t${gone ? "Cancelled" : "Shipped"}\t${gone ? 0 : whole(1, 3)}\tEUR\t${gone ? "" : "9.95"}\t\tDE`;
          }),
        ),
      ]),
      export: "amazon-orders",
      plan: { item: "sku", timestamp: "purchase-date", demand: "quantity", byDay: true, dimensions: [] },
      rows: 280,
      uncounted: 20,
    },
    {
      // Goods issues to customers below zero, their reversal above; receipts and transfers between.
      ...file("mb51.csv", [
        "Material;Materialkurztext;Werk;LOrt;BwA;Materialbeleg;Pos;Buch.dat.;Menge in ErfassME;EME",
        ...days(60).flatMap((day, d) =>
          of(4, (k) => {
            const type = ["601", "601", d % 10 === 0 ? "602" : "601", "101"][k];
            const amount = `${type === "602" || type === "101" ? "" : "-"}${whole(1, 2)}.${whole(100, 900)},000`;
            return `00000000000000471${k % 2};${["Grüner Tee", "Milch"][k % 2]};${k === 2 ? "1100" : "1000"};0001;${type};49${d}${k};1;${day.d}.${day.m}.${day.y};${amount};ST`;
          }),
        ),
      ]),
      export: "sap-movements",
      plan: { item: "Material", timestamp: "Buch.dat.", demand: "Menge in ErfassME", negate: true, decimal: ",", dimensions: ["Werk"] },
      rows: 180,
      uncounted: 60,
    },
  ];
}
