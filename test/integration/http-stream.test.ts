// The stream of changes over real HTTP: live, over a cut, bounded by its server.

import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeManualClock, type ManualClock } from "../../src/platform/time.ts";
import { makeClient, type Client, type Told } from "../../src/client/index.ts";
import { streamed } from "../../src/server/contract.ts";
import type { Database } from "../../src/platform/database/contract.ts";
import { makeIdentity } from "../../src/platform/identity/identity.ts";
import { makeEntrance } from "../../src/server/identity/entrance.ts";
import { openServer, type OpenServer, type ServerOptions } from "../../src/server/index.ts";
import { waitFor } from "../kit/app.ts";
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

/** Another server on the same app. */
async function openHere(options: Partial<ServerOptions> & { readonly deps?: ServerOptions["deps"] } = {}): Promise<OpenServer> {
  const settings = { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000_000 };
  return await openServer({ deps: app, settings, version: "1.2.3", ...options });
}

/** What a stream says, as it comes. */
function hear(answer: Response): { readonly text: () => string; readonly isOver: () => boolean; readonly stop: () => Promise<void> } {
  let [text, isOver] = ["", false];
  const reader = answer.body?.getReader();
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) text += decoder.decode(next.value);
  };
  void read()
    .catch(() => undefined)
    .finally(() => {
      isOver = true;
    });
  return { text: () => text, isOver: () => isOver, stop: async () => await reader?.cancel() };
}

test("lets 64 listen at once, however many come, and makes place when one goes, even one that went before it was answered", async () => {
  const server = await openHere();
  const stop = new AbortController();
  try {
    const answers = await Promise.all(
      Array.from({ length: 70 }, async () => await fetch(`${server.url}/api/stream`, { signal: stop.signal })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(64);
    const refused = answers.filter(({ status }) => status === 503);
    expect([refused.length, refused[0]?.headers.get("retry-after")]).toEqual([6, "5"]);
    expect(await refused[0]?.json()).toMatchObject({ code: "STREAM_BUSY" });
    stop.abort();
    const { port } = new URL(server.url);
    for (let round = 0; round < 100; round++) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), "127.0.0.1", () => {
          socket.write(`GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`, () => socket.destroy());
        });
        socket.on("close", () => resolve());
      });
    }
    const again: Response[] = [];
    await waitFor("64 places to be free", async () => {
      const stopThese = new AbortController();
      const tried = await Promise.all(
        Array.from({ length: 64 }, async () => await fetch(`${server.url}/api/stream`, { signal: stopThese.signal })),
      );
      if (tried.some(({ status }) => status !== 200)) {
        stopThese.abort();
        return false;
      }
      again.push(...tried);
      return true;
    });
    expect(again).toHaveLength(64);
    await Promise.all(again.map(async ({ body }) => await body?.cancel()));
  } finally {
    await server.close();
  }
});

test("says that it lives after 15 silent seconds, with the place, though events come that this caller does not want", async () => {
  const clock = makeManualClock(Date.now());
  const server = await openHere({ deps: { ...app, clock } });
  try {
    const heard = hear(await fetch(`${server.url}/api/stream?kind=none.such`));
    await waitFor("the begin", async () => heard.text().includes("retry: 2000"));
    const [, begin = ""] = /id: (\d+)-/.exec(heard.text()) ?? [];
    for (let beat = 1; beat <= 3; beat++) {
      clock.advance(8_000);
      await put(`unwanted-${beat}`);
      clock.advance(8_000);
      await waitFor(`beat ${beat}`, async () => heard.text().split(": still here").length > beat);
    }
    const places = [...heard.text().matchAll(/: still here\nid: (\d+)-/g)].map(([, place]) => Number(place));
    expect(places.at(-1)).toBeGreaterThanOrEqual(Number(begin) + 2);
    expect(heard.text()).not.toContain("event:");
    await heard.stop();
  } finally {
    await server.close();
  }
});

test("tells who comes back after everything was deleted, or after the database was put back, what cannot be told", async () => {
  const { place } = await placeNow();
  for (const name of ["lost-1", "lost-2"]) await put(name);
  await waitFor("events to be handed out", async () => {
    const [row] = await app.database.query<{ n: number }>("select count(*)::int as n from stockroom.outbox where relayed_at is null");
    return row?.n === 0;
  });
  await app.database.query("delete from stockroom.outbox");
  const first = Number(place.split("-")[0]);
  const told: Told[] = [];
  const listening = (async () => {
    for await (const one of client.stream({ after: place })) {
      told.push(one);
      if (told.length === 2) break;
    }
  })();
  await waitFor("the gap", async () => told.length === 1);
  await put("after-the-gap");
  await listening;
  expect(told).toMatchObject([
    { event: "gap", data: { from: first + 1, to: first + 2 } },
    { event: "event", data: { subject: "streamed/after-the-gap" } },
  ]);
  // Whoever begins now has missed nothing.
  await app.database.query("delete from stockroom.outbox");
  const fresh = hear(await fetch(`${app.url}/api/stream`));
  await waitFor("the begin", async () => fresh.text().includes("retry: 2000"));
  await put("first-again");
  await waitFor("the event", async () => fresh.text().includes("streamed/first-again"));
  expect(fresh.text()).not.toContain("event: gap");
  await fresh.stop();
  // A place that this database has not reached.
  const ahead = hear(await fetch(`${app.url}/api/stream`, { headers: { "last-event-id": `${first + 1_000}-99999999999999` } }));
  await waitFor("the gap", async () => ahead.text().includes("event: gap"));
  await put("behind");
  await waitFor("the event", async () => ahead.text().includes("streamed/behind"));
  expect(ahead.text()).toContain(`"to":${first + 1_000}`);
  await ahead.stop();
});

test("tells whoever begins now of an event whose number was given before, but whose transaction ends later", async () => {
  const [written, slow] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const transaction = app.database.transaction(async (tx) => {
    await tx.query("insert into stockroom.outbox (kind, subject, data) values ('test.slow', 'late', '{}')");
    written.resolve();
    await slow.promise;
  });
  await written.promise;
  await put("before-begin");
  const heard = hear(await fetch(`${app.url}/api/stream`));
  await waitFor("the begin", async () => heard.text().includes("retry: 2000"));
  slow.resolve();
  await transaction;
  await put("after-begin");
  await waitFor("both", async () => heard.text().includes("streamed/after-begin") && heard.text().includes('"subject":"late"'));
  expect(heard.text().split('"subject":"late"')).toHaveLength(2);
  expect(heard.text()).not.toContain("before-begin");
  await heard.stop();
});

test("reads no further than a caller who does not read takes", async () => {
  const looks = { rows: 0 };
  const counted: Database = {
    ...app.database,
    url: app.database.url,
    query: async (sql, values) => {
      const rows = await app.database.query(sql, values);
      if (sql.includes("oldest_open") && sql.includes("outbox.id > $1")) looks.rows += rows.length;
      return rows as never;
    },
  };
  const server = await openHere({ deps: { ...app, database: counted } });
  try {
    const begin = hear(await fetch(`${server.url}/api/stream`));
    await waitFor("the begin", async () => begin.text().includes("retry: 2000"));
    const place = /^id: (\S+)$/m.exec(begin.text())?.[1] ?? "";
    await begin.stop();
    looks.rows = 0;
    const [many, bytes] = [8_000, 8_000];
    await app.database.query(
      "insert into stockroom.outbox (kind, subject, data, relayed_at) select 'test.many', 'many/' || n, jsonb_build_object('word', repeat('x', $2)), now() from generate_series(1, $1) n",
      [many, bytes],
    );
    const { port } = new URL(server.url);
    const socket = connect(Number(port), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.pause();
    socket.write(`GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nLast-Event-ID: ${place}\r\n\r\n`);
    let last = -1;
    await waitFor("the server to stop reading", async () => {
      const now = looks.rows;
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const isStill = now > 0 && now === last && now === looks.rows;
      last = looks.rows;
      return isStill;
    });
    // What the system takes for both ends, and one look.
    expect(looks.rows * bytes).toBeLessThan(24 * 1024 * 1024);
    expect(looks.rows).toBeLessThan(many / 2);
    socket.destroy();
  } finally {
    await server.close();
    await app.database.query("delete from stockroom.outbox where kind = 'test.many'");
  }
}, 120_000);

test("ends for whoever is let in no more, and keeps no session open", async () => {
  const clock: ManualClock = makeManualClock(Date.now());
  const identity = makeIdentity({
    database: app.database,
    clock,
    log: app.log,
    macKey: new Uint8Array(32),
    usersFile: app.usersFile,
    serverToken: "the-one-token-of-this-server",
    times: { idleMs: 60_000, longestMs: 3_600_000 },
    isLocal: true,
  });
  const server = await openHere({ deps: { ...app, clock }, entrance: makeEntrance({ identity }) });
  const stream = async (headers: Record<string, string>) => {
    const heard = hear(await fetch(`${server.url}/api/stream`, { headers }));
    await waitFor("the begin", async () => heard.text().includes("retry: 2000"));
    return heard;
  };
  try {
    const password = "a password of some length";
    const visitor = { address: "127.0.0.1", agent: "test" };
    const enter = async (name: string) => (await identity.signInByPassword(name, password, visitor)).secret;
    const cookieOf = (secret: string) => ({ cookie: `stockroom_session=${secret}` });
    for (const name of ["anna", "ben", "cleo"]) await identity.users.add(name, ["viewer"], password);
    const maker = { id: "server-token", roles: ["administrator"], via: "server-token" } as const;
    const { token, secret } = await identity.tokens.add({ name: "wall", roles: ["viewer"], days: 1, machine: true }, maker);
    const cleo = await enter("cleo");
    const open = {
      token: await stream({ authorization: `Bearer ${secret}` }),
      anna: await stream(cookieOf(await enter("anna"))),
      ben: await stream(cookieOf(await enter("ben"))),
      idle: await stream(cookieOf(cleo)),
      stays: await stream({ authorization: "Bearer the-one-token-of-this-server" }),
    };
    const isOver = (): Record<string, boolean> => Object.fromEntries(Object.entries(open).map(([name, one]) => [name, one.isOver()]));
    await identity.tokens.revoke(token.id, maker);
    await identity.users.remove("anna");
    await identity.sessions.end({ userId: "password:ben" });
    clock.advance(6_000);
    await waitFor("three to end", async () => ["token", "anna", "ben"].every((name) => isOver()[name]));
    expect(isOver()).toEqual({ token: true, anna: true, ben: true, idle: false, stays: false });
    // Listening for long is no use of a session.
    for (let second = 0; second < 60; second += 10) {
      clock.advance(10_000);
      await new Promise((resolve) => setTimeout(resolve, 1_100));
    }
    await waitFor("the idle session to end", async () => isOver()["idle"]);
    expect(isOver()["stays"]).toBe(false);
    expect((await fetch(`${server.url}/api/me`, { headers: cookieOf(cleo) })).status).toBe(401);
    await open.stays.stop();
  } finally {
    await server.close();
  }
}, 120_000);
