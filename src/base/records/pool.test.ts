import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testDatabase } from "../../../test/kit/database.ts";
import type { TestDatabase } from "../../../test/kit/database.ts";
import { makeMemoryLog } from "../log.ts";
import type { Records } from "./contract.ts";
import { openRecords } from "./open.ts";

let database: TestDatabase;
let records: Records;

beforeAll(async () => {
  database = await testDatabase();
  records = await openRecords({ url: database.url, home: "unused", log: makeMemoryLog(), migrations: [] });
});

afterAll(async () => {
  await records.close();
  await database.drop();
});

describe("values", () => {
  it("come as JSON can carry them", async () => {
    const [row] = await records.query(`
      select 9007199254740993::bigint as big, 1.10::numeric as exact, 7::int as small, 0.5::float8 as real,
        timestamptz '2026-06-01 12:00:00.123456+02' as at, timestamptz 'infinity' as never,
        date '2026-06-01' as day, timestamp '2026-06-01 12:00:00' as wall, '{"a":1}'::jsonb as json,
        array[1, null]::bigint[] as bigs, array[array['2026-01-01Z'::timestamptz]] as nested, '\\x01ff'::bytea as bytes, null as nothing`);
    expect(row).toEqual({
      big: "9007199254740993",
      exact: "1.10",
      small: 7,
      real: 0.5,
      at: "2026-06-01T10:00:00.123Z",
      never: "infinity",
      day: "2026-06-01",
      wall: "2026-06-01 12:00:00",
      json: { a: 1 },
      bigs: ["1", null],
      nested: [["2026-01-01T00:00:00.000Z"]],
      bytes: Buffer.from([1, 255]),
      nothing: null,
    });
  });
});
