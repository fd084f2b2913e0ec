// Strict: whether a file has the domain's own columns, and is read as it stands. Any other is looked at (workflows/intake).

import { isStockroomError } from "../../../platform/errors.ts";
import { parseDateFormat } from "../../../platform/formats/dates.ts";
import { parseTimestamp } from "./fields.ts";
import { type InputFile, openInput } from "./open.ts";
import type { ReadInputsOptions } from "./options.ts";
import { domains, type InputKind, targetAliases } from "./schema.ts";
import { lookAt } from "./sniff.ts";

/**
 * Whether the file's columns are the domain's own: by name; or by place, where the values at those places fit. True as well for a file that cannot be
 * opened: reading it tells what is wrong. The file's body is used up.
 */
export async function isStrict(
  kind: InputKind,
  file: InputFile,
  {
    domain = "RETAIL",
    map = {},
    encoding,
    dateFormat,
    signal,
  }: Pick<ReadInputsOptions, "domain" | "map" | "encoding" | "dateFormat" | "signal">,
): Promise<boolean> {
  const format = dateFormat === undefined ? undefined : parseDateFormat(dateFormat);
  const parseTime = (text: string): number => (format === undefined ? parseTimestamp(text) : format.parse(text));
  const open = await openInput(file, { kind, domain, map, encoding, parseTime, onBadRow: () => undefined, signal }).catch(
    (thrown: unknown) => {
      if (!isStockroomError(thrown) || thrown.kind !== "input") throw thrown;
      return thrown.code === "INPUT_NO_HEADER" ? undefined : thrown;
    },
  );
  if (open === undefined) return false;
  if (isStockroomError(open)) return true;
  try {
    const names = domains[domain];
    const placeOf = (...wanted: readonly string[]): number =>
      open.table.columns.findIndex((column) => wanted.some((name) => column.trim().toLowerCase() === name.toLowerCase()));
    const item = placeOf(names.item);
    const time = kind === "metadata" ? 0 : placeOf("timestamp");
    const target = kind === "target" ? placeOf(names.target, ...(targetAliases[domain] ?? [])) : 0;
    if (item < 0 || time < 0 || target < 0) return false;
    if (kind === "metadata" || !open.byPlace) return true;
    // Named by their places: Amazon's way, as long as the values are what belongs there.
    const looks = lookAt(open.table.columns, open.sample);
    const [at, much] = [looks[time], looks[target]];
    const isTime = at !== undefined && (at.kind === "empty" || !Number.isNaN(parseTime(at.example)));
    return isTime && (kind !== "target" || much?.kind === "number" || much?.kind === "empty");
  } finally {
    await open.close();
  }
}
