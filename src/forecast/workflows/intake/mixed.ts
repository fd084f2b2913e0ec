// Mixed: amounts that must not be added up: of several currencies, units or measures, or what was planned beside what was sold.
//
// Owns: the question about them. Does not own: the choice of the demand (proposal.ts). Nobody is asked what a person said, or forecasts by.

import { rankOfName, wordsOfName } from "../../../platform/intake/names.ts";
import type { ColumnProfile, FileProfile } from "../../../platform/intake/profile.ts";
import { isUnknown } from "../../../platform/intake/values.ts";
import { asideWords, demandNames, knownNames, stockNames } from "./names.ts";
import type { GivenIntake, Question } from "./contract.ts";

const currencyNames = /(?:^| )(?:currency|currency code|curr|ccy|wahrung|waers|devise|moneda|divisa|valuta|moeda|waluta)(?: |$)/;
const unitNames =
  /^(?:me|eme|uom|um|unit|unit of measure|units of measure|einheit|mengeneinheit|basismengeneinheit|verkaufseinheit|unite|unidad|unita|eenheid|enhet|jednostka|jm)$/;
const scenarioWords =
  /^(?:actuals?|ist|istwert|reell?|real|realise|budget|plan|planned|forecast|prognose|target|soll|ziel|prior year|previous year|last year|ly|vorjahr)$/;
const firstWords = /^(?:actuals?|ist|istwert|real|realise)$/;

/** Values that are too rare to be more than slips. */
const rare = 0.02;
/** With more values a column names something else. */
const mostValues = 12;

interface Mixing {
  readonly profile: FileProfile;
  readonly given: GivenIntake;
  readonly demand: ColumnProfile | undefined;
  /** The column that says whether there was stock: its words tell of the shelf, not of what is measured. */
  readonly stock: ColumnProfile | undefined;
  /** Whether a column says of an item the same in every row. */
  readonly followsItem: (column: ColumnProfile) => boolean;
}

/** The question about amounts of several kinds; none where they are of one, or a person said what to do. */
export function mixedQuestions({ profile, given, demand, stock, followsItem }: Mixing): readonly Question[] {
  if (demand === undefined || given.exact === true) return [];
  const inCells = currenciesIn(profile, demand);
  const isSaid = Object.entries(given.map ?? {}).some(([name, to]) => name === demand.name && to !== "");
  if (inCells.length > 1 && !isSaid) {
    return [
      {
        about: "demand",
        text: `"${demand.name}" holds amounts in ${inCells.join(" and ")}: added up they mean nothing. Which column says how much was sold?`,
        answers: ["--map COLUMN=demand", "--count"],
      },
    ];
  }
  const money = isMoney(profile, demand);
  for (const column of profile.columns) {
    const isTaken =
      column === demand ||
      column === stock ||
      given.dimensions?.includes(column.name) === true ||
      given.without?.includes(column.name) === true;
    if (isTaken || column.kind !== "text" || column.many || column.distinct > mostValues) continue;
    const values = valuesOf(profile, column);
    if (values.length < 2 || Object.keys(given.map ?? {}).includes(column.name)) continue;
    const words = wordsOfName(column.name);
    const why = currencyNames.test(words)
      ? money && "currencies"
      : unitNames.test(words)
        ? !money && !followsItem(column) && "units"
        : areMeasures(values) && "measures";
    if (why === false) continue;
    const [first = ""] = values.toSorted((a, b) => Number(firstWords.test(wordsOfName(b))) - Number(firstWords.test(wordsOfName(a))));
    return [
      {
        about: "demand",
        text: `"${demand.name}" holds amounts of several ${why} (${values.slice(0, 5).join(", ")} in "${column.name}"): added up they mean nothing. Which of them count?`,
        answers: [
          `--where "${column.name}=${first}"`,
          ...values.filter((value) => value !== first).map((value) => `--where "${column.name}=${value}"`),
          `--dimensions "${column.name}"`,
        ].slice(0, 6),
      },
    ];
  }
  return [];
}

/** The values of a column that are more than slips, the most frequent first. */
function valuesOf({ sample }: FileProfile, { place }: ColumnProfile): readonly string[] {
  const counts = new Map<string, number>();
  for (const row of sample) {
    const text = (row[place] ?? "").trim();
    if (!isUnknown(text)) counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count >= rare * sample.length)
    .toSorted((a, b) => b[1] - a[1])
    .map(([text]) => text);
}

/** Whether values name what is measured, or whether it was planned. */
const areMeasures = (values: readonly string[]): boolean =>
  values.filter((value) => {
    const words = wordsOfName(value);
    return scenarioWords.test(words) || asideWords.test(words) || [demandNames, knownNames, stockNames].some((lists) => isIn(value, lists));
  }).length >= Math.max(2, 0.5 * values.length);

const isIn = (name: string, lists: readonly (readonly string[])[]): boolean => (rankOfName(name, lists) ?? lists.length) < lists.length;

/** The last list of names is of money. */
const isMoney = (profile: FileProfile, demand: ColumnProfile): boolean =>
  (rankOfName(demand.name, demandNames) ?? 0) % demandNames.length === demandNames.length - 1 || currenciesIn(profile, demand).length > 0;

const currency = /(?:^|[\d\s(-])([€$£¥₹₽₺]|[A-Z]{3}|Kč|zł|kr)(?=$|[\d\s).-])/u;

/** Currencies that stand with the numbers of a column. */
function currenciesIn({ sample }: FileProfile, { place }: ColumnProfile): readonly string[] {
  const counts = new Map<string, number>();
  for (const row of sample) {
    const found = currency.exec((row[place] ?? "").trim())?.[1];
    if (found !== undefined) counts.set(found, (counts.get(found) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count >= rare * sample.length).map(([text]) => text);
}
