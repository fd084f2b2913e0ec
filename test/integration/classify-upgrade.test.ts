// A database of the release before: rows that no record of the log vouches for, answers in the reviews, champions without a word. What `audit verify` says of
// it, and the way out at a shell.

import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeMemoryLog } from "../../src/platform/log.ts";
import { openDatabase } from "../../src/platform/database/open.ts";
import { makeCommands } from "../../src/classify/cli/commands.ts";
import { findCall, runCall } from "../../src/platform/command/parse.ts";
import { appendAudit, genesis } from "../../src/classify/engine/audit.ts";
import { auditDigest } from "../../src/classify/store/audit.ts";
import { classifyMigrations } from "../../src/classify/store/migrations.ts";
import { listReviews } from "../../src/classify/store/reviews.ts";
import type { App } from "../../src/app.ts";
import { askingHere, quietTools } from "../kit/tools.ts";
import { makePlace, openAt, operator, textBytes, type TestPlace } from "../kit/app.ts";

const at = "2026-10-05T08:00:00.000Z";

/** As the migrations before answers, champions' words and row hashes left them. */
const before = `
  insert into stockroom.classify_line values ('GBR-OLD', 'GBR', 'OLD', '${at}');
  insert into stockroom.classify_model (id, line, object_key, object_version, test_key, test_version, trained_on, scheme_version, parameters, metrics, counts,
                                        trials, seed, run_id, trained_at)
    select id, 'GBR-OLD', 'classify/models/' || id, 'v1', 'classify/tests/' || id || '.csv', 'v1', '[]', '', '{}', '{}', '{}', '[]', 1, 'train/' || id, '${at}'
      from unnest(array['m1', 'm2']) id;
  insert into stockroom.classify_verdict values ('d1', 'GBR-OLD', 'm1', null, 'first', true, 'the first one', '{}', '{}', '${at}');
  insert into stockroom.classify_champion values ('GBR-OLD', '${at}', 'm1', 'd1');
  insert into stockroom.classify_inference (id, period, country, line, model, sales_key, sales_version, predictions_key, predictions_version, items, auto_items,
                                            review_items, bad_rows, figures, drift, run_id, at)
    values ('i1', '2026-09', 'GBR', 'GBR-OLD', 'm1', 'classify/sales/2026-09/GBR.csv', 's1', 'classify/predictions/2026-09/GBR/OLD.csv', 'p1', 10, 8, 2, 0,
            '{}', '{}', 'infer/1', '${at}');
  insert into stockroom.classify_review (id, inference, line, period, kind, object_key, object_version, row_number, scheme_version, predicted, runner_up,
                                         probability, units, kg, state, answer, reviewer, answered_at)
    values ('r1', 'i1', 'GBR-OLD', '2026-09', 'low', 'k', 'v', 1, '', 'K', 'P', 0.6, 3, 1.5, 'answered', 'P', 'ann', '${at}'),
           ('r2', 'i1', 'GBR-OLD', '2026-09', 'audit', 'k', 'v', 2, '', 'K', 'P', 0.99, 1, 0.5, 'waiting', null, null, null);
  insert into stockroom.classify_report values ('2026-09', 'GBR', 'OLD', '', 'K', 0, 10, 12, 6.5, 1, 1, 0.5);
  insert into stockroom.classify_report_revision values ('2026-09', 'GBR', 0, 'first', '{}', 'classify/reports/2026-09/GBR.csv', 'v1', '${at}');
`;

let place: TestPlace;
let app: App;

interface Said {
  readonly lines: readonly string[];
  readonly error: unknown;
}

async function shell(...words: readonly string[]): Promise<Said> {
  const lines: string[] = [];
  const show = (value: unknown): void => void lines.push(typeof value === "string" ? value : JSON.stringify(value));
  const open = () => Promise.resolve({ deps: app.classify.deps, workflows: app.workflows });
  const commands = makeCommands({ ...quietTools({ table: show, json: show, line: show, say: show }), open, ...askingHere(open) });
  const call = await findCall({ subCommands: commands }, words);
  const error: unknown = await runCall(call).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { lines, error };
}

beforeAll(async () => {
  place = await makePlace();
  const former = classifyMigrations.filter(({ id }) => id < "classify-005");
  const database = await openDatabase({ url: place.databaseUrl, home: place.home, log: makeMemoryLog(), migrations: former });
  await database.query(before);
  await database.close();
  app = await openAt(place, { work: false, quiet: true });
  // The log of then: no rows, no end on record, a prediction named with its hash.
  const bytes = textBytes("id,code\na,K\n");
  const role = { role: "infer", purpose: "test" };
  const { key, version } = await app.objects.put(role, "classify/predictions/2026-09/GBR/OLD.csv", bytes, { announce: false });
  const sales = await app.objects.put(operator, "classify/sales/2026-09/GBR.csv", textBytes("id\n"), { announce: false });
  await app.database.query("update stockroom.classify_inference set sales_version = $1", [sales.version]);
  // Later than the log of then, and before readings were logged.
  await app.database.query("insert into stockroom.classify_reading values ('classify/labelled/GBR/old.csv', 'v1', '{}', 'intake/1', $1)", [
    at,
  ]);
  const predictionsSha256 = createHash("sha256").update(bytes).digest("hex");
  const row = appendAudit(
    genesis,
    { at, kind: "inference", record: { id: "i1", predictions: { key, version }, predictionsSha256 } },
    auditDigest(app.classify.deps.vault),
  );
  await app.database.query("insert into stockroom.classify_audit values ($1, $2, $3, $4, $5, $6)", [
    row.seq,
    row.at,
    row.kind,
    JSON.stringify(row.record),
    row.previous,
    row.hash,
  ]);
}, 120_000);

afterAll(async () => {
  await app.close();
  await place.remove();
});

test("rows of before are told as vouched for by nobody, adopted by a person with a reason, and told ever after", async () => {
  const first = await shell("audit", "verify");
  expect(first.error).toMatchObject({ code: "AUDIT_TAMPERED", kind: "conflict" });
  const told = (first.error as Error).message + first.lines.join("\n");
  for (const row of ["classify_report", "classify_answer", "classify_review", "classify_champion", "classify_model", "classify_reading"])
    expect(told).toContain(row);
  expect(told).toMatch(/13 of these rows were written by nobody: right after an upgrade .* `stockroom classify audit adopt`/);

  expect((await shell("audit", "adopt", "--by", "ann", "--reason", " ")).error).toMatchObject({ code: "AUDIT_ADOPT" });
  const adopted = await shell("audit", "adopt", "--by", "ann", "--reason", "upgrade of October");
  // 1 line, 2 models, 1 verdict, 1 champion, 1 ground, 1 inference, 2 reviews, 1 answer, 1 figure, 1 revision, 1 reading.
  expect(adopted).toMatchObject({ error: undefined, lines: ["13 rows are vouched for by ann."] });
  const whole = await shell("audit", "verify");
  expect(whole.error).toBeUndefined();
  expect(whole.lines.join("\n")).toMatch(/13 rows .* by hand by "ann".*"upgrade of October"/);
  expect((await shell("audit", "adopt", "--by", "ann", "--reason", "again")).lines).toEqual(["The log vouches for every row already."]);
  // From here on a change is found.
  await app.database.query("update stockroom.classify_report set kg = 6.6");
  expect(String((await shell("audit", "verify")).error)).toMatch(/classify_report .*row 2 of the log/);
  await app.database.query("update stockroom.classify_report set kg = 6.5");
});

test("the head printed at a shell proves later that nothing was taken away", async () => {
  const [head = ""] = (await shell("audit", "head")).lines;
  expect(head).toMatch(/^2:[0-9a-f]{64}$/);
  expect((await shell("audit", "verify", "--anchor", head)).error).toBeUndefined();
  expect((await shell("audit", "verify", "--anchor", `9:${head.slice(2)}`)).error).toMatchObject({ code: "AUDIT_TAMPERED" });
  expect((await shell("audit", "verify", "--anchor", "soon")).error).toMatchObject({ kind: "input" });
});

test("an answer of before is amended, a champion of before is rolled over, and the log vouches for it", async () => {
  const [review] = await listReviews(app.database, { line: "GBR-OLD", state: "answered", limit: 10 });
  expect(review).toMatchObject({ id: "r1", answer: "P", reviewer: "ann" });
  expect((await shell("reviews", "amend", "r1", "P", "--by", "bob", "--reason", "same")).error).toMatchObject({ code: "REVIEW_SAME" });
  expect((await shell("reviews", "amend", "r2", "P", "--by", "bob", "--reason", "open")).error).toMatchObject({ code: "REVIEW_OPEN" });
  expect((await shell("reviews", "amend", "r1", "K", "--by", "bob", "--reason", "read again")).error).toBeUndefined();
  expect((await shell("champions", "set", "GBR-OLD", "m1", "--reason", "x", "--by", "bob")).error).toMatchObject({
    code: "CHAMPION_ALREADY",
  });
  expect((await shell("champions", "set", "GBR-OLD", "m2", "--reason", "rollback", "--by", "bob")).error).toBeUndefined();
  expect((await shell("champions", "automatic", "GBR-OLD", "off", "--reason", "audit", "--by", "bob")).error).toBeUndefined();
  expect((await shell("champions", "words")).lines.join()).toContain("audit");
  expect((await shell("audit", "verify")).error).toBeUndefined();
});
