// The sample shop: a retailer that never was, with its range, its labelled items, its sales and its rule books, made from a seed.
//
// Owns: rows and files. Does not own: words (words.ts), true codes (rules.ts), where the files go.
//   D1. A product is a function of (seed, country, number) alone; nothing is kept, so millions of rows stream in constant memory.
//   D2. The same options give the same bytes, on every machine.
//   D3. Every code of every version (parents aside) is the label of at least one row: the first products go through all kinds twice.

import type { Body } from "../../platform/bytes.ts";
import { StockroomError } from "../../platform/errors.ts";
import { hashText, makeRandom, type Random } from "../../platform/random.ts";
import { csvBody } from "./csv.ts";
import { ruleBooks, shopCountries, type RuleBook, type SchemeFile, type ShopCountry } from "./rules.ts";
import {
  adjectives,
  brands,
  colours,
  complaints,
  departments,
  hints,
  kinds,
  phrases,
  type Department,
  type Kind,
  type Language,
} from "./words.ts";

export interface ShopOptions {
  readonly seed: number;
  /** Products in the range of each country; at least two for each kind. */
  readonly items: number;
  /** ISO 3166 alpha-3; default all eight. */
  readonly countries?: readonly string[];
  /** Periods of sale, rising, e.g. `2026-10`; default August to October 2026. Some waste schemes change on the first day of the middle one. */
  readonly months?: readonly string[];
  /** Share of wrong labels, instead of each country's own 0.02 to 0.04. */
  readonly noise?: number;
}

export interface Product {
  readonly id: string;
  readonly country: string;
  readonly lang: Language;
  readonly kind: Kind;
  readonly title: string;
  readonly brand: string;
  readonly description: string;
  /** Of one piece. */
  readonly kg: number;
}

/** A file of the shop, as it is put into the store. */
export interface ShopFile {
  readonly key: string;
  readonly contentType: string;
  readonly body: () => Body;
}

export interface Shop {
  readonly countries: readonly ShopCountry[];
  readonly months: readonly string[];
  /** The day on which the changing waste schemes change. */
  readonly changeDay: string;
  readonly schemes: () => readonly SchemeFile[];
  readonly catalogue: (country: string) => Iterable<Product>;
  readonly labelledColumns: (country: string) => readonly string[];
  /** What people have coded so far, about 60 % of the range, dated from a year before the first period to the end of the last. */
  readonly labelledRows: (country: string) => Iterable<readonly string[]>;
  readonly salesColumns: readonly string[];
  /** One row for each product sold in the period, the most popular first. */
  readonly salesRows: (country: string, period: string) => Iterable<readonly string[]>;
  /** The right code of a product, whatever its label says. `scheme` is e.g. `DEU-WASTE`, `date` an ISO day. */
  readonly trueCode: (scheme: string, productId: string, date: string) => string;
  /** Everything, in the order in which it should be put: schemes, labelled items, sales. */
  readonly files: () => Iterable<ShopFile>;
}

export const salesColumns = ["id", "country", "lang", "title", "brand", "description", "date", "units", "kg"] as const;

const labelledHead = ["id", "country", "lang", "title", "brand", "description", "date", "group"] as const;

const labelledShare = 0.6;
const dayMs = 86_400_000;

const popularity = cumulate(kinds.map((_, rank) => (rank + 1) ** -0.6));

const brandsOf = new Map<Department, readonly (typeof brands)[number][]>(
  departments.map((department) => [department, brands.filter((brand) => brand.departments.includes(department))]),
);

const sizes: Readonly<Record<Department, readonly string[]>> = {
  big: ["60 cm", "45 cm", "8 kg", "120 L", "310 L"],
  comfort: ["1200 W", "2000 W", "20 L", "40 cm"],
  kitchen: ["1.7 L", "800 W", "1500 W", "20 L"],
  home: ["700 W", "2400 W", "1.5 L"],
  it: ["64 GB", "256 GB", '15.6"', '24"', '10"', "2.4 GHz"],
  av: ['43"', '55"', "20 W", "4K", "12 MP"],
  lighting: ["E27 9 W", "GU10 5 W", "120 cm", "800 lm"],
  tools: ["18 V", "12 V", "600 W", "38 cm"],
  play: ["1:16", "500 GB", '26"', "250 W"],
  care: ["2000 W", "5 V", "180 kg"],
  extra: ["2 m", "5 V", "x4", "XL", '55"'],
  other: ["28 cm", "XL", "M", "x40", "A5"],
};

/**
 * Makes the sample shop. Nothing is generated before it is asked for.
 *
 * Throws `input`: `SHOP_BAD_COUNTRY`, `SHOP_BAD_MONTHS`, `SHOP_TOO_SMALL`, `SHOP_BAD_NOISE`.
 *
 * @example
 * const shop = makeShop({ seed: 1, items: 2_000 });
 * for (const file of shop.files()) await store.put(actor, file.key, file.body());
 */
export function makeShop(options: ShopOptions): Shop {
  const range = rangeOf(options);
  const { countries, months, changeDay, books } = range;
  const schemes = [...books.values()].flat().map((book) => book.file);
  const shop: Omit<Shop, "files"> = {
    countries,
    months,
    changeDay,
    schemes: () => schemes,
    catalogue: (code) => catalogue(range, code),
    labelledColumns: (code) => [...labelledHead, ...booksOf(range, code).map((book) => `code.${book.file.scheme}`)],
    labelledRows: (code) => labelledRows(range, code),
    salesColumns,
    salesRows: (code, period) => salesRows(range, code, period),
    trueCode: (scheme, productId, date) => trueCode(range, scheme, productId, date),
  };
  return { ...shop, files: () => filesOf(shop) };
}

/** What is decided before a product is drawn. */
interface Range extends Pick<ShopOptions, "seed" | "items" | "noise"> {
  readonly countries: readonly ShopCountry[];
  readonly months: readonly string[];
  readonly changeDay: string;
  /** By country. */
  readonly books: ReadonlyMap<string, readonly RuleBook[]>;
  /** Which kinds the first products are of. */
  readonly order: readonly number[];
}

function rangeOf(options: ShopOptions): Range {
  const countries = (options.countries ?? shopCountries.map((country) => country.code)).map((code) => countryOf(shopCountries, code));
  const months = checkMonths(options.months ?? ["2026-08", "2026-09", "2026-10"]);
  checkNumbers(options);
  const { seed, items, noise } = options;
  const changeDay = months.length === 1 ? `${months[0]}-16` : `${months[Math.floor(months.length / 2)]}-01`;
  const books = new Map(countries.map(({ code }) => [code, ruleBooks(code, changeDay)]));
  return { seed, items, ...(noise === undefined ? {} : { noise }), countries, months, changeDay, books, order: shuffledKinds(seed) };
}

const booksOf = ({ countries, books }: Range, code: string): readonly RuleBook[] => books.get(countryOf(countries, code).code) ?? [];

const sourceOf = ({ seed }: Range, country: string, purpose: string): number => hashText(`${seed}/${country}/${purpose}`);

/** Of the first products all kinds, twice; of the rest as popularity has it. Draws once either way. */
function kindOf({ order }: Range, number: number, random: Random): number {
  const drawn = drawKind(random);
  return number < 2 * kinds.length ? (order[number % kinds.length] ?? 0) : drawn;
}

function* catalogue(range: Range, code: string): Generator<Product> {
  const country = countryOf(range.countries, code);
  const source = sourceOf(range, code, "product");
  for (let number = 0; number < range.items; number++) {
    const random = stream(source, number);
    yield describe(country, number, kindOf(range, number, random), random);
  }
}

const rowStart = ({ id, country, lang, title: name, brand, description: said }: Product, date: string): readonly string[] => [
  id,
  country,
  lang,
  name,
  brand,
  said,
  date,
];

function* labelledRows(range: Range, code: string): Generator<readonly string[]> {
  const { months, changeDay } = range;
  const noise = range.noise ?? countryOf(range.countries, code).noise;
  const books = booksOf(range, code);
  const source = sourceOf(range, code, "label");
  const firstDay = Date.parse(`${months[0]}-01`) / dayMs - 365;
  const lastDay = endOf(months.at(-1) ?? "") / dayMs - 1;
  const changeAt = Date.parse(changeDay) / dayMs;
  let number = -1;
  for (const product of catalogue(range, code)) {
    number += 1;
    const random = stream(source, number);
    const certain = number < 2 * kinds.length;
    if (random.next() >= labelledShare && !certain) continue;
    const [from, to] = !certain ? [firstDay, lastDay] : number < kinds.length ? [firstDay, changeAt - 1] : [changeAt, lastDay];
    const date = isoDay(from + random.below(to - from + 1));
    const kind = kinds.indexOf(product.kind);
    const labels = books.map((book) => {
      const codes = codesOn(book, date);
      const right = codes[kind] ?? "";
      if (random.next() >= noise || certain) return right;
      for (;;) {
        const wrong = codes[drawKind(random)] ?? right;
        if (wrong !== right) return wrong;
      }
    });
    yield [...rowStart(product, date), product.id, ...labels];
  }
}

function* salesRows(range: Range, code: string, period: string): Generator<readonly string[]> {
  const { months } = range;
  if (!months.includes(period)) {
    throw new StockroomError("input", "SHOP_BAD_MONTHS", `Expected one of the periods ${months.join(", ")} but received "${period}".`);
  }
  const source = sourceOf(range, code, `sales/${period}`);
  const start = Date.parse(`${period}-01`) / dayMs;
  const days = endOf(period) / dayMs - start;
  let number = -1;
  for (const product of catalogue(range, code)) {
    number += 1;
    const random = stream(source, number);
    const units = poisson(2 + 400 * (number + 1) ** -0.9, random);
    if (units === 0) continue;
    const date = isoDay(start + random.below(days));
    const kg = (Math.round(units * product.kg * 1000) / 1000).toString();
    yield [...rowStart(product, date), units.toString(), kg];
  }
}

function trueCode(range: Range, scheme: string, productId: string, date: string): string {
  const book = [...range.books.values()].flat().find(({ file }) => file.scheme === scheme);
  const code = productId.slice(0, 3);
  const number = Number(productId.slice(4));
  if (book === undefined || !Number.isInteger(number) || number < 0 || number >= range.items) {
    throw new StockroomError(
      "missing",
      "SHOP_UNKNOWN",
      `Expected a scheme and a product of this shop but received ${scheme}, ${productId}.`,
    );
  }
  countryOf(range.countries, code);
  return codesOn(book, date)[kindOf(range, number, stream(sourceOf(range, code, "product"), number))] ?? "";
}

function* filesOf(shop: Omit<Shop, "files">): Generator<ShopFile> {
  const table = (key: string, columns: readonly string[], rows: () => Iterable<readonly string[]>): ShopFile => ({
    key,
    contentType: "text/csv",
    body: () => csvBody(columns, rows()),
  });
  for (const scheme of shop.schemes()) {
    const text = `${JSON.stringify(scheme, null, 2)}\n`;
    yield { key: `classify/schemes/${scheme.scheme}.json`, contentType: "application/json", body: () => once(text) };
  }
  for (const { code } of shop.countries) {
    yield table(`classify/labelled/${code}/sample.csv`, shop.labelledColumns(code), () => shop.labelledRows(code));
  }
  for (const period of shop.months) {
    for (const { code } of shop.countries) {
      yield table(`classify/sales/${period}/${code}.csv`, salesColumns, () => shop.salesRows(code, period));
    }
  }
}

const stream = (source: number, number: number): Random => makeRandom((source ^ Math.imul(number + 1, 0x9e3779b1)) >>> 0);

async function* once(text: string): Body {
  yield Buffer.from(text);
}

function codesOn(book: RuleBook, date: string): readonly string[] {
  const last = book.file.versions.length - 1;
  const at = book.file.versions.findIndex((version) => version.valid_to === undefined || date <= version.valid_to);
  return book.truth[at < 0 ? last : at] ?? [];
}

/** Draws everything that is said of a product, always in the same order of draws. */
function describe(country: ShopCountry, number: number, kindAt: number, random: Random): Product {
  const kind = kinds[kindAt];
  const lang = drawLanguage(country, random);
  const home = brandsOf.get(kind.department) ?? brands;
  const brand = pick(random.next() < 0.75 && home.length > 0 ? home : brands, random);
  const model = `${brand.models}${random.next() < 0.4 ? "-" : ""}${100 + random.below(9_900)}${random.next() < 0.2 ? "B" : ""}`;
  const named = random.next() < 0.88;
  const untitled = random.next() < country.untitled;
  return {
    id: `${country.code}-${number.toString().padStart(7, "0")}`,
    country: country.code,
    lang,
    kind,
    title: untitled ? "" : title(kind, lang, named ? brand.name : "", model, random),
    brand: named && random.next() < 0.85 ? brand.name : "",
    description: description(kind, lang, untitled, random),
    kg: Math.round(kind.kg * (0.7 + 0.6 * random.next()) * 1000) / 1000,
  };
}

function title(kind: Kind, lang: Language, brand: string, model: string, random: Random): string {
  const roll = random.next();
  // What a till makes of a name it has no room for: nobody can tell these by their title.
  if (roll < 0.008 && brand !== "") return `${brand} ${model}`;
  const name = nameOf(kind, random.next() < 0.04 ? "en" : lang, random);
  const adjective = random.next() < 0.3 ? pick(adjectives[lang], random) : "";
  const colour = random.next() < 0.35 ? pick(colours[lang], random) : "";
  const size = random.next() < 0.4 ? pick(sizes[kind.department], random) : "";
  const number = random.next() < 0.5 ? model : "";
  const gift = random.next() < 0.015 ? `+ ${nameOf(kinds[drawKind(random)] ?? kind, lang, random)}` : "";
  const parts =
    roll < 0.5
      ? [brand, adjective, name, size, number, colour, gift]
      : roll < 0.8
        ? [name, brand, number, size, colour, gift]
        : [adjective, name, gift, colour, size, brand];
  const text = parts.filter((part) => part !== "").join(" ");
  const flaw = random.next();
  if (flaw < 0.04) return text.toUpperCase();
  if (flaw < 0.08) return text.toLowerCase();
  if (flaw < 0.1) return misspell(text, random);
  return text;
}

function description(kind: Kind, lang: Language, untitled: boolean, random: Random): string {
  const said: string[] = [];
  if (random.next() < (untitled ? 0.65 : 0.4)) said.push(pick(hints[kind.department][lang], random));
  if (random.next() < 0.35) said.push(pick(phrases[lang], random));
  if (random.next() < (untitled ? 0.35 : 0.1)) said.push(pick(complaints[lang], random));
  if (random.next() < (untitled ? 0.15 : 0.03)) said.push(nameOf(kind, lang, random));
  // A line break inside a field now and then, as exports have them.
  return said.join(random.next() < 0.02 ? ",\n" : lang === "ja" ? "。" : ", ");
}

function nameOf(kind: Kind, lang: Language, random: Random): string {
  const name = pick(kind.names[lang], random);
  const at = name.indexOf("{");
  if (at < 0) return name;
  const end = name.indexOf("}", at);
  const inner = kinds.find((each) => each.key === name.slice(at + 1, end));
  return name.slice(0, at) + (inner === undefined ? "" : pick(inner.names[lang], random)) + name.slice(end + 1);
}

/** One letter lost, or two changed round. */
function misspell(text: string, random: Random): string {
  const letters = Array.from(text);
  const at = random.below(Math.max(1, letters.length - 1));
  if (random.next() < 0.5) letters.splice(at, 1);
  else letters.splice(at, 2, letters[at + 1] ?? "", letters[at] ?? "");
  return letters.join("").trim();
}

function drawLanguage(country: ShopCountry, random: Random): Language {
  let left = random.next();
  for (const [language, share] of country.languages) {
    left -= share;
    if (left < 0) return language;
  }
  return country.languages[0]?.[0] ?? "en";
}

function drawKind(random: Random): number {
  const draw = random.next();
  let low = 0;
  let high = popularity.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((popularity[middle] ?? 1) > draw) high = middle;
    else low = middle + 1;
  }
  return low;
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[random.below(list.length)];
}

/** Whole number with the given mean: Knuth's product below 30, the rounded normal above. */
function poisson(mean: number, random: Random): number {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random.next(); product > limit; product *= random.next()) count += 1;
  return count;
}

function cumulate(weights: readonly number[]): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return Float64Array.from(weights, (weight) => (sum += weight) / total);
}

function shuffledKinds(seed: number): readonly number[] {
  const random = makeRandom(hashText(`${seed}/kinds`));
  const order = kinds.map((_, i) => i);
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}

const isoDays = new Map<number, string>();

function isoDay(day: number): string {
  let text = isoDays.get(day);
  if (text === undefined) isoDays.set(day, (text = new Date(day * dayMs).toISOString().slice(0, 10)));
  return text;
}

/** Milliseconds of the first moment after the period. */
function endOf(period: string): number {
  const [year = 0, month = 1] = period.split("-").map(Number);
  return Date.UTC(year, month, 1);
}

function countryOf(countries: readonly ShopCountry[], code: string): ShopCountry {
  const country = countries.find((each) => each.code === code);
  if (country !== undefined) return country;
  const names = countries.map((each) => each.code).join(", ");
  throw new StockroomError("input", "SHOP_BAD_COUNTRY", `Expected a country of the sample shop (${names}) but received "${code}".`);
}

function checkMonths(months: readonly string[]): readonly string[] {
  const wrong = months.find((month, i) => !/^20\d\d-(0[1-9]|1[0-2])$/.test(month) || month < "2024" || month <= (months[i - 1] ?? ""));
  if (wrong !== undefined || months.length === 0) {
    const received = wrong === undefined ? "none" : `"${wrong}"`;
    throw new StockroomError("input", "SHOP_BAD_MONTHS", `Expected rising months such as 2026-10, from 2024 on, but received ${received}.`);
  }
  return months;
}

function checkNumbers({ items, noise = 0 }: ShopOptions): void {
  const least = 2 * kinds.length;
  if (!Number.isInteger(items) || items < least) {
    throw new StockroomError(
      "input",
      "SHOP_TOO_SMALL",
      `Expected at least ${least} items per country, so that every code occurs, but received ${items}.`,
    );
  }
  if (!(noise >= 0 && noise <= 0.5)) {
    throw new StockroomError("input", "SHOP_BAD_NOISE", `Expected a noise of 0 to 0.5 but received ${noise}.`);
  }
}
