// Places: where DATABASE_URL says the server is: one host, several to try in turn, or a socket in a folder.
//
// Owns: the forms of the URL (RFC 3986 with libpq's extensions: several hosts, a socket folder as host). Does not own: connecting.
//   L1. No error shows the URL: it holds the password.
//   L2. What is given on is a URL of one place that every driver reads: a socket folder stands in `?host=`.

import { StockroomError } from "../errors.ts";

/** One place to connect to. `url` holds the password. */
export interface Place {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
}

const defaultPort = 5432;

/**
 * Reads `postgres://user:password@host:5432/name`, `postgres://a:5432,b:5433/name`, `postgres:///name?host=/run/postgresql` and
 * `postgres://%2Frun%2Fpostgresql/name`. Throws `RECORDS_BAD_URL` (input).
 */
export function parseDatabaseUrl(text: string): readonly [Place, ...Place[]] {
  const parts = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(text.trim());
  if (parts === null) throw badUrl();
  const [, login = "", authority = "", name = "", queryText = ""] = parts;
  const query = new URLSearchParams(queryText);
  const hosts = (query.get("host") ?? "").split(",").filter((host) => host !== "");
  const ports = (query.get("port") ?? "").split(",").filter((port) => port !== "");
  query.delete("host");
  query.delete("port");
  // libpq's own word for "go on to the next host"; ours always wants a server that takes writes.
  const attributes = query.get("target_session_attrs");
  if (attributes !== null && !["any", "read-write", "primary"].includes(attributes)) {
    throw badUrl("target_session_attrs read-write, primary or any");
  }
  query.delete("target_session_attrs");
  const written =
    hosts.length > 0 ? hosts.map((host, i) => `${bracketed(host)}:${ports[i] ?? ports[0] ?? defaultPort}`) : authority.split(",");
  const places = written.map((one) => placeOf(one, { login, name, query }));
  const [first, ...others] = places;
  if (first === undefined) throw badUrl();
  return [first, ...others];
}

const bracketed = (host: string): string => (host.startsWith("/") ? encodeURIComponent(host) : host.includes(":") ? `[${host}]` : host);

interface Rest {
  readonly login: string;
  readonly name: string;
  readonly query: URLSearchParams;
}

function placeOf(written: string, { login, name, query }: Rest): Place {
  const match = /^(\[[^\]]+\]|[^:]*)(?::(\d{1,5}))?$/.exec(written);
  if (match === null) throw badUrl();
  const host = decode(match[1] ?? "").replace(/^\[(.*)\]$/, "$1");
  const port = Number(match[2] ?? defaultPort);
  if (host === "" || port < 1 || port > 65_535) throw badUrl();
  const rest = new URLSearchParams(query);
  const socket = host.startsWith("/");
  if (socket) rest.set("host", host);
  const address = `${socket ? "localhost" : (match[1] ?? "")}:${port}`;
  const tail = rest.size === 0 ? "" : `?${rest.toString()}`;
  const url = `postgres://${login === "" ? "" : `${login}@`}${address}/${name}${tail}`;
  if (!URL.canParse(url)) throw badUrl();
  return { url, host, port, database: decode(name) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badUrl();
  }
}

function badUrl(what = "DATABASE_URL like postgres://user:password@host:5432/name"): StockroomError {
  return new StockroomError(
    "input",
    "RECORDS_BAD_URL",
    `Expected ${what} but got something else. Correct it; special characters in the password are written as %40 and the like, several hosts with commas, a socket folder as ?host=/run/postgresql.`,
  );
}
