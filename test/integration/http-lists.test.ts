// Every list that has pages, read page by page while its rows come, change and go: whatever stays is shown once, in its place, and the row that a page
// ended with may be gone. A list that is not tried here fails by its name.

import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { prefixes } from "../../src/classify/store/keys.ts";
import type { App } from "../../src/app.ts";
import type { Tx } from "../../src/platform/database/contract.ts";
import { cursorsOf } from "../../src/platform/web/paging.ts";
import type { RouteSpec } from "../../src/platform/web/route.ts";
import type { OpenServer } from "../../src/server/index.ts";
import { makePlace, openAt, operator, serve, textBytes, type TestPlace } from "../kit/app.ts";
import { mountAll } from "../kit/routes.ts";

let place: TestPlace;
let app: App;
let server: OpenServer;
let paged: readonly RouteSpec[];

beforeAll(async () => {
  const { server: bare, mounted } = await mountAll();
  await bare.close();
  paged = mounted.flatMap(({ route }) => (route?.query !== undefined && "cursor" in shapeOf(route.query) ? [route] : []));
  place = await makePlace();
  app = await openAt(place, { work: false, quiet: true });
  server = await serve(app);
}, 120_000);
afterAll(async () => {
  await server.close();
  await app.close();
  await place.remove();
});

/** Where a list of one thing's rows lies: of the thing x. */
const wayOf = (route: RouteSpec | undefined): string => (route?.path ?? "").replaceAll(/:[^/]+/g, "x");
const shapeOf = (schema: z.ZodType): object => (schema instanceof z.ZodObject ? schema.shape : {});

/** A row of a list: a name that holds its number, and one of a few instants a microsecond apart, so that many share one. */
interface Row {
  readonly id: string;
  readonly at: string;
  readonly number: number;
}

interface List {
  readonly query?: Readonly<Record<string, string>>;
  /** Which member of the answer holds the rows, and what names one of them. */
  readonly rows: string;
  readonly idOf: (row: Readonly<Record<string, unknown>>) => string;
  readonly add: (row: Row) => Promise<unknown>;
  /** Absent: rows of this list are never removed. */
  readonly remove?: (id: string) => Promise<unknown>;
  readonly change?: (id: string) => Promise<unknown>;
  readonly prepare?: () => Promise<unknown>;
  /** The page shows its rows the other way round than it goes on. */
  readonly backwards?: boolean;
}

/** A statement without triggers and foreign keys: a list needs nothing but its rows. */
async function bare(text: string, values: readonly unknown[] = []): Promise<void> {
  await app.database.transaction(async (tx: Tx) => {
    await tx.query("set local session_replication_role = replica");
    await tx.query(text, values);
  });
}

const idOf = ({ id }: Readonly<Record<string, unknown>>): string => String(id);
const removeFrom = (table: string, column = "id") => ({
  remove: async (id: string) => await bare(`delete from stockroom.${table} where ${column} = $1`, [id]),
});
const changeIn = (table: string, set: string, column = "id") => ({
  change: async (id: string) => await bare(`update stockroom.${table} set ${set} where ${column} = $1`, [id]),
});

const model = `insert into stockroom.classify_model (id, line, object_key, object_version, test_key, test_version, trained_on, scheme_version,
  parameters, metrics, counts, trials, seed, run_id, trained_at) values ($1, 'GBR-WASTE', 'k', '1', 't', '1', '[]', '1', '{}', '{}', '{}', '[]', 1, 'r', $2)`;
const coding = `insert into stockroom.classify_inference (id, period, country, line, model, sales_key, sales_version, predictions_key, predictions_version,
  items, auto_items, review_items, bad_rows, shared, figures, drift, run_id, at)
  values ($1, '2026-10', 'GBR', 'GBR-WASTE', 'm', $3, $4, 'p', '1', 10, 8, 2, 0, '{}', '{}', '{"level":"none","psi":0,"summary":"","features":[]}', 'r', $2)`;
const sales = "classify/sales/2026-10/GBR.csv";
let salesVersion = "";
let reviewVersion = "";
const reviewKey = `${prefixes.review}2026-10/words.csv`;

/** A group, a forecast of it and a coding that counts, as far as a list needs them. */
const group = async () =>
  await bare("insert into stockroom.forecast_group (name, requested, since) values ('shop', '1', now()) on conflict do nothing");
const rejectedKey = (id: string): string => `${prefixes.predictions}2026-10/GBR/rejected.${id}.jsonl`;

const lists: Readonly<Record<string, List>> = {
  listRuns: {
    rows: "runs",
    idOf,
    add: async ({ id, at }) =>
      await bare(
        `insert into stockroom.run (id, workflow, queue, title, input, state, priority, created_at) values ($1, 'w', 'q', 't', '1', 'queued', 1, $2)`,
        [id, at],
      ),
    ...removeFrom("run"),
    ...changeIn("run", "state = 'done', updated_at = clock_timestamp()"),
  },
  listRunLog: {
    rows: "lines",
    idOf: ({ message }) => String(message),
    prepare: async () =>
      await bare(
        `insert into stockroom.run (id, workflow, queue, title, input, state, priority) values ('x', 'w', 'q', 't', '1', 'queued', 1) on conflict do nothing`,
      ),
    add: async ({ id, at }) =>
      await bare("insert into stockroom.run_log (run_id, try, executor, at, level, message) values ('x', 1, 'e', $2, 'info', $1)", [
        id,
        at,
      ]),
    ...removeFrom("run_log", "message"),
    ...changeIn("run_log", "level = 'warn'", "message"),
  },
  listDead: {
    rows: "letters",
    idOf: ({ runId }) => String(runId),
    add: async ({ id, at }) =>
      await bare(
        `insert into stockroom.dead_letter (run_id, workflow, title, error, tries, crashes, at) values ($1, 'w', 't', '{"kind":"fault","code":"A","message":"b","facts":{}}', 1, 0, $2)`,
        [id, at],
      ),
    ...removeFrom("dead_letter", "run_id"),
    ...changeIn("dead_letter", "state = 'dropped'", "run_id"),
  },
  listEvents: {
    query: { kind: "test.event" },
    rows: "events",
    idOf: ({ subject }) => String(subject),
    add: async ({ id, at }) =>
      await bare("insert into stockroom.outbox (kind, subject, data, at, relayed_at) values ('test.event', $1, '{}', $2, $2)", [id, at]),
    ...removeFrom("outbox", "subject"),
  },
  listNotices: {
    rows: "notices",
    idOf,
    add: async ({ id, at }) =>
      await bare(
        "insert into stockroom.notices (id, topic, severity, title, body, facts, at) values ($1, 'a.b', 'info', 't', 'b', '{}', $2)",
        [id, at],
      ),
    ...removeFrom("notices"),
    change: async (id) =>
      await bare(
        "insert into stockroom.notice_deliveries (notice, channel, state, at) values ($1, 'log', 'delivered', now()) on conflict do nothing",
        [id],
      ),
  },
  listKeyUses: {
    query: { role: "report", zone: "tests" },
    rows: "uses",
    idOf: ({ key }) => String(key),
    add: async ({ id, at }) =>
      await bare(
        "insert into stockroom.key_use (at, role, purpose, zone, key_version, access, object_key, allowed) values ($2, 'report', 'p', 'tests', 1, 'read', $1, true)",
        [id, at],
      ),
    ...removeFrom("key_use", "object_key"),
  },
  listObjects: {
    query: { prefix: "lists/" },
    rows: "objects",
    idOf: ({ key }) => String(key).slice("lists/".length),
    add: async ({ id }) => await app.objects.put(operator, `lists/${id}`, textBytes(id)),
    remove: async (id) => await app.objects.remove(operator, `lists/${id}`),
    change: async (id) => await app.objects.put(operator, `lists/${id}`, textBytes("changed")),
  },
  listClassifyModels: {
    rows: "models",
    idOf,
    add: async ({ id, at }) => await bare(model, [id, at]),
    ...removeFrom("classify_model"),
    ...changeIn("classify_model", `metrics = '{"f1": 1}'`),
  },
  listClassifyVerdicts: {
    query: { date: "2026-12-31" },
    rows: "verdicts",
    idOf,
    add: async ({ id, at }) =>
      await bare(
        `insert into stockroom.classify_verdict (id, line, challenger, decision, promoted, reason, verdict, data, at)
         values ($1, 'GBR-WASTE', 'm', 'first', true, '', '{}', '{}', $2)`,
        [id, at],
      ),
    ...removeFrom("classify_verdict"),
  },
  listClassifyCodings: {
    rows: "codings",
    idOf,
    add: async ({ id, at }) => await bare(coding, [id, at, sales, "none"]),
    ...removeFrom("classify_inference"),
    ...changeIn("classify_inference", "bad_rows = 3"),
  },
  listClassifyReviews: {
    rows: "reviews",
    idOf,
    prepare: async () => {
      ({ version: salesVersion } = await app.objects.put(operator, sales, textBytes("id\n1\n")));
      const words = Array.from({ length: 100 }, (_, at) => `i${at},kettle,low,K,0.5,T,,`).join("\n");
      const text = `id,title,kind,predicted,probability,runner_up,evidence,reason\n${words}\n`;
      ({ version: reviewVersion } = await app.objects.put({ role: "infer", purpose: "test" }, reviewKey, textBytes(text)));
      await bare(coding, ["counts", "2026-10-15T08:00:00Z", sales, salesVersion]);
    },
    add: async ({ id, number }) =>
      await bare(
        `insert into stockroom.classify_review (id, inference, line, period, kind, item, day, object_key, object_version, row_number, scheme_version,
           predicted, runner_up, probability, units, kg)
         values ($1, 'counts', 'GBR-WASTE', '2026-10', $2, $1, '2026-10-11', $3, $4, $5, '1', 'K', 'T', 0.5, $6, 1)`,
        [id, number % 2 === 0 ? "low" : "audit", reviewKey, reviewVersion, number % 100, 0.1 + (number % 3)],
      ),
    ...removeFrom("classify_review"),
  },
  listClassifyRejected: {
    query: { period: "2026-10" },
    rows: "rows",
    idOf: ({ sample }) => String(sample),
    prepare: async () => {
      ({ version: salesVersion } = await app.objects.put(operator, sales, textBytes("id\n1\n")));
    },
    add: async ({ id }) =>
      await app.objects.put(
        { role: "infer", purpose: "test" },
        rejectedKey(id),
        textBytes(`${JSON.stringify({ line: 1, code: "A", reason: "b", sample: id })}\n`),
        { labels: { sales: `${sales}@${salesVersion}` } },
      ),
    remove: async (id) => await app.objects.remove({ role: "infer", purpose: "test" }, rejectedKey(id)),
  },
  listForecasts: {
    prepare: group,
    rows: "runs",
    idOf,
    add: async ({ id, at }) =>
      await bare(
        `insert into stockroom.forecast_run (id, dataset_group, run_id, request, content, recipe, inputs, settings, state, started_at)
         values ($1, 'shop', $1, '1', $1, 'r', '{}', '{}', 'running', $2)`,
        [id, at],
      ),
    ...removeFrom("forecast_run"),
    ...changeIn("forecast_run", "state = 'failed', ended_at = now()"),
  },
  listAdjustments: {
    prepare: group,
    backwards: true,
    rows: "adjustments",
    idOf: ({ reason }) => String(reason),
    add: async ({ id, at }) =>
      await bare(
        `insert into stockroom.forecast_adjustment (dataset_group, kind, value, said, conditions, from_at, until_at, author, reason, made_at)
         values ('shop', 'set', 1, '', '[]', $2, $2::timestamptz + interval '1 day', 'a', $1, $2)`,
        [id, at],
      ),
    ...removeFrom("forecast_adjustment", "reason"),
    ...changeIn("forecast_adjustment", "withdrawn_at = now(), withdrawn_by = 'b'", "reason"),
  },
  listScenarios: {
    query: { kind: "explain" },
    rows: "scenarios",
    idOf,
    add: async ({ id, at }) =>
      await bare(
        `insert into stockroom.forecast_plan (id, kind, dataset_group, run, title, author, asked, summary, exports, at)
         values ($1, 'explain', 'shop', 'r', 't', 'a', '{"item":null}', '{"series":1,"attributes":[]}', '{}', $2)`,
        [id, at],
      ),
    ...removeFrom("forecast_plan"),
    ...changeIn("forecast_plan", "title = 'other'"),
  },
  listSapImports: {
    rows: "imports",
    idOf,
    add: async ({ id, at }) =>
      await bare(
        `insert into stockroom.forecast_import (id, target, dataset_group, source_key, source_version, state, rows, started_at)
         values ($1, 'drop', 'shop', 'k', '1', 'running', 5, $2)`,
        [id, at],
      ),
    ...removeFrom("forecast_import"),
    ...changeIn("forecast_import", "state = 'done'"),
  },
};

/** Their rows are what one finished forecast says: they neither come nor go nor change their order (http-answers.test.ts reads their pages). */
const standing = ["getForecastCells", "listForecastExceptions"];
/** The same rows and places as `listScenarios`, with what the newest import says besides, which has to be there (http-answers.test.ts). */
const alike = ["getMonitor"];

async function read(name: string, more: Readonly<Record<string, string>>) {
  const route = paged.find((one) => one.name === name);
  const answer = await fetch(`${server.url}${wayOf(route)}?${new URLSearchParams({ ...lists[name]?.query, ...more }).toString()}`);
  const body = z.record(z.string(), z.unknown()).parse(await answer.json());
  if (!answer.ok) throw new Error(JSON.stringify(body));
  const rows = z.array(z.record(z.string(), z.unknown())).parse(body[lists[name]?.rows ?? ""]);
  return { ids: rows.map((row) => lists[name]?.idOf(row) ?? ""), next: z.string().optional().parse(body["next"]) };
}

test("every list with pages is tried", () => {
  expect(paged.length).toBeGreaterThan(15);
  expect(paged.map(({ name }) => name).toSorted()).toEqual([...Object.keys(lists), ...standing, ...alike].toSorted());
});

const between = fc.record({ remove: fc.array(fc.nat(30), { maxLength: 3 }), lastToo: fc.boolean(), add: fc.nat(2), change: fc.nat(2) });
let counted = 0;

test.for(Object.keys(lists))("%s: what stays is shown once and in its place", { timeout: 180_000 }, async (name) => {
  const list = lists[name];
  if (list === undefined) throw new Error(name);
  await list.prepare?.();
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(between, { minLength: 8, maxLength: 8 }), async (limit, turns) => {
      const add = async (): Promise<string> => {
        counted += 1;
        // Names are in no order; instants are few, and a microsecond apart.
        const id = `${(counted * 7_919) % 1_000}-${counted}`;
        await list.add({ id, number: counted, at: `2026-10-01T00:00:00.00000${counted % 3}Z` });
        return id;
      };
      const first: string[] = [];
      for (let n = 0; n < 9; n++) first.push(await add());
      const there = new Set(first);
      const gone = new Set<string>();
      const remove = async (id: string): Promise<void> => {
        if (list.remove === undefined || !there.delete(id)) return;
        gone.add(id);
        await list.remove(id);
      };
      const shown: string[] = [];
      let page = await read(name, { limit: String(limit) });
      for (let turn = 0; ; turn++) {
        shown.push(...(list.backwards === true ? page.ids.toReversed() : page.ids));
        if (page.next === undefined) break;
        const act = turns[turn];
        if (act !== undefined) {
          for (let n = 0; n < act.add; n++) there.add(await add());
          for (const at of act.remove) await remove([...there][at % there.size] ?? "");
          if (act.lastToo) await remove(shown.at(-1) ?? "");
          for (const id of [...there].slice(0, act.change)) await list.change?.(id);
        }
        page = await read(name, { limit: String(limit), cursor: page.next });
      }
      const stayed = new Set(first.filter((id) => !gone.has(id)));
      const whole = await read(name, { limit: "200" });
      const wanted = (list.backwards === true ? whole.ids.toReversed() : whole.ids).filter((id) => stayed.has(id));
      expect(shown.filter((id) => stayed.has(id))).toEqual(wanted);
      expect(wanted.toSorted()).toEqual([...stayed].toSorted());
      expect(new Set(shown).size).toBe(shown.length);
      for (const id of there) await list.remove?.(id);
    }),
    { numRuns: 8 },
  );
});

test.for(Object.keys(lists))("%s: a cursor of another list, or of none, is refused", async (name) => {
  const route = paged.find((one) => one.name === name);
  const foreign = cursorsOf("another", "whole", "text");
  const { next } = foreign.page(
    [1, 2].map((row) => ({ row, key: [String(row), "a"] })),
    1,
  );
  const bad = [
    next,
    "bm9uZQ",
    "%",
    "W10",
    Buffer.from("[1]").toString("base64url"),
    Buffer.from('["runs","1e9","a"]').toString("base64url"),
  ];
  // Keys of objects are their own cursors.
  if (name === "listObjects") return;
  for (const cursor of bad) {
    const query = new URLSearchParams({ ...lists[name]?.query, cursor: cursor ?? "" }).toString();
    const answer = await fetch(`${server.url}${wayOf(route)}?${query}`);
    expect([cursor, answer.status, /"code":"(\w+)"/.exec(await answer.text())?.[1]]).toEqual([cursor, 400, "CURSOR_BAD"]);
  }
});
