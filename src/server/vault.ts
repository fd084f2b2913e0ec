// Keys, grants and uses over HTTP; what the settings and the home are, and how the home grows.

import type { FastifyInstance } from "fastify";
import { describeConfig } from "../platform/config/index.ts";
import { StockroomError } from "../platform/errors.ts";
import { cursorsOf } from "../platform/web/paging.ts";
import { serve } from "../platform/web/route.ts";
import * as routes from "./contract.ts";
import type { ServerDeps } from "./deps.ts";
import { freeSpaceOf } from "../platform/objects/disk.ts";
import { bytesByDay, bytesByZone } from "../platform/objects/growth.ts";
import { listWorkers } from "../platform/workflow/index.ts";

const useCursors = cursorsOf("key uses", "whole");
const dayMs = 86_400_000;

export function mountVault(server: FastifyInstance, { vault }: ServerDeps): void {
  serve(server, routes.listKeys, async () => ({ keys: await vault.keys() }));
  serve(server, routes.rotateKey, async ({ params: { zone } }) => ({ zone, version: await vault.rotate(zone) }));
  serve(server, routes.listGrants, async () => ({ grants: await vault.grants() }));
  serve(server, routes.allowGrant, async ({ params }) => {
    await vault.setGrant(params, true);
    return { ...params, allowed: true };
  });
  serve(server, routes.denyGrant, async ({ params }) => {
    await vault.setGrant(params, false);
    return { ...params, allowed: false };
  });
  serve(server, routes.listUses, async ({ query: { cursor, limit, ...query } }) => {
    const after = useCursors.read(cursor)?.[0];
    const found = await vault.uses({ ...query, after: after === undefined ? undefined : Number(after), limit: limit + 1 });
    const keyed = found.map((row) => ({ row, key: [String(row.id)] }));
    const { rows: uses, ...more } = useCursors.page(keyed, limit);
    return { uses, ...more };
  });
}

export function mountPlace(
  server: FastifyInstance,
  { config, home, database, clock }: ServerDeps,
  { version, modules }: { readonly version: string; readonly modules: readonly string[] },
): void {
  serve(server, routes.listSettings, () => {
    if (config === undefined) throw unknownHere("settings");
    return { settings: describeConfig(config).map(({ origin, ...row }) => ({ ...row, origin: { ...origin } })), warnings: config.warnings };
  });
  serve(server, routes.getGrowth, async ({ query: { days } }) => {
    const since = new Date(Math.floor(clock.now() / dayMs - days + 1) * dayMs).toISOString();
    const [base] = await database.query<{ bytes: number }>("select pg_database_size(current_database())::float8 as bytes");
    const folders =
      config === undefined ? [] : [config.values.home, ...(config.values.objects.driver === "folder" ? [config.values.objects.root] : [])];
    return {
      workers: await listWorkers(database),
      zones: await bytesByZone(database),
      since,
      days: await bytesByDay(database, since),
      database: { bytes: base?.bytes ?? 0 },
      disks: (await freeSpaceOf(folders)).map(({ folder, free, size }) => ({ folder, free, size })),
    };
  });
  serve(server, routes.getHome, () => {
    if (home === undefined) throw unknownHere("home");
    return { ...home, version, modules };
  });
}

const unknownHere = (what: string): StockroomError =>
  new StockroomError(
    "missing",
    "SERVER_PLACE",
    `Expected a server that knows its ${what} but this one was opened without. Open it by \`stockroom up\`.`,
  );
