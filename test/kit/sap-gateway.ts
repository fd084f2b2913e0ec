// A stand-in for an SAP Gateway: OData V2 with ODP deltas, CSRF, $batch with idempotent requests, RFC over SOAP, and faults on demand.
//
// It is written from SAP's documents, not from our client, and shares no code with it.
//   G1. A page chain is a snapshot: rows that change while it is read belong to the next delta.
//   G2. A delta token gives the changes after it, however often it is asked; an unknown one is refused with 410.
//   G3. A repeated RequestID is answered from memory (RepeatabilityResult: accepted) and carried out once; `carriedOut` counts.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface GatewayRow {
  readonly [field: string]: string | number;
}

export type Fault = 401 | 403 | 429 | 500 | 503 | "slow" | "cut" | "cut-after" | "csrf";

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
}

export interface Gateway {
  readonly url: string;
  readonly soapUrl: string;
  readonly tokenUrl: string;
  change(mode: "C" | "U" | "D", row: GatewayRow): void;
  forgetDeltas(): void;
  /** The rows as they stand now. */
  state(): ReadonlyMap<string, GatewayRow>;
  /** Rows taken by POST, $batch or SOAP, in order. */
  readonly taken: Readonly<Record<string, unknown>>[];
  readonly counts: { requests: number; carriedOut: number; repeats: number; pages: number };
  setFault(fault: GatewayOptions["fault"]): void;
  setRefuse(refuse: GatewayOptions["refuse"]): void;
  close(): Promise<void>;
}

const root = "/sap/opu/odata/sap/ZDEMAND_SRV";

export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const changes: { readonly mode: "C" | "U" | "D"; readonly row: GatewayRow }[] = [];
  const tokens = new Map<string, number>();
  const tokenTimes: { readonly token: string; readonly at: number }[] = [];
  const access = new Map<string, number>();
  const answered = new Map<string, { readonly status: number; readonly headers: Record<string, string>; readonly body: string }>();
  const taken: Record<string, unknown>[] = [];
  const counts = { requests: 0, carriedOut: 0, repeats: 0, pages: 0 };
  const csrfTokens = new Set<string>();
  let { fault, refuse } = options;
  let serial = 0;
  const user = options.user ?? "stock";
  const password = options.password ?? "room";
  const keyOf = (row: GatewayRow): string => options.keys.map((key) => String(row[key])).join("|");

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

  function refuseWith(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
    send(response, status, JSON.stringify({ error: { code: `GW/${status}`, message: { lang: "en", value: text } } }), headers);
  }

  function isKnown(request: IncomingMessage): boolean {
    const header = request.headers.authorization ?? "";
    if (header.startsWith("Basic ")) return Buffer.from(header.slice(6), "base64").toString() === `${user}:${password}`;
    if (!header.startsWith("Bearer ")) return false;
    const left = access.get(header.slice(7)) ?? 0;
    if (left <= 0) return false;
    access.set(header.slice(7), left - 1);
    return true;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://gateway");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString("utf8");
    counts.requests += 1;
    const what = fault?.(counts.requests, { method: request.method ?? "", path: decodeURIComponent(url.pathname) });
    if (what === "slow") return; // The caller's time-out ends it.
    if (what === "cut") return void request.socket.destroy();
    if (what === "csrf") {
      csrfTokens.clear();
    } else if (typeof what === "number") {
      return refuseWith(response, what, "injected", what === 429 ? { "retry-after": "0" } : {});
    }
    if (url.pathname === "/oauth/token") return giveToken(request, response, body);
    if (!isKnown(request)) return refuseWith(response, 401, "Logon failed");
    if (url.pathname === "/sap/bc/soap/rfc") return soap(response, body, what === "cut-after" ? () => request.socket.destroy() : undefined);
    if (!url.pathname.startsWith(root)) return refuseWith(response, 404, "no such service");
    const headers: Record<string, string> = {};
    if ((request.headers["x-csrf-token"] ?? "").toString().toLowerCase() === "fetch") {
      const token = `csrf-${(serial += 1)}`;
      csrfTokens.add(token);
      headers["x-csrf-token"] = token;
      headers["set-cookie"] = `SAP_SESSIONID=${token}; path=/; HttpOnly`;
    }
    const rest = decodeURIComponent(url.pathname.slice(root.length)).replace(/^\//, "");
    if (request.method === "GET") {
      if (rest === "") return send(response, 200, JSON.stringify({ d: { EntitySets: [options.set] } }), headers);
      if (rest === `DeltaLinksOf${options.set}`) return send(response, 200, deltaLinks(), headers);
      if (rest === options.set) return feed(request, response, url);
      return refuseWith(response, 404, `Resource not found for segment ${rest}`);
    }
    const token = request.headers["x-csrf-token"];
    const cookie = /SAP_SESSIONID=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
    if (typeof token !== "string" || !csrfTokens.has(token) || cookie !== token) {
      return refuseWith(response, 403, "CSRF token validation failed", { "x-csrf-token": "Required" });
    }
    const id = request.headers["requestid"];
    const known = typeof id === "string" ? answered.get(id) : undefined;
    if (known !== undefined) {
      counts.repeats += 1;
      response.writeHead(known.status, { ...known.headers, RepeatabilityResult: "accepted" });
      response.end(known.body);
      return;
    }
    counts.carriedOut += 1;
    const answer =
      rest === "$batch"
        ? batch(body, request.headers["content-type"] ?? "")
        : rest === options.set
          ? single(body)
          : { status: 404, headers: {}, body: "" };
    if (typeof id === "string") answered.set(id, answer);
    if (what === "cut-after") return void request.socket.destroy();
    response.writeHead(answer.status, { ...answer.headers, ...(typeof id === "string" ? { RepeatabilityResult: "accepted" } : {}) });
    response.end(answer.body);
  }

  function giveToken(request: IncomingMessage, response: ServerResponse, body: string): void {
    const basic = Buffer.from((request.headers.authorization ?? "").slice(6), "base64").toString();
    if (basic !== `${user}:${password}` || !body.includes("grant_type=client_credentials"))
      return refuseWith(response, 401, "invalid_client");
    const token = `access-${(serial += 1)}`;
    access.set(token, options.tokenUses ?? Number.MAX_SAFE_INTEGER);
    send(response, 200, JSON.stringify({ access_token: token, token_type: "Bearer", expires_in: 60 }));
  }

  function newDelta(upTo: number): string {
    const token = `D20261123_${(serial += 1)}`;
    tokens.set(token, upTo);
    tokenTimes.push({ token, at: Date.UTC(2026, 10, 23) + serial * 1_000 });
    return token;
  }

  function deltaLinks(): string {
    return JSON.stringify({
      d: {
        results: tokenTimes
          .filter((one) => tokens.has(one.token))
          .map((one) => ({ DeltaToken: one.token, CreatedAt: `/Date(${one.at})/`, IsInitialLoad: false })),
      },
    });
  }

  function feed(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const prefer = String(request.headers["prefer"] ?? "");
    const size = Number(/maxpagesize=(\d+)/.exec(prefer)?.[1] ?? "1000000");
    const tracked = prefer.includes("odata.track-changes");
    const skip = url.searchParams.get("$skiptoken");
    const deltaToken = (url.searchParams.get("!deltatoken") ?? "").replaceAll("'", "");
    // kind, begin, end of the change log at the start of the chain, position
    let chain: { readonly kind: "full" | "delta"; readonly from: number; readonly upTo: number; readonly at: number };
    if (skip !== null) {
      const [kind, from, upTo, at] = Buffer.from(skip, "base64url").toString().split(",");
      chain = { kind: kind === "delta" ? "delta" : "full", from: Number(from), upTo: Number(upTo), at: Number(at) };
    } else if (deltaToken !== "") {
      const from = tokens.get(deltaToken);
      if (from === undefined) return refuseWith(response, 410, `Delta token ${deltaToken} is not known any more`);
      chain = { kind: "delta", from, upTo: changes.length, at: 0 };
    } else {
      chain = { kind: "full", from: 0, upTo: changes.length, at: 0 };
    }
    counts.pages += 1;
    const all = chain.kind === "delta" ? changes.slice(chain.from, chain.upTo) : undefined;
    const whole = all === undefined && chain.upTo > 0 ? [...stateAt(chain.upTo).values()] : undefined;
    const total = all?.length ?? whole?.length ?? options.count;
    const results: unknown[] = [];
    for (let i = chain.at; i < Math.min(total, chain.at + size); i++) {
      const change = all?.[i];
      const row = change?.row ?? whole?.[i] ?? options.row(i);
      results.push({
        __metadata: { id: `${options.set}(${i})`, type: "ZDEMAND_SRV.Row" },
        ...row,
        ...(change === undefined ? {} : { ODQ_CHANGEMODE: change.mode, ODQ_ENTITYCNTR: change.mode === "D" ? "-1" : "1" }),
      });
    }
    const next = chain.at + size;
    const d: Record<string, unknown> = { results };
    if (next < total) {
      const token = Buffer.from([chain.kind, chain.from, chain.upTo, next].join(",")).toString("base64url");
      // By its inner name, as a gateway behind a proxy does.
      d["__next"] = `http://gateway.internal:8000${root}/${options.set}?$skiptoken=${token}`;
    } else if (tracked) {
      const token = newDelta(chain.upTo);
      if (options.hideDelta !== true) d["__delta"] = `http://gateway.internal:8000${root}/${options.set}?!deltatoken='${token}'`;
    }
    send(response, 200, JSON.stringify({ d }), { "preference-applied": tracked ? "odata.track-changes" : "" });
  }

  function stateAt(upTo: number): Map<string, GatewayRow> {
    const rows = new Map<string, GatewayRow>();
    for (let i = 0; i < options.count; i++) {
      const row = options.row(i);
      rows.set(keyOf(row), row);
    }
    for (const change of changes.slice(0, upTo)) {
      if (change.mode === "D") rows.delete(keyOf(change.row));
      else rows.set(keyOf(change.row), change.row);
    }
    return rows;
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

  function single(body: string): { status: number; headers: Record<string, string>; body: string } {
    const row: Record<string, unknown> = JSON.parse(body);
    const reason = take(row);
    return reason === undefined
      ? { status: 201, headers: { "content-type": "application/json" }, body: JSON.stringify({ d: row }) }
      : { status: 400, headers: { "content-type": "application/json" }, body: errorBody(reason) };
  }

  function batch(body: string, type: string): { status: number; headers: Record<string, string>; body: string } {
    const boundary = /boundary=([^;]+)/.exec(type)?.[1] ?? "";
    const out: string[] = [];
    for (const set of body.split(`--${boundary}`).slice(1, -1)) {
      const inner = /boundary=(\S+)/.exec(set)?.[1] ?? "";
      const requests = set.split(`--${inner}`).slice(1, -1);
      for (const one of requests) {
        const contentId = /content-id:\s*(\S+)/i.exec(one)?.[1] ?? "";
        const json = one.slice(one.indexOf("{"), one.lastIndexOf("}") + 1);
        const result = single(json);
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
        if (result.status < 300) out.push("--out", "Content-Type: multipart/mixed; boundary=set", "", "--set", ...part, "--set--", "");
        else out.push("--out", ...part);
      }
    }
    out.push("--out--", "");
    return { status: 202, headers: { "content-type": "multipart/mixed; boundary=out" }, body: out.join("\r\n") };
  }

  function soap(response: ServerResponse, body: string, cut: (() => void) | undefined): void {
    if (!body.includes(":Z_FORECAST_IMPORT ")) {
      response.writeHead(500, { "content-type": "text/xml" });
      response.end(
        `<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/"><soap-env:Body><soap-env:Fault><faultcode>soap-env:Client</faultcode><faultstring>Function module not found</faultstring></soap-env:Fault></soap-env:Body></soap-env:Envelope>`,
      );
      return;
    }
    const id = /<IV_REQUEST_ID>([^<]*)</.exec(body)?.[1];
    const known = id === undefined ? undefined : answered.get(id);
    if (known !== undefined) {
      counts.repeats += 1;
      response.writeHead(200, { "content-type": "text/xml" });
      response.end(known.body);
      return;
    }
    counts.carriedOut += 1;
    const returns: string[] = [];
    const items = body.split("<item>").slice(1);
    for (const [index, item] of items.entries()) {
      const row = Object.fromEntries([...item.matchAll(/<([A-Z_]+)>([^<]*)<\/\1>/g)].map((match) => [match[1] ?? "", match[2] ?? ""]));
      const reason = take(row);
      const [type, text] = reason === undefined ? ["S", "taken"] : ["E", reason];
      returns.push(
        `<item><TYPE>${type}</TYPE><ID>ZFC</ID><NUMBER>012</NUMBER><MESSAGE>${text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</MESSAGE><ROW>${index + 1}</ROW><FIELD>QUANTITY</FIELD></item>`,
      );
    }
    const answer = `<?xml version="1.0"?><soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/"><soap-env:Body><n0:Z_FORECAST_IMPORTResponse xmlns:n0="urn:sap-com:document:sap:rfc:functions"><ET_RETURN>${returns.join("")}</ET_RETURN></n0:Z_FORECAST_IMPORTResponse></soap-env:Body></soap-env:Envelope>`;
    if (id !== undefined) answered.set(id, { status: 200, headers: {}, body: answer });
    if (cut !== undefined) return cut();
    response.writeHead(200, { "content-type": "text/xml" });
    response.end(answer);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    url: `${origin}${root}`,
    soapUrl: `${origin}/sap/bc/soap/rfc`,
    tokenUrl: `${origin}/oauth/token`,
    change: (mode, row) => void changes.push({ mode, row }),
    forgetDeltas: () => tokens.clear(),
    state: () => stateAt(changes.length),
    taken,
    counts,
    setFault: (next) => (fault = next),
    setRefuse: (next) => (refuse = next),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
