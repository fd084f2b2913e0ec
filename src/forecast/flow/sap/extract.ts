// Extract: an entity set of SAP into a file of the store, whole the first time, by deltas from then on.
//
//   X1. Each page is a step: it is a sealed object before the next one is asked for, so a resumed extraction goes on at the page where it stood.
//   X2. The delta link replaces the former one in the transaction that makes the new replica and the new file visible (store/sap.ts A1):
//       until then everything can be asked for again, after it nothing is asked for twice.
//   X3. A delta link the server no longer knows leads to a new first load, told in a notice; the file shows no trace of it.
//   X4. SAP bars ODP by RFC for third parties, so this speaks OData only.

import { createHash } from "node:crypto";
import { isStockroomError, StockroomError } from "../../../base/errors.ts";
import { faultPoint } from "../../../base/faults.ts";
import { writeTable } from "../../../base/tables/index.ts";
import type { RunContext, WorkflowDefinition } from "../../../base/workflow/contract.ts";
import { prefixes, type ObjectRef } from "../../store/keys.ts";
import { findSource, moveSource } from "../../store/sap.ts";
import { actAs, timeOf, type ForecastParts } from "../parts.ts";
import { changeColumn, fieldsOf, foldJob } from "./fold-job.ts";
import { openSession, parseCredentials, placeOf, type Credentials, type Session } from "./session.ts";
import type { SapSource } from "./settings.ts";
import { plainText, readDeltaLinks, readMessages, readPage, type Page } from "./wire.ts";

/** `requestedAt` makes two requests two runs. `afresh` loads everything although a delta would do. */
export type ExtractInput = { readonly source: string; readonly requestedAt: string; readonly afresh?: boolean };

export type ExtractResult = {
  readonly kind: "full" | "delta";
  readonly pages: number;
  readonly set: number;
  readonly deleted: number;
  readonly rows: number;
  /** The file that was written. */
  readonly key: string;
};

type Begun = { readonly generation: number; readonly delta: string | null; readonly replica: ObjectRef | null };

type PageKept = { readonly rows: number; readonly object: ObjectRef; readonly next: string | null; readonly delta: string | null };

export function makeSapExtract(parts: ForecastParts): WorkflowDefinition<ExtractInput, ExtractResult> {
  return {
    name: "forecast.sap.extract",
    queue: "forecast.sap",
    title: (input) => `fetch ${input.source} from SAP`,
    run: async (context, input) => {
      const source = getSource(parts, input.source);
      const begun = await context.step("begin", async (): Promise<Begun> => {
        const known = input.afresh === true ? undefined : await findSource(parts.records, source.name);
        const row = known ?? (await findSource(parts.records, source.name));
        return {
          generation: row?.generation ?? 0,
          delta: source.track && known !== undefined ? known.deltaLink : null,
          replica: source.track && known !== undefined && known.deltaLink !== null ? known.replica : null,
        };
      });
      const session = makeLazySession(parts, source, context.runId);
      const read = await readChain(parts, context, source, session, begun);
      const delta =
        read.delta ??
        (source.track ? await context.step("delta-links", async (signal) => await askDeltaLink(source, await session(), signal)) : null);
      const folded = await context.step(
        "fold",
        async (signal) =>
          await fold(parts, context, source, { ...begun, replica: read.full ? null : begun.replica }, read.pages, delta, signal),
      );
      await context.step("clean", async () => {
        const actor = actAs("fetch", context.runId);
        for (const page of read.pages) await parts.objects.remove(actor, page.key).catch(ignoreMissing);
        return null;
      });
      return { kind: read.full ? "full" : "delta", pages: read.pages.length, ...folded };
    },
  };
}

function ignoreMissing(error: unknown): void {
  if (isStockroomError(error) && error.kind === "missing") return;
  throw error;
}

/** Throws `missing` `SAP_SOURCE_MISSING` naming those there are. */
export function getSource(parts: Pick<ForecastParts, "settings">, name: string): SapSource {
  const { sources } = parts.settings.sap;
  const found = sources.find((source) => source.name === name);
  if (found !== undefined) return found;
  throw new StockroomError(
    "missing",
    "SAP_SOURCE_MISSING",
    `Expected a source named "${name}" in the settings (forecast.sap.sources) but ${sources.length === 0 ? "there is none" : `there are ${sources.map((one) => one.name).join(", ")}`}.`,
  );
}

/** Reads the credentials a source or target names. */
export async function readCredentials(
  parts: Pick<ForecastParts, "objects">,
  role: "fetch" | "deliver",
  purpose: string,
  key: string | undefined,
): Promise<Credentials | undefined> {
  if (key === undefined) return undefined;
  return parseCredentials(await parts.objects.read(actAs(role, purpose), key, { maxBytes: 65_536 }), key);
}

/** One session for all pages of a run, opened when the first step needs it. */
function makeLazySession(parts: ForecastParts, source: SapSource, runId: string): () => Promise<Session> {
  let opened: Promise<Session> | undefined;
  return async () => {
    opened ??= readCredentials(parts, "fetch", runId, source.credentials).then((credentials) =>
      openSession({ credentials, tries: source.tries, pauseMs: source.pauseMs, timeoutMs: source.timeoutMs }),
    );
    return await opened;
  };
}

/** The file of the group a source writes. */
export function fileKeyOf(source: Pick<SapSource, "group" | "file">): string {
  return `${prefixes.train}${source.group}${source.file === "target" ? "" : `.${source.file}`}.csv`;
}

interface Chain {
  readonly full: boolean;
  readonly pages: readonly ObjectRef[];
  readonly delta: string | null;
}

async function readChain(
  parts: ForecastParts,
  context: RunContext,
  source: SapSource,
  session: () => Promise<Session>,
  begun: Begun,
): Promise<Chain> {
  const changed = begun.delta === null ? undefined : await followPages(parts, context, source, session, "delta", begun.delta);
  if (changed !== undefined) return { full: false, ...changed };
  const whole = await followPages(parts, context, source, session, "full", firstAddress(source));
  if (whole === undefined)
    throw new StockroomError("fault", "SAP_ANSWER", `Expected ${placeOf(source.url)} to give the first page of ${source.set}.`);
  return { full: true, ...whole };
}

/** Pages one after another, each a step; `undefined` when the server no longer knows the delta link it began with. */
async function followPages(
  parts: ForecastParts,
  context: RunContext,
  source: SapSource,
  session: () => Promise<Session>,
  kind: "delta" | "full",
  first: string,
): Promise<{ readonly pages: readonly ObjectRef[]; readonly delta: string | null } | undefined> {
  const pages: ObjectRef[] = [];
  let rows = 0;
  let address = first;
  for (let number = 1; ; number++) {
    const kept = await context.step(`${kind}-page-${number}`, async (signal): Promise<PageKept | { readonly expired: true }> => {
      const page = await askPage(source, await session(), address, kind === "delta" && number === 1, signal);
      if (page === undefined) {
        await tellExpired(parts, context.runId, source);
        return { expired: true };
      }
      return await keepPage(parts, context.runId, source, `${kind}-${String(number).padStart(6, "0")}`, page, signal);
    });
    if ("expired" in kept) return undefined;
    faultPoint("forecast.sap.page");
    pages.push(kept.object);
    rows += kept.rows;
    context.progress(rows, 0, `rows in ${number} pages`);
    if (kept.next === null) return { pages, delta: kept.delta };
    if (kept.next === address) {
      throw new StockroomError(
        "fault",
        "SAP_PAGE_LOOP",
        `Expected the next page of ${source.set} but the server's link leads to the same one again.`,
      );
    }
    address = kept.next;
  }
}

function firstAddress(source: SapSource): string {
  const query = new URLSearchParams({ $format: "json" });
  if (source.filter !== undefined) query.set("$filter", source.filter);
  // A plus is a plus to some gateways, not a blank.
  return `${source.url.replace(/\/+$/, "")}/${source.set}?${query.toString().replaceAll("+", "%20")}`;
}

/** A link as the server gave it: absolute or not, and never to another server, which would be handed our credentials. */
function resolveLink(source: SapSource, link: string): string {
  const base = new URL(`${source.url.replace(/\/+$/, "")}/`);
  const url = new URL(link, base);
  if (url.origin !== base.origin) {
    // Behind a proxy the gateway names itself by its inner host; the path is what counts.
    url.protocol = base.protocol;
    url.host = base.host;
  }
  if (!url.searchParams.has("$format")) return `${url.href}${url.search === "" ? "?" : "&"}$format=json`;
  return url.href;
}

async function askPage(
  source: SapSource,
  session: Session,
  link: string,
  mayExpire: boolean,
  signal: AbortSignal,
): Promise<Page | undefined> {
  const url = resolveLink(source, link);
  const prefer = [`odata.maxpagesize=${source.pageRows}`, ...(source.track ? ["odata.track-changes"] : [])].join(", ");
  const answer = await session.send(url, { method: "GET", repeatable: true, headers: { accept: "application/json", prefer } }, signal);
  if (mayExpire && (answer.status === 410 || answer.status === 404 || (answer.status === 400 && /delta|token/i.test(answer.text))))
    return undefined;
  if (answer.status >= 300) {
    const said = messagesOf(answer.text);
    throw new StockroomError(
      "input",
      "SAP_REFUSED",
      `Expected a page of ${source.set} from ${placeOf(url)} but it answered ${answer.status}${said === "" ? "" : `: ${said}`}. Check the source's address, entity set and filter.`,
      { facts: { source: source.name, status: answer.status } },
    );
  }
  let body: unknown;
  try {
    body = JSON.parse(answer.text);
  } catch (cause) {
    throw new StockroomError(
      "busy",
      "SAP_ANSWER",
      `Expected JSON from ${placeOf(url)} but the answer cannot be read; perhaps it was cut off.`,
      { cause },
    );
  }
  return readPage(body, placeOf(url));
}

function messagesOf(text: string): string {
  try {
    return readMessages(JSON.parse(text))
      .map((message) => message.text)
      .join("; ");
  } catch {
    return "";
  }
}

/** Keeps the fields that are needed, and what became of the row. */
async function keepPage(
  parts: ForecastParts,
  runId: string,
  source: SapSource,
  name: string,
  page: Page,
  signal: AbortSignal,
): Promise<PageKept> {
  const fields = fieldsOf(source.keys, source.columns);
  const first = page.rows[0];
  if (first !== undefined) {
    const missing = fields.filter((field) => !(field in first));
    if (missing.length > 0) {
      throw new StockroomError(
        "input",
        "SAP_FIELD",
        `Expected rows of ${source.set} to have the fields ${missing.join(", ")} but they have ${Object.keys(first)
          .filter((field) => field !== "__metadata")
          .join(", ")}. Correct the columns of source "${source.name}".`,
        { facts: { source: source.name } },
      );
    }
  }
  const columns = [...fields, changeColumn];
  const rows = page.rows.map((row) => columns.map((column) => plainText(row[column])));
  const batches = (async function* (): AsyncGenerator<string[][]> {
    for (let at = 0; at < rows.length; at += 2_048) yield rows.slice(at, at + 2_048);
  })();
  const key = `${prefixes.sap}${source.name}/pages/${shortOf(runId)}/${name}.csv`;
  const entry = await parts.objects.put(actAs("fetch", runId), key, writeTable(batches, { format: "csv", columns }), {
    contentType: "text/csv",
    announce: false,
    signal,
  });
  return { rows: rows.length, object: { key: entry.key, version: entry.version }, next: page.next ?? null, delta: page.delta ?? null };
}

function shortOf(runId: string): string {
  return createHash("sha256").update(runId).digest("hex").slice(0, 16);
}

/** Some services give no `__delta` in the feed and list their tokens instead. */
async function askDeltaLink(source: SapSource, session: Session, signal: AbortSignal): Promise<string | null> {
  const url = `${source.url.replace(/\/+$/, "")}/DeltaLinksOf${source.set}?$format=json`;
  // A service that knows no deltas may answer anything at all; then everything is loaded next time.
  const answer = await session.send(
    url,
    { method: "GET", repeatable: true, headers: { accept: "application/json" }, isFinal: ({ status }) => status >= 500 },
    signal,
  );
  if (answer.status >= 300) return null;
  try {
    const token = readDeltaLinks(JSON.parse(answer.text), placeOf(url));
    return token === undefined ? null : `${source.set}?!deltatoken='${encodeURIComponent(token)}'`;
  } catch {
    return null;
  }
}

type Folded = Pick<ExtractResult, "set" | "deleted" | "rows" | "key">;

async function fold(
  parts: ForecastParts,
  context: RunContext,
  source: SapSource,
  begun: Begun,
  pages: readonly ObjectRef[],
  delta: string | null,
  signal: AbortSignal,
): Promise<Folded> {
  const actor = actAs("fetch", context.runId);
  const key = fileKeyOf(source);
  const result = await parts.compute.run(
    foldJob,
    {
      replica: begun.replica === null ? undefined : await parts.objects.readTicket(actor, begun.replica.key, begun.replica.version),
      pages: await Promise.all(pages.map(async (page) => await parts.objects.readTicket(actor, page.key, page.version))),
      keys: source.keys,
      columns: source.columns,
      newReplica: await parts.objects.writeTicket(actor, `${prefixes.sap}${source.name}/replica.csv`),
      file: await parts.objects.writeTicket(actor, key),
    },
    { signal, onProgress: (done, total, note) => context.progress(done, total, note) },
  );
  faultPoint("forecast.sap.folded");
  const at = timeOf(parts);
  await parts.objects.commit(actor, [result.replica, result.file], {
    contentType: "text/csv",
    labels: { source: source.name },
    alongside: async (tx, entries) => {
      const replica = entries.find((entry) => entry.key === result.replica.ticket.key);
      if (replica === undefined)
        throw new StockroomError("fault", "SAP_REPLICA", "Expected the replica among the objects that were stored.");
      await moveSource(tx, begun.generation, {
        name: source.name,
        deltaLink: delta,
        replica: { key: replica.key, version: replica.version },
        rows: result.rows,
        runId: context.runId,
        at,
      });
      if (result.withoutKey === 0) return;
      await parts.postNotice(tx, {
        topic: "forecast",
        id: `forecast.sap.keyless/${context.runId}`,
        severity: "warning",
        title: `${result.withoutKey} rows of ${source.name} were left out`,
        body: `${result.withoutKey} rows of ${source.set} came without a value in ${source.keys.join(" or ")}, so it is not known which rows they change. Check the keys of the source.`,
        facts: { source: source.name, rows: result.withoutKey },
      });
    },
  });
  faultPoint("forecast.sap.committed");
  return { rows: result.rows, set: result.set, deleted: result.deleted, key };
}

async function tellExpired(parts: ForecastParts, runId: string, source: SapSource): Promise<void> {
  await parts.records.transaction(async (tx) => {
    await parts.postNotice(tx, {
      topic: "forecast",
      id: `forecast.sap.expired/${runId}`,
      severity: "warning",
      title: `SAP no longer knows the delta of ${source.name}`,
      body: `The delta link of ${source.set} has expired, so everything is loaded again. Extract more often than SAP keeps its delta queue, or lengthen that time in transaction ODQMON.`,
      facts: { source: source.name },
    });
  });
}
