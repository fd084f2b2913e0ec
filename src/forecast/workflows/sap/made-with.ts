// Made with: whether a replica was made with the settings its source has now.

import { createHash } from "node:crypto";
import { makeAddress } from "./address.ts";
import type { ChangeKind } from "./changes.ts";
import { fieldsOf } from "./fold-job.ts";
import type { SapSource } from "./settings.ts";

type Source = Pick<SapSource, "url" | "client" | "set" | "filter" | "keys" | "columns">;

/** Names what says which rows and fields a replica holds: with others its changes would be put to rows that are not there. */
export function madeWith({ url, client, set, filter, keys, columns }: Source): string {
  const parts = [makeAddress({ url, client }).at(set), filter ?? "", keys.toSorted(), fieldsOf(keys, columns).toSorted()];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** Whether changes were taken for another kind than the settings say now. */
export const isOtherKind = (source: Pick<SapSource, "kind">, found: ChangeKind | null): boolean =>
  source.kind !== "auto" && (source.kind === "additive") !== (found === "additive");
