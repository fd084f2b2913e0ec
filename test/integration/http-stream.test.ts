// The stream of changes over real HTTP: live, over a cut, bounded by its server.

import { afterAll, beforeAll, expect, test } from "vitest";
import { makeClient, type Client, type Told } from "../../src/client/index.ts";
import { streamed } from "../../src/server/contract.ts";
import { openServer } from "../../src/server/index.ts";
import { openTestServer, poison } from "./server-kit.ts";

let app: Awaited<ReturnType<typeof openTestServer>>;
let client: Client;
beforeAll(async () => {
  app = await openTestServer();
  client = makeClient({ url: app.url });
});
afterAll(() => app.close());

const put = async (name: string): Promise<void> =>
  void (await client.call("PUT /objects/*", { params: { "*": `streamed/${name}` }, body: name }));

/** Where the stream stands now. */
async function placeNow(url = app.url): Promise<{ readonly place: string; readonly rest: Promise<string> }> {
  const answer = await makeClient({ url }).call("GET /api/stream");
  const [mine, other] = answer.body?.tee() ?? [];
  const first = await mine?.getReader().read();
  const rest = new Response(other).text();
  rest.catch(() => undefined);
  return { place: /^id: (\S+)$/m.exec(new TextDecoder().decode(first?.value))?.[1] ?? "", rest };
}

/** Listens until an object is told of. */
async function listen(until: string, after: string): Promise<readonly Told[]> {
  const heard: Told[] = [];
  for await (const told of client.stream({ after })) {
    heard.push(told);
    expect(streamed[told.event].safeParse(told.data).error?.issues ?? []).toEqual([]);
    if (told.event === "event" && told.data.subject === `streamed/${until}`) break;
  }
  return heard;
}

const keysOf = (heard: readonly Told[]): readonly string[] =>
  heard.flatMap((told) => (told.event === "event" && told.data.kind === "object.stored" ? [told.data.subject] : []));

test("tells of events as they happen, each once, and goes on after a cut where it was", async () => {
  const { place } = await placeNow();
  const live = listen("b", place);
  await put("a");
  await put("b");
  const heard = await live;
  expect(keysOf(heard)).toEqual(["streamed/a", "streamed/b"]);
  const last = heard.at(-1);
  // Cut. What happens meanwhile is told to whoever comes back; numbers that are never given out hold nothing up.
  await put("c");
  await app.database.query("select nextval('stockroom.outbox_id_seq') from generate_series(1, 5)");
  for (const name of ["d", "e"]) await put(name);
  const rest = await listen("e", last?.id ?? "");
  expect(keysOf(rest)).toEqual(["streamed/c", "streamed/d", "streamed/e"]);
  const numbers = rest.flatMap((told) => (told.event === "event" ? [told.data.id] : []));
  expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  // Cut between any two messages: behind the second comes the third.
  expect(keysOf(await listen("e", rest[0]?.id ?? ""))).toEqual(["streamed/d", "streamed/e"]);
});

test("waits for an event whose number was given before but whose transaction is still under way", async () => {
  const { place } = await placeNow();
  const slow = Promise.withResolvers<void>();
  const written = Promise.withResolvers<void>();
  const transaction = app.database.transaction(async (tx) => {
    await tx.query("insert into stockroom.outbox (kind, subject, data) values ('test.slow', 'slow', '{}')");
    written.resolve();
    await slow.promise;
  });
  await written.promise;
  await put("after-slow");
  const heard = listen("after-slow", place);
  const known = await app.events.list({ limit: 1 });
  expect(known[0]?.subject).toBe("streamed/after-slow");
  slow.resolve();
  await transaction;
  const subjects = (await heard).flatMap((told) => (told.event === "event" ? [told.data.subject] : []));
  expect(subjects).toEqual(["slow", "streamed/after-slow"]);
});

test("tells of runs with the state they have", async () => {
  poison.mended = true;
  const { place } = await placeNow();
  await app.workflows.start("test.eat", "bread", { id: "eat/bread" });
  for await (const told of client.stream({ of: "runs", after: place })) {
    expect(told.event).toBe("run");
    if (told.event === "run" && told.data.id === "eat/bread" && told.data.state === "done") break;
  }
  // Whoever comes late hears of it too.
  for await (const told of client.stream({ of: "runs", after: place })) if (told.event === "run" && told.data.id === "eat/bread") break;
});

test("says what was deleted, refuses a place that is none, and ends with its server", async () => {
  const [oldest] = await app.database.query<{ id: number }>("select min(id)::float8 as id from stockroom.outbox");
  await app.database.query("delete from stockroom.outbox where id = $1", [oldest?.id]);
  for await (const told of client.stream({ after: "0-1" })) {
    expect(told).toMatchObject({ event: "gap", data: { from: 1 } });
    break;
  }
  await expect(client.stream({ after: "nonsense" }).next()).rejects.toMatchObject({ code: "STREAM_PLACE", kind: "input" });
  const other = await openServer({ deps: app, settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1 }, version: "1.2.3" });
  const { place, rest } = await placeNow(other.url);
  expect(place).toMatch(/^\d+-\d+$/);
  await other.close();
  expect(await rest).toContain("retry: 2000");
});
