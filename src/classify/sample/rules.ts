// The rule books of the sample shop: eight countries, two fictional schemes each, as dated data.
//
// Owns: which code a kind of goods has, in which version. Does not own: the words (words.ts), the rows (shop.ts).
//   R1. A code is a function of (scheme version, kind) and nothing else: every row's true code can be computed.
//   R2. The versions of a scheme meet without gap or overlap; a mapping leads from each version to the next and names every old code.
//   R3. None of these schemes is law anywhere. They copy what makes real ones hard: splits, merges, moves, sub-codes, parents.

import { kinds, type Department, type Kind, type Language, type Stream, streams } from "./words.ts";

export interface SchemeCode {
  readonly code: string;
  readonly name: string;
  readonly parent?: string;
  /** Only gathers its children; no item has it. */
  readonly heading?: true;
}

export interface SchemeVersion {
  readonly version: string;
  /** First and last day, ISO. */
  readonly valid_from: string;
  readonly valid_to?: string;
  readonly codes: readonly SchemeCode[];
}

/** The scheme file as the app imports it; see docs/reference/classify-data.md. */
export interface SchemeFile {
  readonly scheme: string;
  /** ISO 3166 alpha-3, or `*` for a scheme used in several countries. */
  readonly country: string;
  readonly versions: readonly SchemeVersion[];
  readonly mappings: readonly {
    readonly from: string;
    readonly to: string;
    readonly codes: readonly { readonly from: string; readonly to: readonly string[] }[];
  }[];
}

export interface ShopCountry {
  readonly code: string;
  /** Languages of its titles with their shares, which add up to 1. */
  readonly languages: readonly (readonly [Language, number])[];
  /** Share of labels that name a wrong code. */
  readonly noise: number;
  /** Share of items without a title: whoever fed the till was in a hurry. */
  readonly untitled: number;
}

export const shopCountries: readonly ShopCountry[] = [
  {
    code: "BEL",
    languages: [
      ["nl", 0.5],
      ["fr", 0.45],
      ["en", 0.05],
    ],
    noise: 0.035,
    untitled: 0.12,
  },
  {
    code: "DEU",
    languages: [
      ["de", 0.93],
      ["en", 0.07],
    ],
    noise: 0.02,
    untitled: 0.05,
  },
  {
    code: "DNK",
    languages: [
      ["da", 0.9],
      ["de", 0.05],
      ["en", 0.05],
    ],
    noise: 0.025,
    untitled: 0.08,
  },
  {
    code: "ESP",
    languages: [
      ["es", 0.95],
      ["en", 0.05],
    ],
    noise: 0.03,
    untitled: 0.1,
  },
  {
    code: "GBR",
    languages: [
      ["en", 0.96],
      ["pl", 0.04],
    ],
    noise: 0.025,
    untitled: 0.2,
  },
  {
    code: "ITA",
    languages: [
      ["it", 0.94],
      ["de", 0.06],
    ],
    noise: 0.04,
    untitled: 0.1,
  },
  {
    code: "JPN",
    languages: [
      ["ja", 0.92],
      ["en", 0.08],
    ],
    noise: 0.02,
    untitled: 0.06,
  },
  {
    code: "POL",
    languages: [
      ["pl", 0.92],
      ["en", 0.05],
      ["de", 0.03],
    ],
    noise: 0.03,
    untitled: 0.1,
  },
];

type CodeOf = (kind: Kind) => string;

interface Draft {
  /** Its first year; a later version is named after the day it begins. */
  readonly version: string;
  readonly codeOf: CodeOf;
  readonly names: Readonly<Record<string, string>>;
  readonly parents?: Readonly<Record<string, string>>;
}

/** A scheme with what the file does not say: the true code of each kind, index-aligned with `kinds`, per version. */
export interface RuleBook {
  readonly file: SchemeFile;
  readonly truth: readonly (readonly string[])[];
}

const byStream =
  (codes: Readonly<Record<Stream, string>>): CodeOf =>
  (kind) =>
    codes[kind.stream];
const byDepartment =
  (codes: Readonly<Record<Department, string>>): CodeOf =>
  (kind) =>
    codes[kind.department];

const streamNames = (codes: Readonly<Record<Stream, string>>): Record<string, string> => {
  const names: Record<Stream, string> = {
    cold: "Goods that move heat with a fluid",
    screen: "Screens and goods with a large screen",
    light: "Light sources",
    large: "Large equipment",
    small: "Small equipment",
    it: "Small information technology",
    cell: "Batteries",
    out: "Outside the scheme",
  };
  const joined: Record<string, string> = {};
  for (const stream of streams) {
    const code = codes[stream];
    joined[code] = joined[code] === undefined ? names[stream] : `${joined[code]}; ${names[stream].toLowerCase()}`;
  }
  return joined;
};

const six = { cold: "S1", screen: "S2", light: "S3", large: "S4", small: "S5", it: "S6", cell: "SB", out: "S0" } as const;

const deuNames = streamNames(six);
const deuFirst: Draft = { version: "2022", codeOf: byStream(six), names: deuNames };
/** A split: small equipment is reported apart when a cell is inside. */
const deuNext: Draft = {
  version: "next",
  codeOf: (kind) => (kind.stream === "small" ? (kind.battery ? "S5A" : "S5M") : six[kind.stream]),
  names: { ...deuNames, S5A: "Small equipment with a battery inside", S5M: "Small equipment on the mains only" },
  parents: { S5A: "S5", S5M: "S5" },
};

const ten: Readonly<Record<Department, string>> = {
  big: "1",
  comfort: "1",
  kitchen: "2",
  home: "2",
  care: "2",
  it: "3",
  av: "4",
  lighting: "5",
  tools: "6",
  play: "7",
  extra: "9",
  other: "0",
};
const tenNames = {
  "0": "No equipment",
  "1": "Household, large and climate",
  "2": "Household, small",
  "3": "Information technology",
  "4": "Sound and image",
  "5": "Lighting",
  "6": "Tools",
  "7": "Toys, leisure and sports",
  "9": "Parts and accessories",
};
const gbrCode: CodeOf = (kind) => (kind.stream === "out" ? "0" : ten[kind.department]);
const gbrFirst: Draft = { version: "2019", codeOf: gbrCode, names: tenNames };
/** A sub-code: what carries a rider by battery leaves category 7. */
const gbrNext: Draft = {
  version: "next",
  codeOf: (kind) => (kind.key === "scooter" || kind.key === "ebike" ? "7.1" : gbrCode(kind)),
  names: { ...tenNames, "7.1": "Light electric vehicles" },
  parents: { "7.1": "7" },
};

const group = { cold: "G1", screen: "G3", light: "G5", large: "G2", small: "G4", it: "G4", cell: "G6", out: "G0" } as const;
const itaNames = streamNames(group);
const itaFirst: Draft = { version: "2020", codeOf: byStream(group), names: itaNames };
/** A move: dryers count as heat-moving goods from now on. */
const itaNext: Draft = { version: "next", codeOf: (kind) => (kind.key === "tumbledryer" ? "G1" : group[kind.stream]), names: itaNames };

const bel = { cold: "KV", screen: "TVM", light: "LMP", large: "GW", small: "AND", it: "ICT", cell: "BAT", out: "NVT" } as const;
const belFirst: Draft = { version: "2018", codeOf: byStream(bel), names: streamNames(bel) };
/** A merge: information technology joins the rest. */
const belMerged = { ...bel, it: "AND" } as const;
const belNext: Draft = { version: "next", codeOf: byStream(belMerged), names: streamNames(belMerged) };

const esp = { cold: "11", screen: "21", light: "31", large: "41", small: "51", it: "61", cell: "71", out: "00" } as const;
const pol = { cold: "P1", screen: "P2", light: "P3", large: "P4", small: "P5", it: "P6", cell: "P7", out: "P0" } as const;
const dnk: Readonly<Record<Department, string>> = {
  big: "HV",
  comfort: "KL",
  kitchen: "KK",
  home: "HJ",
  it: "IT",
  av: "LB",
  lighting: "LY",
  tools: "VK",
  play: "LF",
  care: "PL",
  extra: "TB",
  other: "UD",
};
const dnkNames = {
  HV: "White goods",
  KL: "Climate",
  KK: "Kitchen",
  HJ: "Home",
  IT: "Information technology",
  LB: "Sound and image",
  LY: "Lighting",
  VK: "Tools",
  LF: "Leisure",
  PL: "Care",
  TB: "Accessories",
  UD: "Outside the scheme",
};
/** Air, cold stores, screens and laundry by kind; all else by weight. */
const jpnCode: CodeOf = (kind) => {
  if (kind.stream === "out") return "J-0";
  if (kind.stream === "cell") return "J-D";
  if (kind.stream === "cold") return kind.department === "comfort" ? "J-A1" : "J-A2";
  if (kind.key === "tv") return "J-B";
  if (kind.key === "washer" || kind.key === "tumbledryer") return "J-C";
  return kind.kg >= 10 ? "J-E1" : "J-E2";
};
const jpnNames = {
  "J-A1": "Air treatment",
  "J-A2": "Cold stores",
  "J-B": "Television sets",
  "J-C": "Laundry machines",
  "J-D": "Cells",
  "J-E1": "Other goods from 10 kg",
  "J-E2": "Other goods below 10 kg",
  "J-0": "Outside the scheme",
};
const jpnParents = { "J-A1": "J-A", "J-A2": "J-A", "J-E1": "J-E", "J-E2": "J-E" };

const wasteDrafts: Readonly<Record<string, readonly Draft[]>> = {
  BEL: [belFirst, belNext],
  DEU: [deuFirst, deuNext],
  DNK: [{ version: "2021", codeOf: byDepartment(dnk), names: dnkNames }],
  ESP: [{ version: "2020", codeOf: byStream(esp), names: streamNames(esp) }],
  GBR: [gbrFirst, gbrNext],
  ITA: [itaFirst, itaNext],
  JPN: [{ version: "2013", codeOf: jpnCode, names: { ...jpnNames, "J-A": "Cooling and air", "J-E": "Other goods" }, parents: jpnParents }],
  POL: [{ version: "2020", codeOf: byStream(pol), names: streamNames(pol) }],
};

const chapters: Readonly<Record<string, string>> = {
  "71": "Cooling, air and laundry machines",
  "72": "Kitchen machines",
  "73": "Machines for the home",
  "74": "Information technology",
  "75": "Sound, image and games",
  "76": "Light",
  "77": "Tools",
  "78": "Toys and light vehicles",
  "79": "Care of the body",
  "80": "Parts, supplies and accessories",
  "90": "Other goods",
};

/** Customs: six digits in half of the countries, the four-digit heading in the others. */
function customsDraft(country: string): Draft {
  const fine = ["DEU", "GBR", "ITA", "JPN"].includes(country);
  const codeOf: CodeOf = (kind) => (fine ? kind.heading : kind.heading.slice(0, 4));
  const names: Record<string, string> = {};
  const parents: Record<string, string> = {};
  for (const kind of kinds) {
    const heading = kind.heading.slice(0, 4);
    const chapter = kind.heading.slice(0, 2);
    names[chapter] = chapters[chapter] ?? chapter;
    names[heading] = names[heading] === undefined ? `Of heading ${heading}: ${kind.names.en[0]?.replace(/[{}]/g, "")}` : names[heading];
    parents[heading] = chapter;
    if (!fine) continue;
    const name = (kind.names.en[0] ?? kind.key).replace(/[{}]/g, "");
    names[kind.heading] = names[kind.heading] === undefined ? name : `${names[kind.heading]}, ${name}`;
    parents[kind.heading] = heading;
  }
  return { version: "2022", codeOf, names, parents };
}

const dayMs = 86_400_000;
const dayBefore = (day: string): string => new Date(Date.parse(day) - dayMs).toISOString().slice(0, 10);

function bind(scheme: string, country: string, plans: readonly Draft[], changeDay: string): RuleBook {
  const drafts = plans.map((plan, i) => (i === 0 ? plan : { ...plan, version: changeDay }));
  const truth = drafts.map((draft) => kinds.map(draft.codeOf));
  const used = truth.map((codes) => new Set(codes));
  const versions = drafts.map((draft, i): SchemeVersion => {
    const parents = draft.parents ?? {};
    const listed = new Set(used[i]);
    for (const code of listed) if (parents[code] !== undefined) listed.add(parents[code]);
    return {
      version: draft.version,
      valid_from: i === 0 ? `${draft.version}-01-01` : changeDay,
      ...(i < drafts.length - 1 ? { valid_to: dayBefore(changeDay) } : {}),
      codes: [...listed].sort().map((code) => {
        const parent = parents[code];
        const isUsed = used[i].has(code);
        return { code, name: draft.names[code] ?? code, ...(parent === undefined ? {} : { parent }), ...(isUsed ? {} : { heading: true }) };
      }),
    };
  });
  const mappings = drafts.slice(1).map((draft, i) => {
    const old = truth[i] ?? [];
    const now = truth[i + 1] ?? [];
    const leads = new Map<string, Set<string>>();
    old.forEach((code, k) => leads.set(code, (leads.get(code) ?? new Set<string>()).add(now[k] ?? code)));
    return {
      from: drafts[i]?.version ?? "",
      to: draft.version,
      codes: [...leads].sort(([a], [b]) => (a < b ? -1 : 1)).map(([from, to]) => ({ from, to: [...to].sort() })),
    };
  });
  return { file: { scheme, country, versions, mappings }, truth };
}

/** The two rule books of a country: `XXX-WASTE`, in some countries with a new version from `changeDay` on, and `XXX-CUSTOMS`. */
export function ruleBooks(country: string, changeDay: string): readonly RuleBook[] {
  return [
    bind(`${country}-WASTE`, country, wasteDrafts[country] ?? [], changeDay),
    bind(`${country}-CUSTOMS`, country, [customsDraft(country)], changeDay),
  ];
}
