// Awaited: the keys under which objects are of use to this module; subscriptions and the hints of uploads are made of them.

import type { Hole, KeyPattern } from "../../platform/objects/awaited.ts";
import { tableEndings } from "../../platform/formats/index.ts";
import { prefixes } from "../engine/words.ts";

const country: Hole = { name: "country, such as GBR", fits: /^[A-Z]{2,3}$/, repair: (text) => text.toUpperCase() };

const period: Hole = {
  name: "period, such as 2026-10",
  fits: /^\d{4}-(0[1-9]|1[0-2])$/,
  repair: (text) =>
    text.replace(
      /^(\d{4})\D?(\d{1,2})\D.*$|^(\d{4})\D?(\d{1,2})$/,
      (_, y1, m1, y2, m2) => `${y1 ?? y2}-${String(m1 ?? m2).padStart(2, "0")}`,
    ),
};

const file: Hole = { name: "name", fits: /^[^/]+$/ };

/** As the reader of tables knows them; without an ending the bytes tell. */
const tables: readonly string[] = [...tableEndings, ""];

export const awaited = {
  labelled: { keys: `${prefixes.labelled}.../{file}.{ending}`, holes: { file }, endings: tables, anyCase: true },
  sales: { keys: `${prefixes.sales}{period}/{country}.{ending}`, holes: { period, country }, endings: tables, anyCase: true },
  salesParts: {
    keys: `${prefixes.sales}{period}/{country}/.../{file}.{ending}`,
    holes: { period, country, file },
    endings: tables,
    anyCase: true,
  },
  schemes: {
    keys: `${prefixes.schemes}.../{file}.{ending}`,
    holes: { file },
    endings: ["yaml", "yml", "json", ...tableEndings],
    anyCase: true,
  },
} as const satisfies Readonly<Record<string, KeyPattern>>;
