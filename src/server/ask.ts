// Ask: read-only questions by SQL, at a shell or over HTTP: to what modules keep sealed in the store, or to the app's own tables.
//
// Owns: which tables there are to a question, and the words of its errors. Does not own: what makes a question safe, which is the warehouse's: the
// sealed tables are asked in memory, in a process of its own (warehouse/isolated.ts), the app's tables read-only on the server (warehouse/read-only.ts).

import { tablesOf } from "../platform/publish/tables.ts";
import { isStockroomError, StockroomError } from "../platform/errors.ts";
import type { AnyModule } from "../platform/module.ts";
import type { Actor } from "../platform/vault/contract.ts";
import {
  answerOf,
  askReadOnly,
  askReadOnlyTable,
  exactOf,
  columnList,
  queryTimedOut,
  sqlName,
  type Answer,
  type AnswerCell,
  type ExactCell,
  type LakeAnswer,
  type LakeAccess,
  type LakeTable,
  type ReadOnlyBounds,
  type SqlDatabase,
} from "../platform/warehouse/index.ts";

/** Where is asked, and who asks. */
export interface AskPlace {
  readonly database: SqlDatabase;
  readonly modules: readonly { readonly module: AnyModule; readonly parts: { readonly deps: unknown } }[];
  readonly lake: Pick<LakeAccess, "askIsolated" | "askExact">;
  readonly actor: Actor;
}

/** Digests of sessions and tokens, addresses, sign-ins under way: `GET /api/sessions` and `GET /api/tokens` tell whose they are. */
const identityTables = ["identity_session", "identity_token", "identity_flow"];

type Bounds = Omit<ReadOnlyBounds, "limit">;

/** Asks the app's own tables, in PostgreSQL's SQL, but for those that say how people prove who they are. */
export async function askSystem(database: SqlDatabase, query: string, bounds: ReadOnlyBounds): Promise<Answer> {
  const { columns, types, rows } = await askReadOnlyTable(database, query, { ...bounds, hidden: identityTables });
  return answerOf(columns, types, rows);
}

/** The same answer with every value as nothing is lost of it; what is nested stays as text. */
export function exactAnswer({ columns, types, batches }: Answer): Answer<ExactCell> {
  return {
    columns,
    types,
    batches: (async function* () {
      for await (const rows of batches) {
        yield rows.map((row) => types.map((type, at) => exactOf(row[at] ?? null, type, columns[at] ?? "")));
      }
    })(),
  };
}

type OnPart = (done: number, total: number) => void;

/** Asks forecasts and predictions, in DuckDB's SQL. */
export async function askSealed(place: AskPlace, query: string, bounds: Bounds, onPart?: OnPart): Promise<Answer> {
  const { lake } = place;
  return await askLake(place, query, { ...bounds, onPart, ask: async (...asked) => await lake.askIsolated(...asked) });
}

/** The same with every value as nothing is lost of it. */
export async function askSealedExact(place: AskPlace, query: string, bounds: Bounds, onPart?: OnPart): Promise<Answer<ExactCell>> {
  const { lake } = place;
  return await askLake(place, query, { ...bounds, onPart, ask: async (...asked) => await lake.askExact(...asked) });
}

interface LakeBounds<Cell> extends Bounds {
  readonly onPart: OnPart | undefined;
  readonly ask: (...asked: Parameters<LakeAccess["askIsolated"]>) => Promise<LakeAnswer<Cell>>;
}

async function askLake<Cell>(place: AskPlace, query: string, bounds: LakeBounds<Cell>): Promise<Answer<Cell>> {
  const { signal, timeoutS, maxMemoryMb } = bounds;
  const late = AbortSignal.timeout(timeoutS * 1_000);
  const inWords = async (error: unknown): Promise<unknown> => {
    if (!isStockroomError(error)) return late.aborted && !signal.aborted ? queryTimedOut(timeoutS) : error;
    if (error.code === "WAREHOUSE_OUT_OF_MEMORY")
      return new StockroomError(error.kind, error.code, `${error.message} That is: --memory, over HTTP memoryMb.`, {
        facts: error.facts,
        cause: error,
      });
    return error.code === "WAREHOUSE_SQL" ? await withHint(place.database, error, bounds) : error;
  };
  try {
    const { columns, types, batches } = await bounds.ask(await tablesOf(place.modules, place.actor), query, {
      signal: AbortSignal.any([signal, late]),
      maxMemoryMb,
      ...(bounds.onPart === undefined ? {} : { onPart: bounds.onPart }),
    });
    // Errors of later rows are told like those of the first.
    const told = async function* (): AsyncGenerator<readonly (readonly Cell[])[]> {
      try {
        yield* batches;
      } catch (error) {
        throw await inWords(error);
      }
    };
    return { columns, types, batches: told() };
  } catch (error) {
    throw await inWords(error);
  }
}

/** Every table with what it is about and its columns: those asked every day first, then the app's own, which are for whoever looks after it. */
export async function listTables(place: AskPlace, bounds: ReadOnlyBounds, withSealed: boolean): Promise<Answer> {
  const own = await askReadOnly(place.database, tablesQuery, bounds);
  return answerOf(
    ["table", "about", "columns"],
    [{ kind: "text" }, { kind: "text" }, { kind: "text" }],
    [
      ...(withSealed ? await describeTables(await tablesOf(place.modules, place.actor)) : []),
      ...own.map((row) => [String(row["table"]), "Stockroom's own (--system)", String(row["columns"])]),
    ],
  );
}

async function describeTables(tables: readonly LakeTable[]): Promise<(readonly AnswerCell[])[]> {
  const listed: (readonly AnswerCell[])[] = [];
  for (const table of tables) {
    const name = [...(table.schema === undefined ? [] : [table.schema]), table.name].map(sqlName).join(".");
    // `..._all` has the columns of its sister and may be made of thousands of objects.
    const sister = name.endsWith("_all") ? name.slice(0, -"_all".length) : undefined;
    const columns =
      sister === undefined
        ? await table.open(undefined).then((open) => columnList(open.columns), denied)
        : table.schema === "groups"
          ? `as ${sqlName(table.name)}`
          : `as ${sister}`;
    listed.push([name, table.about, columns]);
  }
  return listed;
}

function denied(error: unknown): string {
  if (isStockroomError(error) && error.kind === "denied") return `not granted to the role ${String(error.facts["role"] ?? "operator")}`;
  throw error;
}

/** Adds where to look, when a table that is not there is one of the app's. */
async function withHint(database: SqlDatabase, error: StockroomError, bounds: Bounds): Promise<StockroomError> {
  const name = /Table with name (\S+) does not exist/.exec(error.message)?.[1]?.replaceAll('"', "");
  if (name === undefined) return error;
  const apps = await askReadOnly(database, "select table_name from information_schema.tables where table_schema = 'stockroom'", {
    ...bounds,
    limit: 10_000,
    timeoutS: 30,
  });
  const hint = apps.some((row) => row["table_name"] === name)
    ? `${name} is one of Stockroom's own tables: add --system, over HTTP "system": true.`
    : "See the tables: stockroom sql";
  return new StockroomError("input", "WAREHOUSE_SQL", `${error.message} ${hint}`, { facts: error.facts, cause: error });
}

const tablesQuery = `select table_name as table, string_agg(column_name || ' ' || data_type, ', ' order by ordinal_position) as columns
  from information_schema.columns where table_schema = 'stockroom' group by table_name order by table_name`;
