// Database: what doctor finds in the database, read only: who works, what waits, what failed, how large things are.

import { bytesText } from "../../platform/figures.ts";
import type { BaseSettings } from "../../platform/config/index.ts";
import { isStockroomError } from "../../platform/errors.ts";
import { listSubscribers } from "../../platform/events/subscribers.ts";
import { inspectStore, sizesByZone, type Lot } from "../../platform/objects/inspect.ts";
import { copiedHome, inspectHome, type Peek } from "../../platform/database/index.ts";
import type { Tx } from "../../platform/database/contract.ts";
import { holdings, listDamage, type Keep } from "../../platform/maintenance/maintenance.ts";
import { checkKeyFile } from "../../platform/vault/keyring.ts";
import { fail, lookInto, ok, warn, type Finding } from "./findings.ts";

interface Keeping {
  readonly keep: Keep;
  readonly recordZones: readonly string[];
}

type Open = Extract<Peek, { kind: "open" }>;

/** Everything that the database can tell. `migrations`: the ids this program knows. */
export async function databaseFindings(
  settings: BaseSettings,
  peek: Open,
  migrations: readonly string[],
  keeping: Keeping,
): Promise<readonly Finding[]> {
  const { tx } = peek;
  const [about] = await tx.query<{ version: string; skew: number; there: boolean }>(
    `select current_setting('server_version') as version, extract(epoch from clock_timestamp())::float8 as skew,
            to_regclass('stockroom.migrations') is not null as there`,
  );
  const findings = [ok("database", `PostgreSQL ${about?.version ?? "?"}, ${peek.where}`)];
  const skewS = Math.abs((about?.skew ?? 0) - Date.now() / 1000);
  if (skewS > 30) findings.push(warn("clock", `the database's clock is ${Math.round(skewS)} s off ours; set both by the network's time`));
  if (about === undefined || !about.there) return [...findings, warn("tables", "none yet; the first start makes them")];
  const applied = new Set((await tx.query<{ id: string }>("select id from stockroom.migrations")).map(({ id }) => id));
  const pending = migrations.filter((id) => !applied.has(id)).length;
  const newer = [...applied].filter((id) => !migrations.includes(id)).length;
  if (newer > 0) findings.push(fail("tables", `${newer} changes are of a newer Stockroom; upgrade this program`));
  if (pending > 0) findings.push(warn("tables", `${pending} changes come with the next start; what they bring cannot be looked at yet`));
  const looks: readonly [string, () => Promise<readonly Finding[]>][] = [
    ["home", () => standing(tx, settings, peek.embedded)],
    ["key file", () => keyFindings(tx, settings)],
    ["store", () => storeFindings(settings, tx)],
    ["grants", () => refusals(tx)],
    ["events", () => events(tx)],
    ["subscribers", () => subscribers(tx)],
    ["runs", () => runs(tx)],
    ["dead letters", () => letters(tx)],
    ["notices", () => deliveries(tx)],
    ["scrub", () => scrubs(tx)],
    ["sizes", () => sizes(tx)],
    ["retention", () => retention(tx, keeping)],
  ];
  for (const [what, look] of looks) findings.push(...(await lookInto(what, look)));
  return findings;
}

async function standing(tx: Tx, { home }: BaseSettings, embedded: boolean): Promise<readonly Finding[]> {
  const found = await inspectHome(tx, home, embedded);
  if (found?.standing === "copied") return [fail("home", copiedHome(home, found.elsewhere).message)];
  if (found?.standing !== "quiet") return [];
  return [
    warn(
      "home",
      "a copy or a restored backup: schedules, notices and deliveries rest; when it takes the original's place: stockroom home adopt",
    ),
  ];
}

async function keyFindings(tx: Tx, { vault }: BaseSettings): Promise<readonly Finding[]> {
  try {
    await checkKeyFile(tx, vault.keyFile);
  } catch (error) {
    if (isStockroomError(error)) return [fail("key file", error.message)];
    throw error;
  }
  const [row] = await tx.query<{ zones: number }>(
    "select count(distinct zone)::int as zones from stockroom.vault_key where zone <> '#mac'",
  );
  const zones = row?.zones ?? 0;
  return [zones === 0 ? warn("key file", "not made yet") : ok("key file", `${vault.keyFile} opens ${zones} zones; is it in your backup?`)];
}

const names = ({ count, first }: Lot): string => `${first.join(", ")}${count > first.length ? `, and ${count - first.length} more` : ""}`;

/** The store's folder; with `tx`, beside its catalogue. */
export async function storeFindings({ objects: { root } }: BaseSettings, tx: Tx | undefined): Promise<readonly Finding[]> {
  const look = await inspectStore(root, tx, Date.now());
  const found: Finding[] = [];
  const { objects, missing } = look;
  if (objects !== undefined && objects > 0 && missing.count === objects) {
    found.push(fail("store", `the bytes of all ${objects} objects are gone from ${root}: mount it, or restore the folder from a backup`));
  } else if (missing.count > 0) {
    found.push(
      fail("store", `the bytes of ${missing.count} of ${objects ?? 0} objects are gone: ${names(missing)}; restore them from a backup`),
    );
  }
  if (look.misfit.count > 0) {
    found.push(
      fail("store", `${look.misfit.count} files are longer or shorter than was stored: ${names(look.misfit)}; restore them from a backup`),
    );
  }
  if (look.unreadable.count > 0)
    found.push(fail("store", `cannot be read under ${root}: ${names(look.unreadable)}; correct owner and mode`));
  if (look.foreign.count > 0) found.push(warn("store", `belong to another user than ${root}: ${names(look.foreign)}; chown them`));
  if (look.exposed.count > 0) found.push(warn("store", `others on this machine may look into: ${names(look.exposed)}; chmod go-rwx`));
  if (look.unknown.count > 0) found.push(warn("store", `${look.unknown.count} files are not ours and left alone: ${names(look.unknown)}`));
  if (look.stale.count > 0) {
    found.push(
      warn(
        "store",
        `${look.stale.count} files of broken-off uploads are older than a day: ${names(look.stale)}; a running installation sweeps them`,
      ),
    );
  }
  if (objects === undefined) {
    const words = `${look.files} files under ${root}; which ones should be there only a running database knows`;
    found.push(look.files === 0 ? warn("store", words) : ok("store", words));
  } else if (!found.some(({ state }) => state === "fail")) {
    found.push(ok("store", `${objects} objects, each with its bytes in place`));
  }
  return found;
}

async function refusals(tx: Tx): Promise<readonly Finding[]> {
  const [row] = await tx.query<{ count: number }>(
    `select count(*) filter (where not allowed)::int as count from (select allowed from stockroom.key_use order by id desc limit 1000) as last`,
  );
  const count = row?.count ?? 0;
  return count > 0 ? [warn("grants", `${count} refusals among the last 1,000 uses; see: stockroom keys uses`)] : [];
}

async function events(tx: Tx): Promise<readonly Finding[]> {
  const [row] = await tx.query<{ count: number; age: number }>(
    `select count(*)::int as count, coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::float8 as age
     from stockroom.outbox where relayed_at is null`,
  );
  const age = Math.round(row?.age ?? 0);
  const words = `${row?.count ?? 0} wait`;
  return [
    age > 60
      ? warn("events", `${words}, the oldest for ${age} s; is a \`stockroom up\` or \`stockroom worker\` running?`)
      : ok("events", words),
  ];
}

async function subscribers(tx: Tx): Promise<readonly Finding[]> {
  const idle = (await listSubscribers(tx)).filter(({ served, waiting }) => !served && waiting > 0);
  return idle.map(({ name, waiting, seenAt }) =>
    warn(
      "subscribers",
      `${waiting} events wait for ${name}, which no process serves since ${seenAt}; start one with its settings, or: stockroom subscriptions forget ${name}`,
    ),
  );
}

async function runs(tx: Tx): Promise<readonly Finding[]> {
  const [count] = await tx.query<{ queued: number; running: number; retrying: number; executors: number }>(
    `select count(*) filter (where state = 'queued')::int as queued, count(*) filter (where state = 'running')::int as running,
            count(*) filter (where state = 'retrying')::int as retrying,
            (select count(*) from stockroom.executor where seen_at > clock_timestamp() - interval '90 s')::int as executors
     from stockroom.run where state in ('queued', 'running', 'retrying')`,
  );
  const { queued, running, retrying, executors } = count ?? { queued: 0, running: 0, retrying: 0, executors: 0 };
  const words = `${queued} queued, ${running} running, ${retrying} between tries; ${executors} processes work`;
  if (executors === 0) return [queued + running + retrying > 0 ? warn("runs", `${words}: start \`stockroom up\``) : ok("runs", words)];
  const orphans = await tx.query<{ workflow: string; count: number }>(
    `select workflow, count(*)::int as count from stockroom.run r where state in ('queued', 'retrying')
       and not exists (select 1 from stockroom.executor e where r.workflow = any (e.workflows) and e.seen_at > clock_timestamp() - interval '90 s')
     group by 1 order by 1`,
  );
  return [
    ok("runs", words),
    ...orphans.map(({ workflow, count: waiting }) =>
      warn(
        "runs",
        `${waiting} wait for a process that knows ${workflow}; none of those at work does: start one with its settings or its release`,
      ),
    ),
  ];
}

async function letters(tx: Tx): Promise<readonly Finding[]> {
  const [row] = await tx.query<{ count: number }>(`select count(*)::int as count from stockroom.dead_letter where state = 'waiting'`);
  const count = row?.count ?? 0;
  return [count > 0 ? warn("dead letters", `${count} wait for you; see: stockroom dead`) : ok("dead letters", "none")];
}

async function deliveries(tx: Tx): Promise<readonly Finding[]> {
  const rows = await tx.query<{ channel: string; count: number }>(
    `select channel, count(*)::int as count from stockroom.notice_deliveries where state = 'failed' group by 1 order by 1`,
  );
  return rows.map(({ channel, count }) => warn("notices", `${count} deliveries by ${channel} failed; see: stockroom notices`));
}

async function scrubs(tx: Tx): Promise<readonly Finding[]> {
  const [row] = await tx.query<{ began: string; endedAt: string | null; objects: number; bytes: number; ended: boolean }>(
    `select began_at as began, ended_at as "endedAt", objects::float8 as objects, bytes::float8 as bytes, ended from stockroom.scrub`,
  );
  const damage = await listDamage(tx);
  const named = damage.slice(0, 3).map(({ key, version, code }) => `${key}@${version} ${code}`);
  const more = damage.length > named.length ? `, and ${damage.length - named.length} more` : "";
  const found =
    damage.length > 0
      ? [fail("scrub", `${damage.length} objects are damaged: ${named.join(", ")}${more}; restore them from a backup`)]
      : [];
  if (row === undefined) return [...found, ok("scrub", "none yet; it comes by schedule, or: stockroom scrub")];
  const read = `${row.objects} objects, ${bytesText(row.bytes)}`;
  const last = row.endedAt ?? "never";
  return [
    ...found,
    ok("scrub", row.ended ? `read ${read} up to ${last}` : `under way since ${row.began}, ${read} so far; the last ended ${last}`),
  ];
}

/** What goes when; a working app makes a pass every hour. */
async function retention(tx: Tx, keeping: Keeping): Promise<readonly Finding[]> {
  const held = await holdings(tx, { ...keeping, nowMs: Date.now() });
  return held.map(({ what, rows, due, keepMs, nextAt }) => {
    if (keepMs === undefined) return ok("retention", `${what}: ${rows}, kept for ever`);
    const next = nextAt === undefined ? "" : `, the next one on ${nextAt.slice(0, 10)}`;
    return ok("retention", `${what}: ${rows}, kept ${Math.round(keepMs / 86_400_000)} days; ${due} go at the next pass${next}`);
  });
}

async function sizes(tx: Tx): Promise<readonly Finding[]> {
  const tables = await tx.query<{ name: string; bytes: number; total: number }>(
    `select n.nspname || '.' || c.relname as name, pg_total_relation_size(c.oid)::float8 as bytes,
            sum(pg_total_relation_size(c.oid)) over ()::float8 as total
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname in ('stockroom', 'dbos') order by 2 desc limit 6`,
  );
  const zones = await sizesByZone(tx);
  const kept = zones.filter(({ state }) => state !== "swept");
  return [
    ok(
      "sizes",
      `tables ${bytesText(tables[0]?.total ?? 0)}: ${tables.map(({ name, bytes }) => `${name.replace("stockroom.", "")} ${bytesText(bytes)}`).join(", ")}`,
    ),
    ok(
      "sizes",
      kept.length === 0
        ? "no objects"
        : `objects: ${kept.map(({ zone, state, objects, bytes }) => `${zone} ${objects} ${state} ${bytesText(bytes)}`).join(", ")}`,
    ),
  ];
}
