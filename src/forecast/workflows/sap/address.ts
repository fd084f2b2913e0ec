// Addresses of an OData service: made from the settings, and the server's own links brought back to them.
//
//   L1. Whatever a link says, the request goes to the host and service path of the settings: links name inner hosts, and credentials go where
//       the request goes.
//   L2. Client, language and whatever else the settings' address asks for go with every request, links included. Tokens of a link are passed on
//       as they came.

import { StockroomError } from "../../../platform/errors.ts";

export interface ServiceSettings {
  /** The service; a query (`?sap-client=100`) is kept. */
  readonly url: string;
  readonly client?: string | undefined;
  readonly language?: string | undefined;
}

export interface ServiceAddress {
  /** The address itself. */
  here(): string;
  /** A resource of the service, `FactsOfZDEMAND`, with query options as `name=value`, encoded by the caller. */
  at(resource: string, options?: readonly string[]): string;
  /** A link as the server gave it, absolute or not. */
  follow(link: string, options?: readonly string[]): string;
}

const nameOf = (option: string): string => {
  const name = option.split("=", 1)[0] ?? "";
  try {
    return decodeURIComponent(name).toLowerCase();
  } catch {
    return name.toLowerCase();
  }
};

const optionsOf = (query: string): readonly string[] =>
  query
    .replace(/^\?/, "")
    .split("&")
    .filter((option) => option !== "");

/** Pure. */
export function makeAddress(settings: ServiceSettings): ServiceAddress {
  const base = new URL(settings.url);
  const path = base.pathname.replace(/\/+$/, "");
  const own = new Map(optionsOf(base.search).map((option) => [nameOf(option), option]));
  if (settings.client !== undefined) own.set("sap-client", `sap-client=${encodeURIComponent(settings.client)}`);
  if (settings.language !== undefined) own.set("sap-language", `sap-language=${encodeURIComponent(settings.language)}`);
  const join = (at: string, options: readonly string[]): string => {
    // What the settings say goes before what a link says: another client would be other data.
    const all = [...options.filter((option) => !own.has(nameOf(option))), ...own.values()];
    return `${base.origin}${at}${all.length === 0 ? "" : `?${all.join("&")}`}`;
  };
  return {
    here: () => join(base.pathname, []),
    at: (resource, options = []) => join(`${path}/${resource}`, options),
    follow(link, options = []) {
      const url = readLink(link, `${base.origin}${path}/`);
      const given = optionsOf(url.search);
      const named = new Set(given.map(nameOf));
      return join(insideService(path, url.pathname), [...given, ...options.filter((option) => !named.has(nameOf(option)))]);
    },
  };
}

/** Throws `input` `SAP_LINK` for what is no link of the web: its path could become part of the host's name. */
function readLink(link: string, from: string): URL {
  const url = URL.canParse(link, from) ? new URL(link, from) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new StockroomError(
    "input",
    "SAP_LINK",
    `Expected a link of the service (http, https or a path) in its answer but "${link.slice(0, 80)}" came. It was not followed. Check the service.`,
  );
}

/** The path of a link under the service's own path: a proxy may have another one outside than the gateway has inside. */
function insideService(path: string, pathname: string): string {
  if (pathname === path || pathname.startsWith(`${path}/`)) return pathname;
  const plain = (segment: string): string => (segment.split(";", 1)[0] ?? "").toLowerCase();
  const service = plain(path.split("/").at(-1) ?? "");
  const segments = pathname.split("/");
  const at = service === "" ? -1 : segments.findIndex((segment) => plain(segment) === service);
  return at < 0 ? pathname : [path, ...segments.slice(at + 1)].join("/");
}

/** The delta token that a link carries and nothing else: then it is no further page but where the changes since are to be had. */
export function isDeltaLink(link: string): boolean {
  const names = optionsOf(link.slice(link.indexOf("?") + 1)).map(nameOf);
  return names.some((name) => /^[!$]?deltatoken$/.test(name)) && !names.some((name) => /^[!$]?skip(?:token)?$/.test(name));
}

/** The token of a delta link, without quotes. */
export function deltaTokenOf(link: string): string | undefined {
  const option = optionsOf(link.slice(link.indexOf("?") + 1)).find((one) => /^[!$]?deltatoken$/.test(nameOf(one)));
  if (option === undefined) return undefined;
  const raw = option.slice(option.indexOf("=") + 1);
  let text = raw;
  try {
    text = decodeURIComponent(raw);
  } catch {
    // As it came.
  }
  return text.replace(/^'(.*)'$/, "$1");
}
