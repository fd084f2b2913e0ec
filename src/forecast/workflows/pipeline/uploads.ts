// Uploads: which dataset group a file belongs to, and as what.

import { tableFormats } from "../../../platform/formats/index.ts";
import { StockroomError } from "../../../platform/errors.ts";
import type { InputKind } from "../inputs/schema.ts";
import { packedEndings, prefixes } from "../../store/keys.ts";

/** What a file of a group is: one of its datasets, or its events, which need none. */
export type UploadKind = InputKind | "events";

export interface Upload {
  readonly group: string;
  readonly kind: UploadKind;
}

/**
 * Reads a key such as `forecast/train/2026/retail.related.csv.gz`: group `retail`, its related series. The stem up to the first dot names the group.
 *
 * Throws `input` `FORECAST_UPLOAD_NAME`.
 */
export function parseUpload(key: string): Upload {
  const name = key.startsWith(prefixes.train) ? (key.split("/").at(-1) ?? "") : "";
  const [group = "", ...rest] = name.split(".");
  const ends = rest.at(-1) === "gz" ? rest.slice(0, -1) : rest;
  const format = ends.at(-1) ?? "";
  const kind = ends.length === 1 ? "target" : ends.length === 2 ? ends[0] : undefined;
  const isPacked = kind !== "events" && packedEndings.some((each) => each === rest.at(-1));
  if (
    /^[A-Za-z][A-Za-z0-9_-]*$/.test(group) &&
    (isPacked || tableFormats.some((each) => each === format)) &&
    (kind === "target" || kind === "related" || kind === "metadata" || kind === "events")
  ) {
    return { group, kind };
  }
  throw new StockroomError(
    "input",
    "FORECAST_UPLOAD_NAME",
    `Expected a name such as ${prefixes.train}retail.csv, retail.related.csv, retail.metadata.csv or retail.events.csv (also ${tableFormats.slice(1).join(", ")}, each also .gz, and ${packedEndings.join(", ")}; the group begins with a letter and has letters, digits, - and _) but received ${key}. Put the file under such a name.`,
    { facts: { key } },
  );
}

/** The same, without an error for a name that is no upload's. */
export function findUpload(key: string): Upload | undefined {
  try {
    return parseUpload(key);
  } catch {
    return undefined;
  }
}
