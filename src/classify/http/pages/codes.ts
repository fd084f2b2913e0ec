// Codes: what the codes of a scheme's version are called, for pages.

import type { Tx } from "../../../platform/database/contract.ts";
import type { Code } from "../../engine/schemes.ts";
import { findScheme } from "../../store/schemes.ts";

/** The codes of scheme versions, as their newest revision has them. */
export interface CodeBook {
  /** The codes an item may have, in the order of the rule book; undefined for a version nobody imported. */
  codes(scheme: string, version: string): readonly Code[] | undefined;
  /** The name of a code; "" when it has none. */
  name(scheme: string, version: string, code: string): string;
}

/** Reads the rule books named. */
export async function readCodeBook(tx: Tx, schemes: Iterable<string>): Promise<CodeBook> {
  const versions = new Map<string, readonly Code[]>();
  for (const scheme of new Set(schemes)) {
    const known = await findScheme(tx, scheme);
    for (const version of known?.scheme.versions ?? []) versions.set(JSON.stringify([scheme, version.version]), version.codes);
  }
  const find = (scheme: string, version: string): readonly Code[] | undefined => versions.get(JSON.stringify([scheme, version]));
  return {
    codes: (scheme, version) => find(scheme, version)?.filter((code) => code.heading === undefined),
    name: (scheme, version, code) => find(scheme, version)?.find((one) => one.code === code)?.name ?? "",
  };
}
