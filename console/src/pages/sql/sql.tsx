// SQL: the tables of all modules asked by one SELECT, with its rows as a table, a chart or a file.

import { lazy } from "preact-iso";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { client, type AnswerOf } from "../../data/client.ts";
import { hasTexts, openKept } from "../../data/kept.ts";
import { useAsk, type Asked } from "../../data/query.ts";
import { saveBlob } from "../../data/save.ts";
import { useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { Button, CopyAs } from "../../parts/button.tsx";
import { CheckField } from "../../parts/fields.tsx";
import { FilterField } from "../../parts/filter-field.tsx";
import { Forget, Naming } from "../../parts/kept.tsx";
import { spanText } from "../../parts/show.tsx";
import { Failed, Note, Shown, Waiting } from "../../parts/states.tsx";
import type { SqlAnswer } from "./answer.ts";
import { parametersOf, withValues } from "./parameters.ts";
import { Rows } from "./rows.tsx";
import "./sql.css";

const SqlEditor = lazy(async () => (await import("./editor.tsx")).SqlEditor);
const valuePrefix = "p.";

interface SavedQuery {
  readonly name: string;
  readonly query: string;
  readonly system: boolean;
}

const saved = openKept<SavedQuery>(
  "sql.saved",
  (value): value is SavedQuery => hasTexts(value, ["name", "query"]) && "system" in value && typeof value.system === "boolean",
);

interface Result {
  readonly answer: SqlAnswer;
  readonly ms: number;
}

/** What is being asked, its rows, or why there are none. */
function useSql() {
  const [result, setResult] = useState<Result | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  const [isAsking, setAsking] = useState(false);
  const asking = useRef<AbortController | undefined>(undefined);
  const cancel = (): void => asking.current?.abort();
  useEffect(() => cancel, []);
  const ask = async (query: string, system: boolean): Promise<void> => {
    cancel();
    const own = new AbortController();
    asking.current = own;
    setAsking(true);
    setError(undefined);
    const start = performance.now();
    try {
      const answer = await client.call("POST /api/sql", { body: { query, system, format: "json" }, signal: own.signal });
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as docs/reference/http.md says of `format: json`
      setResult({ answer: (await answer.json()) as SqlAnswer, ms: performance.now() - start });
    } catch (caught) {
      if (!own.signal.aborted) setError(caught);
    } finally {
      if (asking.current === own) setAsking(false);
    }
  };
  return { result, error, isAsking, ask, cancel };
}

async function download(query: string, system: boolean, format: "csv" | "parquet"): Promise<void> {
  const answer = await client.call("POST /api/sql", { body: { query, system, format } });
  saveBlob(await answer.blob(), `answer.${format}`);
}

export function Sql() {
  const filters = useFilters();
  const tables = useAsk("GET /api/sql");
  const [query, setQuery] = useState(filters.get("q"));
  const [revision, setRevision] = useState(0);
  const [isSaving, setSaving] = useState(false);
  const [failure, setFailure] = useState<unknown>(undefined);
  const sql = useSql();
  const system = filters.get("system") === "1";
  const names = parametersOf(query);
  const values = Object.fromEntries(names.map((name) => [name, filters.get(`${valuePrefix}${name}`)]));
  const whole = withValues(query, values);

  const run = (): void => {
    if (query.trim() === "") return;
    filters.set({ q: query });
    void sql.ask(whole, system);
  };
  // A link that holds a query shows its answer.
  useEffect(() => {
    if (filters.get("q") !== "") void sql.ask(whole, system);
  }, []);
  const take = (text: string, ofSystem = system): void => {
    setQuery(text);
    setRevision(revision + 1);
    filters.set({ q: text, system: ofSystem ? "1" : "" }, "push");
  };
  const schema = useMemo(
    () =>
      Object.fromEntries(
        (tables.value?.tables ?? []).map(({ table, columns }) => [table, columns.split(", ").map((text) => text.split(" ")[0] ?? "")]),
      ),
    [tables.value],
  );
  const fetchFile = (format: "csv" | "parquet"): void => {
    setFailure(undefined);
    download(whole, system, format).catch((error: unknown) => setFailure(error));
  };

  return (
    <Page
      title="SQL"
      about={system ? "Stockroom's own tables, in PostgreSQL's SQL." : "The tables of all modules, in DuckDB's SQL. Reading only."}
      acts={
        <CopyAs
          said={{
            method: "POST",
            path: "/api/sql",
            body: { query: whole, ...(system ? { system } : {}) },
            command: ["sql", ...(system ? ["--system"] : []), whole],
          }}
        />
      }
    >
      <div class="split">
        <nav class="card sql-schema" aria-label="Tables and saved queries">
          <SavedList onTake={take} />
          <h2>Tables</h2>
          <Tables of={tables} onTake={(text) => take(text, false)} />
        </nav>
        <div class="stack">
          <SqlEditor value={query} revision={revision} onValue={setQuery} onRun={run} schema={schema} />
          <div class="row apart">
            <div class="row">
              {sql.isAsking ? (
                <Button look="danger" onPress={sql.cancel}>
                  Cancel
                </Button>
              ) : (
                <Button look="first" onPress={run}>
                  Run <kbd>Ctrl Enter</kbd>
                </Button>
              )}
              <Button onPress={() => setSaving(true)} disabled={query.trim() === ""}>
                Save
              </Button>
              <Button onPress={() => fetchFile("csv")} disabled={query.trim() === ""}>
                CSV
              </Button>
              <Button onPress={() => fetchFile("parquet")} disabled={query.trim() === ""}>
                Parquet
              </Button>
            </div>
            <CheckField title="Stockroom's own tables" checked={system} onChecked={(is) => filters.set({ system: is ? "1" : "" })} />
          </div>
          {names.length > 0 && (
            <div class="filters">
              {names.map((name) => (
                <FilterField key={name} title={name} name={`${valuePrefix}${name}`} />
              ))}
            </div>
          )}
          {failure !== undefined && <Failed error={failure} />}
          {sql.error !== undefined && <Failed error={sql.error} />}
          {sql.isAsking && sql.result === undefined && <Waiting what="Asking" />}
          {sql.result !== undefined && (
            <section class="stack" aria-label="Answer" aria-busy={sql.isAsking}>
              <p class="dim" role="status">
                {sql.result.answer.rows.length} rows in {spanText(sql.result.ms)}
              </p>
              {sql.result.answer.more && <Note kind="warn">There are more rows than came. Take them as a file, or ask for fewer.</Note>}
              <Rows answer={sql.result.answer} />
            </section>
          )}
        </div>
      </div>
      {isSaving && (
        <Naming
          title="Save this query"
          hint="Kept in this browser. To share it, copy the link of the page: it holds the whole query."
          onName={(name) => saved.keep({ name, query, system })}
          onClose={() => setSaving(false)}
        />
      )}
    </Page>
  );
}

type AskedTables = Asked<AnswerOf<"GET /api/sql">>;

/** Every table with its columns, and a first look at its rows. */
function Tables({ of, onTake }: { of: AskedTables; onTake: (query: string) => void }) {
  return (
    <Shown of={of}>
      {({ tables }) => (
        <ul>
          {tables.map(({ table, about, columns }) => (
            <li key={table}>
              <details>
                <summary title={about}>{table}</summary>
                <p class="dim">{about}</p>
                <Button small onPress={() => onTake(`select * from ${table} limit 100`)}>
                  Show rows
                </Button>
                <ul class="mono">
                  {columns.split(", ").map((column) => (
                    <li key={column}>{column}</li>
                  ))}
                </ul>
              </details>
            </li>
          ))}
        </ul>
      )}
    </Shown>
  );
}

function SavedList({ onTake }: { onTake: (query: string, system: boolean) => void }) {
  if (saved.all.value.length === 0) return null;
  return (
    <>
      <h2>Saved</h2>
      <ul>
        {saved.all.value.map((one) => (
          <li key={one.name} class="row apart">
            <Button look="plain" small onPress={() => onTake(one.query, one.system)}>
              {one.name}
            </Button>
            <Forget from={saved} thing={one} what="query" />
          </li>
        ))}
      </ul>
    </>
  );
}
