// Zones: which part of the store a key belongs to.

import { StockroomError } from "../errors.ts";
import type { Zone } from "./contract.ts";

export interface Zones {
  /** The zone with the longest prefix that `key` begins with. Throws `VAULT_NO_ZONE` (input). */
  of(key: string): Zone;
  readonly names: readonly string[];
  /** Throws `VAULT_UNKNOWN_ZONE` (input). */
  check(zone: string): void;
}

/** Throws `VAULT_BAD_ZONES` (input) for names or prefixes that are not distinct. */
export function makeZones(zones: readonly Zone[]): Zones {
  checkZones(zones);
  const names = zones.map(({ name }) => name);
  return {
    names,
    check: (zone) => {
      if (names.includes(zone)) return;
      throw new StockroomError(
        "input",
        "VAULT_UNKNOWN_ZONE",
        `Expected one of the zones ${names.join(", ")} but received "${zone}". Check its spelling.`,
        { facts: { zone } },
      );
    },
    of: (key) => {
      let found: Zone | undefined;
      let length = -1;
      for (const zone of zones) {
        for (const prefix of zone.prefixes) {
          if (prefix.length > length && key.startsWith(prefix)) {
            found = zone;
            length = prefix.length;
          }
        }
      }
      if (found !== undefined) return found;
      const prefixes = zones.flatMap((zone) => zone.prefixes).toSorted();
      throw new StockroomError(
        "input",
        "VAULT_NO_ZONE",
        `Expected a key that begins with one of ${prefixes.join(", ")} but received "${key}". Choose the part of the store it belongs to.`,
        { facts: { key } },
      );
    },
  };
}

const badZones = (detail: string): StockroomError =>
  new StockroomError(
    "input",
    "VAULT_BAD_ZONES",
    `Expected zones with names and prefixes of their own but ${detail}. Correct the module that declares it.`,
  );

function checkZones(zones: readonly Zone[]): void {
  const names = new Set<string>();
  const prefixes = new Set<string>();
  for (const zone of zones) {
    if (!/^[a-z][a-z0-9-]*$/.test(zone.name)) throw badZones(`"${zone.name}" is not lower-case letters, digits and dashes`);
    if (names.has(zone.name)) throw badZones(`"${zone.name}" is declared twice`);
    names.add(zone.name);
    for (const prefix of zone.prefixes) {
      if (prefixes.has(prefix)) throw badZones(`the prefix "${prefix}" is claimed twice`);
      prefixes.add(prefix);
    }
  }
}
