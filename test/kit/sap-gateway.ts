// A stand-in for an SAP Gateway: OData V2 with ODP deltas, CSRF, $batch, RFC over SOAP, and faults on demand.
//
// It shares no code with our client. It is written from what SAP documents (ABAP data elements ODQ_CHANGEMODE and ODQ_ENTITYCNTR; "Using the OData
// service for extracting ODP data"; "Defining settings for idempotent services"; SAP KBA 2825795 as others quote it) and from what users of other
// ODP clients report in public (erpl-web issues 62, 94, 102, 169; meshql's notes on ODP; aws-lambda-sap-odp-extractor issue 6): each habit that
// was reported has a switch in `Habits`, off unless said.
//   G1. A page chain is a snapshot: rows that change while it is read belong to the next delta.
//   G2. A delta token gives the changes after it, however often it is asked; an unknown one is refused (410, or as the habit has it).
//   G3. With `repeatability: accepted` a repeated RequestID is answered from memory and carried out once; without it every POST is carried out.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface GatewayRow {
  readonly [field: string]: string | number;
}

export type Fault =
  | 400
  | 401
  | 403
  | 404
  | 406
  | 408
  | 410
  | 429
  | 500
  | 503
  | "slow"
  | "cut"
  | "cut-after"
  | "cut-middle"
  | "half"
  | "csrf"
  | "html"
  | "atom"
  | "redirect";

/** What real systems do and ours did not expect. */
export interface Habits {
  /** `after`: images after the change. `images`: before (U,-1) and after (U,1). `additive`: differences (U,0), images where a key changed. */
  readonly changes?: "after" | "images" | "additive";
  /** The field that additive changes add to. */
  readonly measure?: string;
  /** A deleted row comes with its keys, everything else null (counter 0). */
  readonly deletesByKey?: boolean;
  /** Changes of one package come in any order; ODQ_TSN, ODQ_UNITNO and ODQ_RECORDNO say the right one. */
  readonly shuffledUnits?: boolean;
  /** The last page gives the delta link as `__next`. */
  readonly deltaOnNext?: boolean;
  /** Pages are named by `!skiptoken` instead of `$skiptoken`. */
  readonly customSkipToken?: boolean;
  /** Links are relative: nothing but a query. */
  readonly bareLinks?: boolean;
  /** `self`: the next page is the same one; `two`: two pages name each other; `growing`: ever new addresses of the same rows. */
  readonly loop?: "self" | "two" | "growing";
  /** Tokens of other subscribers, listed by DeltaLinksOf with ours; `from`: the operation from which they give changes. */
  readonly foreignTokens?: readonly { readonly isInitialLoad: boolean; readonly laterMs: number; readonly from?: number }[];
  /** How a token that is not known is refused. Default 410. */
  readonly unknownToken?: { readonly status: number; readonly code: string; readonly text: string };
  /** Tokens that are known are refused in the same words. */
  readonly refusesDeltas?: boolean;
  /** A page chain is forgotten (410) when it is asked for its n-th page, so many times. */
  readonly forgetsPage?: { readonly page: number; times: number };
  /** Only requests that name this client are known; others meet the logon page. */
  readonly client?: string;
  /** The path of the service inside, behind a proxy that changes it. */
  readonly innerPath?: string;
  /** What the service says of repeats. Default accepted. `silent`: known, but not said. */
  readonly repeatability?: "accepted" | "rejected" | "none" | "silent" | undefined;
  /** POSTed rows are kept by these keys (a second POST overwrites) and can be read back from the target's set. */
  readonly target?: { readonly set: string; readonly keys: readonly string[] };
  /** What the function module does with its guard. Default `echo`: known, and given back. */
  readonly guard?: "echo" | "known" | "ignored";
  /** What happens to the rows once the first whole load has been given out. */
  readonly afterLoad?: (gateway: Gateway) => void;
  /** Edm types of $metadata; absent: there is none (404). */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface GatewayOptions {
  readonly set: string;
  readonly keys: readonly string[];
  /** Rows of the first load; made on the fly, so that a million cost nothing. */
  readonly count: number;
  readonly row: (index: number) => GatewayRow;
  readonly user?: string;
  readonly password?: string;
  /** OAuth tokens are good for so many requests; absent: basic only. */
  readonly tokenUses?: number;
  /** What befalls the n-th request (from 1), by its method and path. */
  readonly fault?: (n: number, request: { readonly method: string; readonly path: string }) => Fault | undefined;
  /** Refuses a posted row. */
  readonly refuse?: (row: Readonly<Record<string, unknown>>) => string | undefined;
  /** No `__delta` in the feed: tokens only in DeltaLinksOf. */
  readonly hideDelta?: boolean;
  readonly habits?: Habits;
}

export interface Gateway {
  readonly url: string;
  readonly soapUrl: string;
  readonly tokenUrl: string;
  change(mode: "C" | "U" | "D", row: GatewayRow): void;
  /** A row whose key changes: before image of the one, after image of the other. */
  move(from: GatewayRow, to: GatewayRow): void;
  /** A record of the delta as given, without a change of the rows. */
  emit(record: Readonly<Record<string, unknown>>): void;
  /** Everything is gone, and every token: what a reorganised system looks like. */
  empty(): void;
  forgetDeltas(): void;
  /** The rows as they stand now. */
  state(): ReadonlyMap<string, GatewayRow>;
  /** Rows taken by POST, $batch or SOAP, in order. */
  readonly taken: Readonly<Record<string, unknown>>[];
  /** Addresses asked for, in order. */
  readonly asked: string[];
  readonly counts: { requests: number; carriedOut: number; repeats: number; pages: number };
  setFault(fault: GatewayOptions["fault"]): void;
  setRefuse(refuse: GatewayOptions["refuse"]): void;
  setHabits(habits: Habits): void;
  close(): Promise<void>;
}

const root = "/sap/opu/odata/sap/ZDEMAND_SRV";

type Op = { readonly kind: "set" | "delete"; readonly row: GatewayRow } | { readonly kind: "none" } | { readonly kind: "clear" };
type WireRecord = Readonly<Record<string, unknown>>;
type Answered = { readonly status: number; readonly headers: Record<string, string>; readonly body: string };

const logonPage = `<!DOCTYPE html><html><head><title>Logon</title></head><body><form action="/sap/bc/sec" id="LOGIN_FORM"><input name="sap-user"></form></body></html>`;

/** The rows and what became of them: operations, and the records that a delta tells them by. */
class Book {
  readonly ops: { readonly op: Op; readonly records: readonly WireRecord[] }[] = [];
  readonly #options: GatewayOptions;
  readonly #habits: () => Habits;

  constructor(options: GatewayOptions, habits: () => Habits) {
    this.#options = options;
    this.#habits = habits;
  }

  keyOf(row: GatewayRow): string {
    return this.#options.keys.map((key) => String(row[key])).join("|");
  }

  stateAt(upTo: number): Map<string, GatewayRow> {
    const rows = new Map<string, GatewayRow>();
    for (let i = 0; i < this.#options.count; i++) {
      const row = this.#options.row(i);
      rows.set(this.keyOf(row), row);
    }
    for (const { op } of this.ops.slice(0, upTo)) {
      if (op.kind === "clear") rows.clear();
      else if (op.kind === "delete") rows.delete(this.keyOf(op.row));
      else if (op.kind === "set") rows.set(this.keyOf(op.row), op.row);
    }
    return rows;
  }

  change(mode: "C" | "U" | "D", row: GatewayRow): void {
    const { changes = "after", deletesByKey = false } = this.#habits();
    const before = changes === "after" ? undefined : this.stateAt(this.ops.length).get(this.keyOf(row));
    const records: WireRecord[] = [];
    if (mode === "D") {
      if (deletesByKey) records.push(this.#keysOnly(row));
      else records.push({ ...(changes === "after" ? row : this.#negated(before ?? row)), ODQ_CHANGEMODE: "D", ODQ_ENTITYCNTR: "-1" });
    } else if (before !== undefined && changes === "additive") {
      records.push({ ...row, [this.#measure()]: this.#difference(before, row), ODQ_CHANGEMODE: "U", ODQ_ENTITYCNTR: "0" });
    } else {
      if (before !== undefined) records.push({ ...this.#negated(before), ODQ_CHANGEMODE: "U", ODQ_ENTITYCNTR: "-1" });
      records.push({ ...row, ODQ_CHANGEMODE: mode, ODQ_ENTITYCNTR: "1" });
    }
    this.ops.push({ op: { kind: mode === "D" ? "delete" : "set", row }, records });
  }

  move(from: GatewayRow, to: GatewayRow): void {
    const gone = { ...this.#negated(from), ODQ_CHANGEMODE: "U", ODQ_ENTITYCNTR: "-1" };
    this.ops.push({ op: { kind: "delete", row: from }, records: [gone] });
    this.ops.push({ op: { kind: "set", row: to }, records: [{ ...to, ODQ_CHANGEMODE: "U", ODQ_ENTITYCNTR: "1" }] });
  }

  #measure(): string {
    return this.#habits().measure ?? "Quantity";
  }

  #negated(row: GatewayRow): GatewayRow {
    const text = String(row[this.#measure()]);
    return { ...row, [this.#measure()]: text.startsWith("-") ? text.slice(1) : /^0*(?:\.0*)?$/.test(text) ? text : `-${text}` };
  }

  #difference(before: GatewayRow, after: GatewayRow): string {
    return (Number(after[this.#measure()]) - Number(before[this.#measure()])).toFixed(3);
  }

  #keysOnly(row: GatewayRow): WireRecord {
    const empty = Object.fromEntries(Object.keys(row).map((field) => [field, this.#options.keys.includes(field) ? row[field] : null]));
    return { ...empty, ODQ_CHANGEMODE: "D", ODQ_ENTITYCNTR: "0" };
  }
}

export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const tokens = new Map<string, number>();
  const tokenList: { readonly token: string; readonly at: number; readonly isInitialLoad: boolean }[] = [];
  const access = new Map<string, number>();
  const answered = new Map<string, Answered>();
  const taken: Record<string, unknown>[] = [];
  const asked: string[] = [];
  const counts = { requests: 0, carriedOut: 0, repeats: 0, pages: 0 };
  const csrfTokens = new Set<string>();
  let { fault, refuse, habits = {} } = options;
  let serial = 0;
  const user = options.user ?? "stock";
  const password = options.password ?? "room";
  const book = new Book(options, () => habits);
  /** Named in links, as a gateway behind a proxy does. */
  const inner = (): string => `http://gateway.internal:8000${habits.innerPath ?? root}`;

  const server: Server = createServer((request, response) => {
    void handle(request, response).catch((error: unknown) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  });

  function send(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(body);
  }

  function refuseWith(
    response: ServerResponse,
    status: number,
    text: string,
    more: { readonly headers?: Record<string, string>; readonly code?: string } = {},
  ): void {
    const error = { code: more.code ?? `GW/${status}`, message: { lang: "en", value: text } };
    send(response, status, JSON.stringify({ error }), more.headers);
  }

  const sendHtml = (response: ServerResponse): void => send(response, 200, logonPage, { "content-type": "text/html; charset=utf-8" });

  function isKnown(request: IncomingMessage): boolean {
    const header = request.headers.authorization ?? "";
    if (header.startsWith("Basic ")) return Buffer.from(header.slice(6), "base64").toString() === `${user}:${password}`;
    if (!header.startsWith("Bearer ")) return false;
    const left = access.get(header.slice(7)) ?? 0;
    if (left <= 0) return false;
    access.set(header.slice(7), left - 1);
    return true;
  }

  /** Deals with a fault that ends the request before anything is done; true when it did. */
  function struck(what: Fault | undefined, request: IncomingMessage, response: ServerResponse): boolean {
    if (what === "slow") return true; // The caller's time-out ends it.
    if (what === "cut") request.socket.destroy();
    else if (what === "html") sendHtml(response);
    else if (what === "atom")
      send(response, 200, `<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"/>`, { "content-type": "application/atom+xml" });
    else if (what === "redirect") send(response, 302, "", { location: "https://idp.example.com/saml2/sso?SAMLRequest=abc" });
    else if (what === "csrf") {
      csrfTokens.clear();
      return false;
    } else if (typeof what === "number") {
      refuseWith(response, what, "injected", what === 429 ? { headers: { "retry-after": "0" } } : {});
    } else return false;
    return true;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://gateway");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString("utf8");
    counts.requests += 1;
    asked.push(`${request.method} ${decodeURIComponent(request.url ?? "")}`);
    const what = fault?.(counts.requests, { method: request.method ?? "", path: decodeURIComponent(url.pathname) });
    if (struck(what, request, response)) return;
    if (url.pathname === "/oauth/token") return giveToken(request, response, body);
    if (!isKnown(request)) return refuseWith(response, 401, "Logon failed");
    if (habits.client !== undefined && url.searchParams.get("sap-client") !== habits.client) return sendHtml(response);
    if (url.pathname === "/sap/bc/soap/rfc") return soap(request, response, body, what);
    if (!url.pathname.startsWith(root)) return refuseWith(response, 404, "no such service");
    const headers: Record<string, string> = {};
    if ((request.headers["x-csrf-token"] ?? "").toString().toLowerCase() === "fetch") {
      const token = `csrf-${(serial += 1)}`;
      csrfTokens.add(token);
      headers["x-csrf-token"] = token;
      headers["set-cookie"] = `SAP_SESSIONID=${token}; path=/; HttpOnly`;
    }
    const rest = decodeURIComponent(url.pathname.slice(root.length)).replace(/^\//, "");
    if (request.method === "GET") return read(request, response, url, rest, headers);
    const token = request.headers["x-csrf-token"];
    const cookie = /SAP_SESSIONID=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
    if (typeof token !== "string" || !csrfTokens.has(token) || cookie !== token) {
      return refuseWith(response, 403, "CSRF token validation failed", { headers: { "x-csrf-token": "Required" } });
    }
    post(request, response, rest, body, what);
  }

  function read(request: IncomingMessage, response: ServerResponse, url: URL, rest: string, headers: Record<string, string>): void {
    if (rest === "") return send(response, 200, JSON.stringify({ d: { EntitySets: [options.set] } }), headers);
    if (rest === "$metadata") return metadata(response);
    if (rest === `DeltaLinksOf${options.set}`) return send(response, 200, deltaLinks(), headers);
    if (habits.target !== undefined && rest === habits.target.set) return readBack(response, url.searchParams.get("$filter") ?? "");
    if (rest === options.set) return feed(request, response, url);
    return refuseWith(response, 404, `Resource not found for segment ${rest}`);
  }

  function post(request: IncomingMessage, response: ServerResponse, rest: string, body: string, what: Fault | undefined): void {
    const mode = habits.repeatability ?? "accepted";
    const remembers = mode === "accepted" || mode === "silent";
    const says: Record<string, string> = mode === "none" || mode === "silent" ? {} : { RepeatabilityResult: mode };
    const id = request.headers["requestid"];
    const known = remembers && typeof id === "string" ? answered.get(id) : undefined;
    if (known !== undefined) {
      counts.repeats += 1;
      response.writeHead(known.status, { ...known.headers, ...says });
      response.end(known.body);
      return;
    }
    counts.carriedOut += 1;
    const type = request.headers["content-type"] ?? "";
    const answer: Answered =
      rest === "$batch"
        ? batch(body, type, what === "half")
        : rest === options.set || rest === habits.target?.set
          ? single(body)
          : { status: 404, headers: {}, body: "" };
    if (remembers && typeof id === "string") answered.set(id, answer);
    if (what === "cut-after") return void request.socket.destroy();
    const headers = { ...answer.headers, ...(typeof id === "string" ? says : {}) };
    if (what === "cut-middle") return cutInTheMiddle(response, answer, headers);
    response.writeHead(answer.status, headers);
    response.end(answer.body);
  }

  /** Sends the first half of an answer, then the line is dead. */
  function cutInTheMiddle(response: ServerResponse, answer: Answered, headers: Record<string, string>): void {
    response.writeHead(answer.status, { ...headers, "content-length": String(Buffer.byteLength(answer.body)) });
    response.write(answer.body.slice(0, Math.floor(answer.body.length / 2)), () => response.socket?.destroy());
  }

  function giveToken(request: IncomingMessage, response: ServerResponse, body: string): void {
    const basic = Buffer.from((request.headers.authorization ?? "").slice(6), "base64").toString();
    if (basic !== `${user}:${password}` || !body.includes("grant_type=client_credentials"))
      return refuseWith(response, 401, "invalid_client");
    const token = `access-${(serial += 1)}`;
    access.set(token, options.tokenUses ?? Number.MAX_SAFE_INTEGER);
    send(response, 200, JSON.stringify({ access_token: token, token_type: "Bearer", expires_in: 60 }));
  }

  function metadata(response: ServerResponse): void {
    if (habits.metadata === undefined) return refuseWith(response, 404, "Resource not found for segment $metadata");
    const type = (name: string, keys: readonly string[]): string =>
      `<EntityType Name="${name}"><Key>${keys.map((key) => `<PropertyRef Name="${key}"/>`).join("")}</Key>${Object.entries(
        habits.metadata ?? {},
      )
        .map(([field, edm]) => `<Property Name="${field}" Type="${edm}"/>`)
        .join("")}</EntityType>`;
    const sets = [[options.set, options.keys] as const, ...(habits.target ? [[habits.target.set, habits.target.keys] as const] : [])];
    const body = `<?xml version="1.0"?><edmx:Edmx xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx" Version="1.0"><edmx:DataServices><Schema Namespace="ZDEMAND_SRV" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">${sets
      .map(([name, keys]) => type(`${name}Type`, keys))
      .join("")}<EntityContainer Name="C">${sets
      .map(([name]) => `<EntitySet Name="${name}" EntityType="ZDEMAND_SRV.${name}Type"/>`)
      .join("")}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>`;
    send(response, 200, body, { "content-type": "application/xml" });
  }

  /** Rows of the target as its keys have them; knows filters such as `(A eq 'x' and B eq 1) or (...)`. */
  function readBack(response: ServerResponse, filter: string): void {
    const keys = habits.target?.keys ?? [];
    const rows = new Map(taken.map((row) => [keys.map((key) => String(row[key])).join("|"), row]));
    const literal = (text: string): string => {
      const day = /^datetime'(.*)'$/.exec(text)?.[1];
      if (day !== undefined) return `/Date(${Date.parse(`${day}Z`)})/`;
      return text.startsWith("'") ? text.slice(1, -1).replaceAll("''", "'") : text.replace(/[mdlf]$/i, "");
    };
    const wanted = [...filter.matchAll(/\(([^()]*)\)/g)].map((group) =>
      [...(group[1] ?? "").matchAll(/(\w+) eq (datetime'[^']*'|'(?:[^']|'')*'|[^ )]+)/g)].map(
        (match) => [match[1] ?? "", literal(match[2] ?? "")] as const,
      ),
    );
    const results = [...rows.values()].filter(
      (row) => wanted.length === 0 || wanted.some((pairs) => pairs.every(([field, value]) => String(row[field]) === value)),
    );
    send(response, 200, JSON.stringify({ d: { results } }));
  }

  function newDelta(upTo: number, isInitialLoad: boolean): string {
    serial += 1;
    const token = `D20261123${String(100_000 + serial)}_${String(serial).padStart(9, "0")}`;
    tokens.set(token, upTo);
    tokenList.push({ token, at: Date.now(), isInitialLoad });
    return token;
  }

  function deltaLinks(): string {
    const mine = tokenList.filter((one) => tokens.has(one.token));
    const last = mine.at(-1)?.at ?? Date.now();
    const foreign = (habits.foreignTokens ?? []).map((one, index) => {
      const token = `D20991231000000_${index}`;
      if (one.from !== undefined) tokens.set(token, one.from);
      return { token, at: last + one.laterMs, isInitialLoad: one.isInitialLoad };
    });
    return JSON.stringify({
      d: {
        results: [...foreign, ...mine].map((one) => ({
          DeltaToken: one.token,
          CreatedAt: `/Date(${Math.floor(one.at / 1_000) * 1_000})/`,
          IsInitialLoad: one.isInitialLoad,
        })),
      },
    });
  }

  interface Chain {
    readonly kind: "full" | "delta";
    /** Operations from and up to which it tells. */
    readonly from: number;
    readonly upTo: number;
    /** The row its page begins with, and the page's number. */
    readonly at: number;
    readonly page: number;
  }

  function chainOf(url: URL): Chain | { readonly unknown: string } {
    const skip = url.searchParams.get("$skiptoken") ?? url.searchParams.get("!skiptoken");
    const deltaToken = (url.searchParams.get("!deltatoken") ?? "").replaceAll("'", "");
    if (skip !== null) {
      const [kind, from, upTo, at, page] = Buffer.from(skip, "base64url").toString().split(",");
      return { kind: kind === "delta" ? "delta" : "full", from: Number(from), upTo: Number(upTo), at: Number(at), page: Number(page) };
    }
    if (deltaToken === "") return { kind: "full", from: 0, upTo: book.ops.length, at: 0, page: 1 };
    const from = tokens.get(deltaToken);
    return from === undefined || habits.refusesDeltas === true
      ? { unknown: deltaToken }
      : { kind: "delta", from, upTo: book.ops.length, at: 0, page: 1 };
  }

  /** The changes of a package; when it comes out of order, its units say the right one. */
  function recordsOf(chain: Chain): readonly WireRecord[] {
    const records = book.ops.slice(chain.from, chain.upTo).flatMap((one) => one.records);
    if (habits.shuffledUnits !== true) return records;
    return records
      .map((record, index) => ({ ...record, ODQ_TSN: "20261123100000.000000001", ODQ_UNITNO: index + 1, ODQ_RECORDNO: 1 }))
      .toReversed();
  }

  function feed(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const prefer = String(request.headers["prefer"] ?? "");
    const size = Number(/maxpagesize=(\d+)/.exec(prefer)?.[1] ?? "1000000");
    const tracked = prefer.includes("odata.track-changes");
    const chain = chainOf(url);
    if ("unknown" in chain) {
      const said = habits.unknownToken ?? { status: 410, code: "GW/410", text: `Delta token ${chain.unknown} is not known any more` };
      return refuseWith(response, said.status, said.text, { code: said.code });
    }
    const { forgetsPage } = habits;
    if (forgetsPage !== undefined && chain.page === forgetsPage.page && forgetsPage.times > 0) {
      forgetsPage.times -= 1;
      return refuseWith(response, 410, "The page is gone");
    }
    counts.pages += 1;
    const all = chain.kind === "delta" ? recordsOf(chain) : undefined;
    const whole = all === undefined && chain.upTo > 0 ? [...book.stateAt(chain.upTo).values()] : undefined;
    const total = all?.length ?? whole?.length ?? options.count;
    const results: unknown[] = [];
    for (let i = chain.at; i < Math.min(total, chain.at + size); i++) {
      const row: WireRecord = all?.[i] ?? { ...(whole?.[i] ?? options.row(i)), ODQ_CHANGEMODE: "", ODQ_ENTITYCNTR: "1" };
      results.push({ __metadata: { id: `${options.set}(${i})`, type: "ZDEMAND_SRV.Row" }, ...row });
    }
    const d: Record<string, unknown> = { results, ...linksOf(chain, total, size, tracked) };
    send(response, 200, JSON.stringify({ d }), { "preference-applied": tracked ? "odata.track-changes" : "" });
  }

  let loads = 0;

  function linksOf(chain: Chain, total: number, size: number, tracked: boolean): Record<string, string> {
    const address = (query: string): string => (habits.bareLinks === true ? `?${query}` : `${inner()}/${options.set}?${query}`);
    const skipTo = (at: number, page: number): string => {
      const token = Buffer.from([chain.kind, chain.from, chain.upTo, at, page].join(",")).toString("base64url");
      return address(`${habits.customSkipToken === true ? "!" : "$"}skiptoken=${token}`);
    };
    const { loop } = habits;
    if (loop === "self" && chain.page > 1) return { __next: skipTo(chain.at, chain.page) };
    if (loop === "two" && chain.page > 2) return { __next: skipTo(chain.at - size, chain.page - 1) };
    if (loop === "growing" && chain.page > 1) return { __next: skipTo(chain.at, chain.page + 1) };
    if (chain.at + size < total) return { __next: skipTo(chain.at + size, chain.page + 1) };
    if (chain.kind === "full" && (loads += 1) === 1) habits.afterLoad?.(gateway);
    if (!tracked) return {};
    const link = address(`!deltatoken='${newDelta(chain.upTo, chain.kind === "full")}'`);
    if (options.hideDelta === true) return {};
    return habits.deltaOnNext === true ? { __next: link } : { __delta: link };
  }

  function take(row: Record<string, unknown>): string | undefined {
    const reason = refuse?.(row);
    if (reason === undefined) taken.push(row);
    return reason;
  }

  const errorBody = (reason: string): string =>
    JSON.stringify({
      error: {
        code: "ZFC/012",
        message: { lang: "en", value: reason },
        innererror: { errordetails: [{ code: "ZFC/012", message: reason, propertyref: "Quantity", severity: "error", target: "" }] },
      },
    });

  function single(body: string): Answered {
    const row: Record<string, unknown> = JSON.parse(body);
    const reason = take(row);
    return reason === undefined
      ? { status: 201, headers: { "content-type": "application/json" }, body: JSON.stringify({ d: row }) }
      : { status: 400, headers: { "content-type": "application/json" }, body: errorBody(reason) };
  }

  /** `half`: every row is carried out and only the first half of them is answered. */
  function batch(body: string, type: string, half: boolean): Answered {
    const boundary = /boundary=([^;]+)/.exec(type)?.[1] ?? "";
    const out: string[] = [];
    const sets = body.split(`--${boundary}`).slice(1, -1);
    for (const [index, set] of sets.entries()) {
      const answer: string[] = [];
      const inset = /boundary=(\S+)/.exec(set)?.[1];
      if (inset === undefined) {
        // A query outside a change set.
        answer.push(
          "--out",
          "Content-Type: application/http",
          "",
          "HTTP/1.1 200 OK",
          "Content-Type: application/json",
          "",
          '{"d":{"results":[]}}',
        );
      }
      for (const one of inset === undefined ? [] : set.split(`--${inset}`).slice(1, -1)) {
        const contentId = /content-id:\s*(\S+)/i.exec(one)?.[1] ?? "";
        const result = single(one.slice(one.indexOf("{"), one.lastIndexOf("}") + 1));
        const part = [
          "Content-Type: application/http",
          "content-transfer-encoding: binary",
          "",
          `HTTP/1.1 ${result.status} ${result.status === 201 ? "Created" : "Bad Request"}`,
          "Content-Type: application/json",
          `Content-Length: ${Buffer.byteLength(result.body)}`,
          ...(contentId === "" ? [] : [`content-id: ${contentId}`]),
          "",
          result.body,
        ];
        // A refused change set is answered without one, as the protocol has it.
        if (result.status < 300) answer.push("--out", "Content-Type: multipart/mixed; boundary=set", "", "--set", ...part, "--set--", "");
        else answer.push("--out", ...part);
      }
      if (!half || index < sets.length / 2) out.push(...answer);
    }
    out.push("--out--", "");
    return { status: 202, headers: { "content-type": "multipart/mixed; boundary=out" }, body: out.join("\r\n") };
  }

  function soap(request: IncomingMessage, response: ServerResponse, body: string, what: Fault | undefined): void {
    const xml = { "content-type": "text/xml" };
    const envelope = (inside: string): string =>
      `<?xml version="1.0"?><soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/"><soap-env:Body>${inside}</soap-env:Body></soap-env:Envelope>`;
    if (!body.includes(":Z_FORECAST_IMPORT ")) {
      response.writeHead(500, xml);
      response.end(
        envelope(
          "<soap-env:Fault><faultcode>soap-env:Client</faultcode><faultstring>Function module not found</faultstring></soap-env:Fault>",
        ),
      );
      return;
    }
    const guard = habits.guard ?? "echo";
    const id = guard === "ignored" ? undefined : /<IV_REQUEST_ID>([^<]*)</.exec(body)?.[1];
    const known = id === undefined ? undefined : answered.get(id);
    if (known !== undefined) {
      counts.repeats += 1;
      response.writeHead(200, xml);
      response.end(known.body);
      return;
    }
    counts.carriedOut += 1;
    const returns: string[] = [];
    for (const [index, item] of body.split("<item>").slice(1).entries()) {
      const row = Object.fromEntries([...item.matchAll(/<([A-Z_]+)>([^<]*)<\/\1>/g)].map((match) => [match[1] ?? "", match[2] ?? ""]));
      const reason = take(row);
      const [type, text] = reason === undefined ? ["S", "taken"] : ["E", reason];
      returns.push(
        `<item><TYPE>${type}</TYPE><ID>ZFC</ID><NUMBER>012</NUMBER><MESSAGE>${text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</MESSAGE><ROW>${index + 1}</ROW><FIELD>QUANTITY</FIELD></item>`,
      );
    }
    const echo = guard === "echo" && id !== undefined ? `<EV_REQUEST_ID>${id}</EV_REQUEST_ID>` : "";
    const answer = envelope(
      `<n0:Z_FORECAST_IMPORTResponse xmlns:n0="urn:sap-com:document:sap:rfc:functions">${echo}<ET_RETURN>${returns.join("")}</ET_RETURN></n0:Z_FORECAST_IMPORTResponse>`,
    );
    if (id !== undefined) answered.set(id, { status: 200, headers: {}, body: answer });
    if (what === "cut-after") return void request.socket.destroy();
    if (what === "cut-middle") return cutInTheMiddle(response, { status: 200, headers: {}, body: answer }, xml);
    response.writeHead(200, xml);
    response.end(answer);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const gateway: Gateway = {
    url: `${origin}${root}`,
    soapUrl: `${origin}/sap/bc/soap/rfc`,
    tokenUrl: `${origin}/oauth/token`,
    change: (mode, row) => book.change(mode, row),
    move: (from, to) => book.move(from, to),
    emit: (record) => void book.ops.push({ op: { kind: "none" }, records: [record] }),
    empty: () => {
      book.ops.push({ op: { kind: "clear" }, records: [] });
      tokens.clear();
    },
    forgetDeltas: () => tokens.clear(),
    state: () => book.stateAt(book.ops.length),
    taken,
    asked,
    counts,
    setFault: (next) => (fault = next),
    setRefuse: (next) => (refuse = next),
    setHabits: (next) => (habits = next),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return gateway;
}
