// Tables: what all modules give to be asked by SQL, as one list.

import type { AnyModule } from "../module.ts";
import type { Actor } from "../vault/contract.ts";
import type { LakeTable } from "../warehouse/index.ts";

/**
 * Everything that can be asked of the modules. Of tables with one name the first stands; but one that is named by a user, which can also be
 * asked for by its schema, never hides another.
 */
export async function tablesOf(
  modules: readonly { readonly module: AnyModule; readonly parts: { readonly deps: unknown } }[],
  actor: Actor,
): Promise<readonly LakeTable[]> {
  const found: { readonly table: LakeTable; readonly id: string; readonly byUser: boolean }[] = [];
  for (const { module, parts } of modules) {
    const tables = (await module.tables?.(parts.deps, actor)) ?? [];
    const inSchema = new Set(tables.filter(({ schema }) => schema !== undefined).map(idOf));
    for (const table of tables) found.push({ table, id: idOf(table), byUser: inSchema.has(idOf(table)) });
  }
  const stands = new Map<string, LakeTable>();
  for (const { table, id } of found.toSorted((a, b) => Number(a.byUser) - Number(b.byUser))) {
    if (table.schema === undefined && !stands.has(id)) stands.set(id, table);
  }
  return found.flatMap(({ table, id }) => (table.schema !== undefined || stands.get(id) === table ? [table] : []));
}

const idOf = ({ name }: LakeTable): string => name.toLowerCase();
