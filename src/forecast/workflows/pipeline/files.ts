// Files: what lies in the store for a group to be forecast from.

import { type InputRefs } from "../../store/runs.ts";
import { type ObjectRef, prefixes } from "../../store/keys.ts";
import type { InputKind } from "../inputs/schema.ts";
import type { ForecastDeps } from "../deps.ts";
import type { Recipe } from "./recipe.ts";
import { findUpload, type UploadKind } from "./uploads.ts";

export const datasetKinds: readonly InputKind[] = ["target", "related", "metadata"];
export const fileKinds: readonly UploadKind[] = [...datasetKinds, "events"];

export interface GroupFiles {
  readonly inputs: InputRefs;
  /** Kinds of files that are there and that the settings have no dataset for. */
  readonly unread: readonly Exclude<InputKind, "target">[];
}

/** The newest file of each kind, of the group's own or of the group it takes them from; and the kinds that lie there in vain. */
export async function findInputs(deps: Pick<ForecastDeps, "objects">, recipe: Recipe): Promise<GroupFiles> {
  const found: { [kind in UploadKind]?: ObjectRef & { readonly sha256: string } } = {};
  const unread = new Set<Exclude<InputKind, "target">>();
  for (const entry of await deps.objects.list(prefixes.train, { limit: 1_000_000 })) {
    const upload = findUpload(entry.key);
    if (upload === undefined || upload.group !== recipe.filesOf) continue;
    // A file of a kind the settings have no dataset for is none of theirs.
    if (upload.kind !== "target" && upload.kind !== "events" && recipe.datasets[upload.kind] === undefined) {
      unread.add(upload.kind);
      continue;
    }
    const known = found[upload.kind];
    if (known === undefined || known.version < entry.version)
      found[upload.kind] = { key: entry.key, version: entry.version, sha256: entry.sha256 };
  }
  return { inputs: found, unread: [...unread] };
}
