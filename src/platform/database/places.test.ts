import * as fc from "fast-check";
import { expect, it } from "vitest";
import { parseDatabaseUrl } from "./places.ts";

const shown = (url: string): string[] => parseDatabaseUrl(url).map((place) => `${place.host}:${place.port}/${place.database}`);

it("reads one host, several, and socket folders in each of their forms", () => {
  expect(shown("postgres://me:pw@db.example.com/shop")).toEqual(["db.example.com:5432/shop"]);
  expect(shown("postgresql://db:6432/shop?sslmode=require")).toEqual(["db:6432/shop"]);
  expect(shown("postgres://me@a:5433,b,c:5434/shop?target_session_attrs=read-write")).toEqual([
    "a:5433/shop",
    "b:5432/shop",
    "c:5434/shop",
  ]);
  expect(shown("postgres:///shop?host=a,b&port=1,2")).toEqual(["a:1/shop", "b:2/shop"]);
  expect(shown("postgres://[::1]:5433/shop")).toEqual(["::1:5433/shop"]);
  expect(shown("postgres:///shop?host=/run/postgresql")).toEqual(["/run/postgresql:5432/shop"]);
  expect(shown("postgres://me@%2Frun%2Fpostgresql:5433/shop")).toEqual(["/run/postgresql:5433/shop"]);
});

it("gives on one URL a place, with all that is not about the place", () => {
  expect(parseDatabaseUrl("postgres://me:p%40w@a,b:1/shop?sslmode=require")[1]?.url).toBe("postgres://me:p%40w@b:1/shop?sslmode=require");
  expect(parseDatabaseUrl("postgres://me@%2Frun/shop")[0].url).toBe("postgres://me@localhost:5432/shop?host=%2Frun");
});

it("refuses everything else without showing it", () => {
  for (const url of [
    "mysql://a/b",
    "postgres://",
    "postgres://a:99999/b",
    "postgres://a:x/b",
    "postgres://a,/b",
    "postgres://a/b?target_session_attrs=standby",
  ]) {
    expect(() => parseDatabaseUrl(url)).toThrow(expect.objectContaining({ code: "RECORDS_BAD_URL" }));
  }
  const said = (text: string): string => {
    try {
      return `read ${parseDatabaseUrl(text).length}`;
    } catch (thrown) {
      return String(thrown);
    }
  };
  const long = fc.string({ minLength: 31 });
  fc.assert(fc.property(long, (text) => !said(text).includes(text) && /^read \d|^StockroomError: Expected /.test(said(text))));
});
