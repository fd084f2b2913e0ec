// Dialects: what PostgreSQL and Redshift call our types, how rows come to them, how our names and values are said to them.
//
//   D1. A name that the database would cut or that it keeps for itself is given one of its own, always the same: `beginning_1a2b3c4d`.
//   D2. A value that it cannot hold is refused with its table and column, never changed in silence. Zero bytes in text are left out.

import { createHash } from "node:crypto";
import type { Client } from "pg";
import { StockroomError } from "../errors.ts";
import type { AnswerCell, LakeColumn, LakeType } from "../warehouse/index.ts";

/** A column of ours as it is called there. */
export interface TargetColumn extends LakeColumn {
  /** Ours. */
  readonly from: string;
}

type Rows = readonly (readonly AnswerCell[])[];

export interface Dialect {
  readonly name: "PostgreSQL" | "Redshift";
  readonly mostNameBytes: number;
  /** How names are compared and listed there. */
  keyOf(name: string): string;
  /** Keeps other writers out and lets readers in, where the database has such a lock. */
  readonly lockMode: string;
  /** Said at the beginning of a connection. */
  settings(lockTimeoutMs: number): readonly string[];
  readonly types: Readonly<Record<LakeType, string>>;
  readonly mostTextBytes: number;
  load(client: Client, table: string, columns: readonly TargetColumn[], rows: readonly (readonly (string | null)[])[]): Promise<void>;
}

/** Values of one statement; PostgreSQL takes 65,535 parameters, Redshift 32,767. */
const mostParameters = 30_000;

export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export const postgres: Dialect = {
  name: "PostgreSQL",
  mostNameBytes: 63,
  keyOf: (name) => name,
  lockMode: "in exclusive mode",
  // Whoever waits for a table holds up those who come after; a reader that never ends must not stop the others.
  settings: (lockTimeoutMs) => [`set lock_timeout = ${lockTimeoutMs}`],
  types: { text: "text", number: "double precision", timestamp: "timestamp", date: "date" },
  mostTextBytes: 2 ** 30 - 1_024,
  // A parameter a column, an array of its values each.
  load: async (client, table, columns, rows) => {
    const arrays = columns.map(({ type }, index) => `$${index + 1}::${postgres.types[type]}[]`);
    const values = columns.map((_, index) => rows.map((row) => row[index] ?? null));
    await client.query(`insert into ${table} select * from unnest(${arrays.join(", ")})`, values);
  },
};

export const redshift: Dialect = {
  name: "Redshift",
  mostNameBytes: 127,
  // It keeps names in small letters, quoted or not.
  keyOf: (name) => name.toLowerCase(),
  lockMode: "",
  settings: () => [],
  // Its `text` has 256 bytes.
  types: { ...postgres.types, text: "varchar(65535)" },
  mostTextBytes: 65_535,
  load: async (client, table, columns, rows) => {
    const most = Math.max(1, Math.floor(mostParameters / columns.length));
    for (let from = 0; from < rows.length; from += most) {
      const some = rows.slice(from, from + most);
      const places = some.map(
        (_, row) => `(${columns.map(({ type }, index) => `$${row * columns.length + index + 1}::${redshift.types[type]}`).join(", ")})`,
      );
      await client.query(
        `insert into ${table} values ${places.join(", ")}`,
        some.flatMap((row) => columns.map((_, index) => row[index] ?? null)),
      );
    }
  },
};

/** Columns that every table of PostgreSQL has, and of Redshift too. */
const ofTheSystem = new Set(["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "oid", "deletexid", "insertxid"]);

/** A name of ours as it is called there (D1). */
export function nameThere(name: string, { mostNameBytes }: Dialect): string {
  const plain = name.replaceAll("\0", "");
  const fits = plain === name && plain !== "" && Buffer.byteLength(plain) <= mostNameBytes;
  if (fits && !ofTheSystem.has(plain.toLowerCase())) return plain;
  const mark = createHash("sha256").update(name).digest("hex").slice(0, 8);
  let begin = plain;
  while (Buffer.byteLength(begin) > mostNameBytes - mark.length - 1) begin = Array.from(begin).slice(0, -1).join("");
  return `${begin}_${mark}`;
}

/** Columns with their names there. Throws `conflict` `PUBLISH_NAME` for two that are one there. */
export function columnsThere(table: string, columns: readonly LakeColumn[], dialect: Dialect): readonly TargetColumn[] {
  const found = columns.map(({ name, type }) => ({ name: nameThere(name, dialect), type, from: name }));
  const seen = new Map<string, string>();
  for (const { name, from } of found) {
    const other = seen.get(dialect.keyOf(name));
    if (other !== undefined) {
      throw new StockroomError(
        "conflict",
        "PUBLISH_NAME",
        `Expected columns of ${table} with names that ${dialect.name} tells apart but "${other}" and "${from}" are one there. Rename one of them in the files that it comes from.`,
        { facts: { table, column: from, other } },
      );
    }
    seen.set(dialect.keyOf(name), from);
  }
  return found;
}

/** Rows as both databases take them: text, or NULL. Throws `conflict` `PUBLISH_VALUE` (D2). */
export function valuesThere(table: string, columns: readonly TargetColumn[], rows: Rows, dialect: Dialect): (string | null)[][] {
  return rows.map((row) => columns.map((column, index) => valueThere(row[index] ?? null, table, column, dialect)));
}

function valueThere(cell: AnswerCell, table: string, { type, from }: TargetColumn, dialect: Dialect): string | null {
  if (cell === null) return null;
  const text = typeof cell === "object" ? JSON.stringify(cell) : String(cell);
  if (type === "timestamp" || type === "date") {
    const made = momentThere(text, type);
    if (made !== undefined) return made;
    throw badValue(table, from, `a ${type} from 4713 BC to ${lastYear[type]}`, text.slice(0, 60), dialect);
  }
  const plain = text.replaceAll("\0", "");
  // A letter is at most three bytes of UTF-8 for each of a string's own units.
  if (plain.length * 3 > dialect.mostTextBytes && Buffer.byteLength(plain) > dialect.mostTextBytes) {
    throw badValue(table, from, `text of at most ${dialect.mostTextBytes} bytes`, `one of ${Buffer.byteLength(plain)}`, dialect);
  }
  return plain;
}

const firstYear = -4_712;
const lastYear = { timestamp: 294_276, date: 5_874_897 } as const;

/** ISO 8601 with its signed years as PostgreSQL reads it; undefined for what it cannot hold. */
function momentThere(text: string, type: "timestamp" | "date"): string | undefined {
  if (text === "infinity" || text === "-infinity") return text;
  const [, sign = "", digits = "", rest = ""] = /^([+-]?)(\d{4,7})(-\d\d-\d\d(?:[T ].*)?)$/.exec(text) ?? [];
  if (digits === "") return undefined;
  const year = Number(digits) * (sign === "-" ? -1 : 1);
  if (year < firstYear || year > lastYear[type]) return undefined;
  if (year > 0) return `${digits.replace(/^0+(?=\d{4})/, "")}${rest}`;
  return `${String(1 - year).padStart(4, "0")}${rest.replace("T", " ")} BC`;
}

function badValue(table: string, column: string, expected: string, came: string, { name }: Dialect): StockroomError {
  return new StockroomError(
    "conflict",
    "PUBLISH_VALUE",
    `Expected ${expected} in the column ${column} of ${table}, as ${name} can hold, but there is ${came}. Correct the file that it comes from; until then the table stays as it was.`,
    { facts: { table, column } },
  );
}
