// Open: one door to PostgreSQL, whether it is ours (embedded) or given (DATABASE_URL).

import { isStockroomError, StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Migration, Records, RecordsAbout } from "./contract.ts";
import { openEmbedded } from "./embedded.ts";
import type { EmbeddedServer } from "./embedded.ts";
import { migrate } from "./migrate.ts";
import { recordsMigrations } from "./outbox.ts";
import { openPool } from "./pool.ts";

export interface RecordsOptions {
  /** A PostgreSQL of your own (14 or newer). Absent: the embedded server of `home`. */
  readonly url?: string | undefined;
  readonly home: string;
  readonly log: Log;
  /** The other rooms' migrations, in the order of the rooms; the records' own come first by themselves. */
  readonly migrations: readonly Migration[];
  /** Gives up opening. Has no effect once open. */
  readonly signal?: AbortSignal | undefined;
  /** Connections at once, sessions and listeners apart. Default 10. */
  readonly poolSize?: number | undefined;
  /** Shown in pg_stat_activity. Default `stockroom`. */
  readonly applicationName?: string | undefined;
}

const oldestVersion = 140_000;

/**
 * Opens the database: starts or adopts the embedded server if there is no `url`, connects, brings the tables up to date.
 *
 * Any number of processes may open the same home or the same url at the same time.
 * Throws `input` `RECORDS_BAD_URL`, `busy` `RECORDS_UNREACHABLE`, `denied` `RECORDS_PASSWORD_REFUSED`, `missing`
 * `RECORDS_NO_DATABASE`, `conflict` `RECORDS_TOO_OLD` and `RECORDS_NEWER`, and what `openEmbedded` and `migrate` throw.
 *
 * @example
 * const records = await openRecords({ home: ".stockroom", log, migrations: [...vaultMigrations, ...objectMigrations] });
 * await records.transaction(async (tx) => appendEvent(tx, { kind: "shop.opened", subject: "shop/1", data: {} }));
 * await records.close();
 */
export async function openRecords(options: RecordsOptions): Promise<Records> {
  const log = options.log.child({ room: "records" });
  const external = options.url === undefined ? undefined : parseUrl(options.url);
  const server = external === undefined ? await openEmbedded({ home: options.home, log, signal: options.signal }) : undefined;
  const pool = openPool({
    where: () => server?.where() ?? { connectionString: options.url },
    applicationName: options.applicationName ?? "stockroom",
    size: options.poolSize ?? 10,
    log,
  });
  try {
    await checkVersion(pool, external);
    const own = recordsMigrations.filter(({ id }) => !options.migrations.some((given) => given.id === id));
    await migrate(pool, [...own, ...options.migrations], log);
    options.signal?.throwIfAborted();
  } catch (thrown) {
    await pool.close();
    await server?.close();
    throw thrown;
  }
  let closed: Promise<void> | undefined;
  return {
    query: pool.query,
    transaction: pool.transaction,
    session: pool.session,
    listen: pool.listen,
    get url() {
      return options.url ?? server?.url() ?? "";
    },
    about: () => describe(server, external),
    close: (closeOptions) => {
      closed ??= pool.close().then(() => server?.close(closeOptions));
      return closed;
    },
  };
}

function describe(server: EmbeddedServer | undefined, external: URL | undefined): RecordsAbout {
  if (server !== undefined) return server.about();
  return {
    kind: "external",
    host: external?.hostname ?? "",
    port: Number(external?.port === "" ? 5432 : external?.port),
    database: decodeURIComponent(external?.pathname.slice(1) ?? ""),
  };
}

/** Never puts the text into the error: it holds the password. */
function parseUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed !== undefined && /^postgres(ql)?:$/.test(parsed.protocol) && parsed.hostname !== "") return parsed;
  throw new StockroomError(
    "input",
    "RECORDS_BAD_URL",
    "Expected DATABASE_URL like postgres://user:password@host:5432/name but got something else. Correct it; special characters in the password are written as %40 and the like.",
  );
}

async function checkVersion(pool: ReturnType<typeof openPool>, external: URL | undefined): Promise<void> {
  try {
    const [row] = await pool.query<{ version: number }>("select current_setting('server_version_num')::int as version");
    const version = row?.version ?? 0;
    if (version >= oldestVersion) return;
    throw new StockroomError(
      "conflict",
      "RECORDS_TOO_OLD",
      `Expected PostgreSQL ${oldestVersion / 10_000} or newer but the server is ${Math.floor(version / 10_000)}. Upgrade it.`,
      { facts: { version } },
    );
  } catch (thrown) {
    if (external === undefined || !isStockroomError(thrown) || thrown.code !== "RECORDS_UNREACHABLE") throw thrown;
    const where = `${external.hostname}:${external.port === "" ? 5432 : external.port}`;
    throw new StockroomError(
      "busy",
      "RECORDS_UNREACHABLE",
      `Expected PostgreSQL at ${where} but it did not answer. Start it, or correct DATABASE_URL (without one, an embedded server is used).`,
      { cause: thrown, facts: { where } },
    );
  }
}
