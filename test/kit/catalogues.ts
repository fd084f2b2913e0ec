// Catalogues as strangers have them, by our own seeded generator: paths of categories, variants without a title, HTML, other languages, no header.

import { makeRandom } from "../../src/platform/random.ts";

/** A catalogue, and what it must be taken for. */
export interface CatalogueFile {
  readonly name: string;
  readonly bytes: Buffer;
  /** Parts of the plan that must come out, or the one question that may be asked. */
  readonly plan?: Readonly<Record<string, unknown>>;
  readonly question?: string;
  /** What must be told. */
  readonly told?: RegExp;
  /** What `classify fit` must learn: codes and items. */
  readonly codes?: number;
  readonly items?: number;
  readonly flags?: readonly string[];
}

interface Kind {
  readonly path: readonly [string, string, string];
  readonly words: readonly string[];
}

const kinds: readonly Kind[] = [
  { path: ["Home", "Kitchen", "Kettles"], words: ["kettle", "boils", "litre", "lid"] },
  { path: ["Home", "Kitchen", "Pans"], words: ["pan", "fries", "coated", "handle"] },
  { path: ["Home", "Lighting", "Lamps"], words: ["lamp", "shines", "shade", "bulb"] },
  { path: ["Garden", "Tools", "Spades"], words: ["spade", "digs", "blade", "shaft"] },
  { path: ["Garden", "Plants", "Seeds"], words: ["seeds", "grows", "sow", "bloom"] },
  { path: ["Toys", "Outdoor", "Balls"], words: ["ball", "bounces", "pump", "leather"] },
];
const german = ["Wasserkocher", "Bratpfanne", "Stehlampe", "Spaten", "Blumensamen", "Fußball"];
const colours = ["red", "blue", "green", "black", "white"];

const csv = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The files, the same for the same seed. */
export function catalogueFiles(seed = 1): readonly CatalogueFile[] {
  const random = makeRandom(seed);
  const below = (count: number): number => random.below(count);
  const of = <T>(count: number, make: (i: number, kind: Kind, k: number) => T): readonly T[] =>
    Array.from({ length: count }, (_, i) => {
      const k = i % kinds.length;
      return make(i, kinds[k] ?? kinds[0] ?? { path: ["", "", ""], words: [] }, k);
    });
  const title = ({ words }: Kind): string =>
    `${colours[below(5)] ?? ""} ${words[0] ?? ""} ${["mini", "large", "classic"][below(3)] ?? ""} ${100 + below(900)}`;
  const text = ({ words }: Kind): string => `It ${words[1] ?? ""}, with ${words[2] ?? ""} and ${words[3] ?? ""} number ${below(1_000)}`;
  const file = (
    name: string,
    lines: readonly string[],
    more: Omit<CatalogueFile, "name" | "bytes">,
    encoding: BufferEncoding = "utf8",
  ): CatalogueFile => ({
    name,
    bytes: Buffer.from(`${lines.join("\n")}\n`, encoding),
    ...more,
  });
  const leaf = { path: ">", several: null, level: "leaf" };
  return [
    file(
      "flat.csv",
      ["id,title,description,category,price", ...of(300, (i, kind) => `${i},${title(kind)},${csv(text(kind))},${kind.path[2]},${i}.50`)],
      {
        plan: { text: ["title", "description"], label: { columns: ["category"], path: null, level: null }, id: "id", numbers: [] },
        codes: 6,
        items: 300,
      },
    ),
    file("paths.csv", ["sku,name,category", ...of(300, (i, kind) => `0${100 + i},${title(kind)},${kind.path.join(" > ")}`)], {
      plan: { text: ["name"], label: { columns: ["category"], ...leaf }, id: "sku" },
      told: /"category" holds paths of up to 3 parts; the code is the whole path \(6 codes/,
      codes: 6,
    }),
    file("slashes.csv", ["name,category_path", ...of(300, (_, kind) => `${title(kind)},${kind.path.join("/")}`)], {
      plan: { label: { path: "/", level: "leaf" } },
      codes: 6,
    }),
    file("bars.csv", ["name,Kategorie", ...of(300, (_, kind) => `${title(kind)},${kind.path.join("|")}`)], {
      plan: { label: { columns: ["Kategorie"], path: "|" } },
      flags: ["--label-level", "2"],
      codes: 5,
    }),
    file(
      "lists.jsonl",
      of(300, (i, kind) => JSON.stringify({ asin: `B0${i}`, title: title(kind), categories: kind.path })),
      {
        plan: { text: ["title"], label: { columns: ["categories"], path: "list" }, id: "asin" },
        flags: ["--label-level", "top"],
        codes: 3,
      },
    ),
    file(
      "tree-column.csv",
      [
        "uniq_id,product_name,product_category_tree,retail_price",
        ...of(300, (i, kind) => `u${i},${title(kind)},${csv(`["${[...kind.path, `Maker ${i}`].join(" >> ")}"]`)},${i}`),
      ],
      {
        plan: { text: ["product_name"], label: { path: "list", level: 3 }, id: "uniq_id" },
        told: /the code is its first 3 parts \(6 codes.*whole paths would be 300 codes, 300 with one item/,
        codes: 6,
      },
    ),
    file("level-columns.csv", ["title,department,category,subcategory", ...of(300, (_, kind) => [title(kind), ...kind.path].join(","))], {
      plan: { label: { columns: ["department", "category", "subcategory"], level: "leaf" } },
      told: /are levels of up to 3 parts/,
      codes: 6,
    }),
    file(
      "several.csv",
      [
        "name,categories",
        ...of(300, (i, kind) => `${title(kind)},${csv(i % 3 === 0 ? `${kind.path[0]}, ${kind.path.join(" > ")}` : kind.path.join(" > "))}`),
      ],
      {
        plan: { label: { path: ">", several: ",", level: "leaf" } },
        told: /33 % of the cells in "categories" hold several categories: the deepest/,
        codes: 6,
      },
    ),
    file(
      "products_export.csv",
      [
        "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src",
        ...of(150, (i, kind) => {
          const first = [
            `p-${i}`,
            title(kind),
            `<p>${text(kind)}</p><ul><li>Gr&ouml;&szlig;e ${i}</li></ul>`,
            `Maker ${i % 9}`,
            "",
            kind.path[2],
            "sale",
            "TRUE",
            "Size",
            "S",
            `S-${i}-1`,
            "9.95",
            "https://x.example/1.jpg",
          ];
          const second = [`p-${i}`, "", "", "", "", "", "", "", "", "L", `S-${i}-2`, "11.95", ""];
          return [first.map(csv).join(","), second.map(csv).join(",")];
        }).flat(),
      ],
      {
        plan: { text: ["Title", "Body (HTML)", "Vendor"], label: { columns: ["Type"] }, group: "Handle", id: "Variant SKU" },
        told: /it is a Shopify products export[\s\S]*HTML in "Body \(HTML\)"/,
        codes: 6,
        items: 300,
      },
    ),
    file(
      "wc-product-export.csv",
      [
        "ID,Type,SKU,Name,Published,Is featured?,Visibility in catalog,Short description,Description,In stock?,Regular price,Categories,Tags,Images,Parent,Position",
        // The first variation stands before its parent, the second names it by its ID.
        ...of(150, (i, kind) => {
          const parent = `${i + 1},variable,W-${i},${title(kind)},1,0,visible,,${csv(`<b>${text(kind)}</b>`)},1,,${csv(`${kind.path[0]}, ${kind.path.slice(0, 2).join(" > ")}`)},,,,0`;
          const child = (ref: string, n: number): string =>
            `${1_000 + 2 * i + n},variation,W-${i}-${n},,1,0,visible,,,1,${n}.95,,,,${ref},${n}`;
          return [child(`W-${i}`, 0), parent, child(`id:${i + 1}`, 1)];
        }).flat(),
      ],
      {
        plan: { text: ["Name", "Description"], label: { columns: ["Categories"], path: ">", several: "," }, group: "Parent", id: "SKU" },
        told: /it is a WooCommerce products export/,
        codes: 5,
        items: 450,
      },
    ),
    file(
      "feed.tsv",
      [
        "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\tbrand\tgoogle_product_category\tproduct_type\titem_group_id",
        ...of(300, (i, kind) =>
          [
            `G${i}`,
            title(kind),
            text(kind),
            `https://x.example/${i}`,
            `https://x.example/${i}.jpg`,
            "in stock",
            `${i}.00 EUR`,
            `Maker ${i % 7}`,
            ["Food, Beverages & Tobacco", ...kind.path].join(" > "),
            kind.path[2],
            `g${Math.floor(i / 6)}`,
          ].join("\t"),
        ),
      ],
      {
        plan: {
          text: ["title", "description", "brand"],
          label: { columns: ["google_product_category"], path: ">", several: null },
          group: "item_group_id",
          id: "id",
        },
        told: /it is a Google Merchant feed/,
        codes: 6,
      },
    ),
    file(
      "openfoodfacts.csv",
      [
        "code\turl\tcreated_t\tproduct_name\tgeneric_name\tbrands\tcategories\tcategories_tags\tcategories_en\tcountries_tags\tingredients_text\tpnns_groups_1\tpnns_groups_2\tmain_category_en\tenergy_100g",
        ...of(300, (i, kind) =>
          [
            `00${1_000 + i}`,
            `https://x.example/${i}`,
            String(1_500_000_000 + i),
            title(kind),
            "",
            `Maker ${i % 5}`,
            "",
            `en:${kind.path[0]},en:${kind.path[1]}`,
            kind.path.join(","),
            "en:germany",
            text(kind),
            kind.path[0],
            i % 10 === 9 ? "unknown" : kind.path[2],
            kind.path[2],
            String(i),
          ].join("\t"),
        ),
      ],
      {
        plan: { text: ["product_name", "ingredients_text", "brands"], label: { columns: ["pnns_groups_2"] }, id: "code" },
        told: /it is an Open Food Facts dump/,
        items: 300,
      },
    ),
    file(
      "headerless.csv",
      of(300, (i, kind) => `${1_000 + i},${title(kind)},${kind.path[2]},${i % 90}.5`),
      {
        plan: { text: ["column_2"], label: { columns: ["column_3"] } },
        told: /no header/,
        codes: 6,
      },
    ),
    file(
      "artikel.csv",
      [
        "Artikelliste Filiale 3",
        "",
        "Artikelnummer;Bezeichnung;Beschreibung;Warengruppe;Preis",
        ...of(300, (i, _, k) => `0047${i};${german[k]} Größe ${below(90)};für Haus & Hof ${i};0${100 + k};1.${100 + i},99`),
        "Summe;;;;99.999,00",
      ],
      {
        plan: { text: ["Bezeichnung", "Beschreibung"], label: { columns: ["Warengruppe"], path: null }, id: "Artikelnummer" },
        told: /windows-1252[\s\S]*Artikelliste Filiale 3[\s\S]*row of totals/,
        codes: 6,
        items: 300,
      },
      "latin1",
    ),
    file("partly.csv", ["name;hs_code", ...of(500, (i, kind, k) => `${title(kind)};${i % 5 < 2 ? `0${k}01.10.00` : ""}`)], {
      plan: { label: { columns: ["hs_code"] } },
      told: /60 % of the rows without one/,
      codes: 6,
      items: 200,
    }),
    file(
      "two-languages.csv",
      [
        "id,lang,title,category",
        ...of(
          300,
          (i, kind, k) => `${i},${i % 2 === 0 ? "en" : "de"},${i % 2 === 0 ? title(kind) : `${german[k]} ${below(900)}`},${kind.path[2]}`,
        ),
      ],
      { plan: { text: ["title"], categories: ["lang"], label: { columns: ["category"] } }, codes: 6 },
    ),
    file("numbers.csv", ["titre,prix,categorie", ...of(300, (_, kind, k) => `${title(kind)},"${below(90)},5${below(9)} €",${8_400 + k}`)], {
      plan: { text: ["titre"], label: { columns: ["categorie"] }, numbers: [] },
      codes: 6,
    }),
    file("mixed.csv", ["title,category", ...of(300, (i, kind, k) => `${i % 10 === 0 ? "gift set" : title(kind)},${kinds[k]?.path[2]}`)], {
      told: /1 text stands with different codes \(30 rows\)/,
      codes: 6,
    }),
    file("rare.csv", ["title,category", ...of(300, (i, kind) => `${title(kind)},${i % 30 === 0 ? `Rare ${i}` : kind.path[2]}`)], {
      told: /10 of 16 codes have one item/,
      codes: 16,
    }),
    file(
      "said-not.csv",
      [
        "title,category",
        ...of(
          300,
          (i, kind) => `${title(kind)},${["n/a", "none", "-"][i % 10] ?? (i % 10 === 4 ? kind.path[2].toUpperCase() : kind.path[2])}`,
        ),
      ],
      {
        told: /90 of 300 rows have no code[\s\S]*differ in case or blanks alone are different codes: "KETTLES" and "Kettles"/,
        codes: 9,
        items: 210,
      },
    ),
    file(
      "header-again.csv",
      ["Artikel;Warengruppe", ...of(300, (i, kind) => `${title(kind)};${kind.path[2]}${i % 50 === 49 ? "\nArtikel;Warengruppe" : ""}`)],
      { plan: { text: ["Artikel"], label: { columns: ["Warengruppe"], path: null } }, codes: 6, items: 300 },
    ),
    file(
      "magento.csv",
      [
        "sku,attribute_set_code,product_type,categories,name,price",
        ...of(
          300,
          (i, kind) =>
            `S${i},Default,simple,"Default Category,Default Category/${kind.path[0]},Default Category/${kind.path[0]}/${kind.path[2]}",${title(kind)},${i}.5`,
        ),
      ],
      { plan: { text: ["name"], label: { columns: ["categories"], path: "/", several: ",", level: "leaf" } }, codes: 6, items: 300 },
    ),
    file(
      "codes-like-dates.csv",
      ["name,category", ...of(300, (_, kind, k) => `${title(kind)},${["1-2", "3-4", "2023-01", "7/8", "9/10", "0101.10"][k]}`)],
      {
        plan: { label: { columns: ["category"] } },
        codes: 6,
        items: 300,
      },
    ),
    file(
      "gs1.csv",
      [
        "GTIN,TradeItemDescription,GpcCategoryCode,BrandName",
        ...of(300, (i, kind, k) => `0400${1_000_000_000 + i},${title(kind)},1000${k}123,M${i % 7}`),
      ],
      { plan: { text: ["TradeItemDescription"], label: { columns: ["GpcCategoryCode"] }, id: "GTIN" }, codes: 6, items: 300 },
    ),
    file("titles-only.csv", ["title", ...of(100, (_, kind) => title(kind))], { question: "label" }),
    file(
      "two-codes.csv",
      ["title,customs_code,waste_code", ...of(300, (i, kind, k) => `${title(kind)},84${k},W${(i * 7 + Math.floor(i / 6)) % 4}`)],
      { question: "label" },
    ),
    file("codes-only.csv", ["category,price", ...of(100, (i, kind) => `${kind.path[2]},${i}`)], { question: "text" }),
  ];
}
