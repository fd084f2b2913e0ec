// Extract: an entity set of SAP into a file of the store, whole the first time, by deltas from then on.
//
//   X1. Each page is a step: it is a sealed object before the next one is asked for, so a resumed extraction goes on at the page where it stood.
//   X2. The delta link replaces the former one in the transaction that makes the new replica and the new file visible (sap.A1):
//       until then everything can be asked for again, after it nothing is asked for twice.
//   X3. A delta link the server no longer knows leads to a new first load, told in a notice; the file shows no trace of it. It is known for dead by
//       410, or by a refusal together with its absence from DeltaLinksOf; no other refusal loads anything anew.
//   X5. A whole load that leaves nothing, or next to nothing, of what was there is held: nothing changes until somebody accepts it.
//   X4. SAP bars ODP by RFC for third parties, so this speaks OData only.

import { createHash } from "node:crypto";
import { isStockroomError, StockroomError } from "../../../platform/errors.ts";
import { faultPoint } from "../../../platform/faults.ts";
import { writeTable } from "../../../platform/formats/index.ts";
import { removeListed } from "../../../platform/objects/gone.ts";
import type { RunContext, WorkflowDefinition } from "../../../platform/workflow/contract.ts";
import { prefixes, type ObjectRef } from "../../store/keys.ts";
import { findSource, moveSource } from "../../store/sap.ts";
import { domains, targetAliases } from "../inputs/schema.ts";
import { actAs, timeOf, type ForecastDeps } from "../deps.ts";
import { deltaTokenOf, makeAddress, type ServiceAddress } from "./address.ts";
import type { ChangeKind } from "./changes.ts";
import { changeColumns, fieldsOf, foldJob, type ColumnType, type FoldResult } from "./fold-job.ts";
import { columnTypeOf, readMetadata, type SetShape } from "./metadata.ts";
import { fileKeyOf, held, tellDoubts, tellGone, tellHeld, tellSettings, tellWhole } from "./extract-tells.ts";
import { placeOf } from "./exchange.ts";
import { openSession, parseCredentials, type Credentials, type Session } from "./session.ts";
import { madeWith, isOtherKind } from "./made-with.ts";
import { getNamed, type SapSource } from "./settings.ts";
import {
  parseWire,
  pickDelta,
  rawText,
  readDeltaLinks,
  readErrorText,
  readPage,
  type DeltaEntry,
  type Page,
  type WireRow,
} from "./wire.ts";

/** `requestedAt` makes two requests two runs. `afresh` loads everything although a delta would do; `accept` takes a load that was held (X5). */
export type ExtractInput = { readonly source: string; readonly requestedAt: string; readonly afresh?: boolean; readonly accept?: boolean };

export type ExtractResult = {
  readonly kind: "full" | "delta";
  readonly pages: number;
  readonly set: number;
  readonly deleted: number;
  readonly rows: number;
  /** What the next extraction will be. */
  readonly next: "delta" | "full";
  /** The file that was written. */
  readonly key: string;
  /** Keys of an additive source that stand for no record and still have an amount: not in the file. */
  readonly leftover: number;
};

type Begun = {
  readonly generation: number;
  readonly delta: string | null;
  readonly replica: ObjectRef | null;
  /** Rows there were before. */
  readonly former: number;
  readonly kind: ChangeKind | null;
  /** Changes may come twice by the delta link. */
  readonly mayRepeat?: boolean;
  /** Absent in runs that an earlier version began. */
  readonly settings?: string;
};

type StoredPage = {
  readonly rows: number;
  /** Those without a value in one of the keys: not stored. Absent in pages of earlier versions. */
  readonly withoutKey?: number;
  readonly object: ObjectRef;
  readonly next: string | null;
  readonly delta: string | null;
  /** Of its rows, to know a chain that goes in circles under ever new addresses. */
  readonly digest: string;
  /** The server's clock. */
  readonly at: number | null;
};

/** Bumped when replicas are written in another way: an older one is not continued. */
const replicaFormat = 2;

/** How often a page chain that the server has forgotten is begun anew. */
const longestPatience = 3;

export function makeSapExtract(deps: ForecastDeps): WorkflowDefinition<ExtractInput, ExtractResult> {
  return {
    name: "forecast.sap.extract",
    queue: "forecast.sap",
    title: (input) => `fetch ${input.source} from SAP`,
    // What was accepted once, as a source that shrank, is asked about anew.
    rerun: ({ source }, at) => ({ source, requestedAt: at }),
    run: async (context, input) => {
      const source = getSource(deps, input.source);
      const begun = await context.step("begin", async () => await begin(deps, context.runId, source, input.afresh === true));
      const session = makeLazySession(deps, source, context.runId);
      // Read anew, the steps of the second reading have names of their own.
      const attempt = async (start: Begun, suffix: string): Promise<{ readonly read: Chain; readonly folded: Folded | "whole" }> => {
        const read = await readChain(deps, context, source, session, start);
        const delta: DeltaLink | null =
          read.delta === null
            ? source.track
              ? await context.step(
                  `delta-links${suffix}`,
                  async (signal) => await askDeltaLink(source, await session(), start, read, signal),
                )
              : null
            : { link: read.delta, mayRepeat: false };
        const types = await context.step(`types${suffix}`, async (signal) => await findTypes(source, session, signal));
        const work = { source, begun: start, read, delta, types, accept: input.accept === true };
        return { read, folded: await context.step(`fold${suffix}`, async (signal) => await fold(deps, context, work, signal)) };
      };
      const first = await attempt(begun, "");
      const last = first.folded === "whole" ? await attempt({ ...begun, delta: null, replica: null }, "-whole") : first;
      const { read, folded } = last;
      if (folded === "whole") throw new StockroomError("fault", "SAP_FOLD", "Expected a whole load to be folded as it is.");
      await context.step("clean", async () => {
        const actor = actAs("fetch", context.runId);
        const chains = first === last ? [read] : [first.read, read];
        const pages = chains.flatMap((chain) => [...chain.pages, ...chain.dropped]);
        await removeListed(deps.objects, actor, pages);
        return null;
      });
      return { kind: read.full ? "full" : "delta", pages: read.pages.length, ...folded };
    },
  };
}

/** Where the changes since are to be had. `mayRepeat`: it was a guess which of several links is ours, so changes may come twice. */
type DeltaLink = { readonly link: string; readonly mayRepeat: boolean };

async function begin(deps: ForecastDeps, runId: string, source: SapSource, afresh: boolean): Promise<Begun> {
  const row = await findSource(deps.database, source.name);
  const settings = madeWith(source);
  const isOther = row !== undefined && (isOtherKind(source, row.kind) || (row.settings !== null && row.settings !== settings));
  const wouldGoOn = source.track && !afresh && row !== undefined && row.deltaLink !== null && row.format === replicaFormat;
  if (wouldGoOn && isOther) await tellSettings(deps, runId, source);
  const goesOn = wouldGoOn && !isOther;
  return {
    generation: row?.generation ?? 0,
    delta: goesOn ? row.deltaLink : null,
    replica: goesOn ? row.replica : null,
    former: row?.rows ?? 0,
    kind: isOther ? null : (row?.kind ?? null),
    mayRepeat: goesOn && row.mayRepeat,
    settings,
  };
}

/** Throws `missing` `SAP_SOURCE_MISSING` naming those there are. */
export const getSource = (deps: Pick<ForecastDeps, "settings">, name: string): SapSource =>
  getNamed("source", deps.settings.sap.sources, name);

/** Reads the credentials a source or target names. */
export async function readCredentials(
  deps: Pick<ForecastDeps, "objects">,
  role: "fetch" | "deliver",
  purpose: string,
  key: string | undefined,
): Promise<Credentials | undefined> {
  if (key === undefined) return undefined;
  return parseCredentials(await deps.objects.read(actAs(role, purpose), key, { maxBytes: 65_536 }), key);
}

/** One session for all pages of a run, opened when the first step needs it. */
function makeLazySession(deps: ForecastDeps, source: SapSource, runId: string): () => Promise<Session> {
  let opened: Promise<Session> | undefined;
  return async () => {
    opened ??= readCredentials(deps, "fetch", runId, source.credentials).then((credentials) =>
      openSession({
        credentials,
        headers: source.headers,
        tries: source.tries,
        pauseMs: source.pauseMs,
        timeoutMs: source.timeoutMs,
      }),
    );
    return await opened;
  };
}

interface Chain {
  readonly full: boolean;
  readonly pages: readonly ObjectRef[];
  /** Pages of chains that the server forgot on the way. */
  readonly dropped: readonly ObjectRef[];
  readonly rows: number;
  /** Rows without a value in one of the keys: left out, told of. */
  readonly withoutKey: number;
  readonly delta: string | null;
  readonly begunAt: number | null;
  readonly endedAt: number | null;
}

async function readChain(
  deps: ForecastDeps,
  context: RunContext,
  source: SapSource,
  session: () => Promise<Session>,
  begun: Begun,
): Promise<Chain> {
  const dropped: ObjectRef[] = [];
  const chain = async (kind: "delta" | "full", first: string): Promise<Omit<Chain, "full" | "dropped"> | "expired"> => {
    for (let patience = 1; ; patience++) {
      const end = await followPages(deps, context, source, session, { kind, first, patience });
      if (end.kind === "whole") return end;
      dropped.push(...end.pages);
      if (end.kind === "expired") return "expired";
      if (patience === longestPatience) throw forgotten(source, end.page);
    }
  };
  const changed = begun.delta === null ? "expired" : await chain("delta", makeAddress(source).follow(begun.delta));
  if (changed !== "expired") return { full: false, dropped, ...changed };
  const whole = await chain("full", firstAddress(source));
  if (whole === "expired")
    throw new StockroomError("fault", "SAP_ANSWER", `Expected ${placeOf(source.url)} to give the first page of ${source.set}.`);
  return { full: true, dropped, ...whole };
}

function forgotten(source: SapSource, page: number): StockroomError {
  return new StockroomError(
    "conflict",
    "SAP_CHAIN_EXPIRED",
    `Expected page ${page} of ${source.set} but the server has forgotten the page chain (410), ${longestPatience} times from the start. Nothing has changed. Ask for more rows a page (pageRows), at a quieter time, or let SAP keep the chain longer (transaction ODQMON).`,
    { facts: { source: source.name, page } },
  );
}

type Followed =
  | {
      readonly kind: "whole";
      readonly pages: readonly ObjectRef[];
      readonly rows: number;
      readonly withoutKey: number;
      readonly delta: string | null;
      readonly begunAt: number | null;
      readonly endedAt: number | null;
    }
  /** The server no longer knows the delta link it began with. */
  | { readonly kind: "expired"; readonly pages: readonly ObjectRef[] }
  /** The server no longer knows the chain. */
  | { readonly kind: "forgotten"; readonly pages: readonly ObjectRef[]; readonly page: number };

/** Pages one after another, each a step. Throws `conflict` `SAP_PAGE_LOOP`. */
async function followPages(
  deps: ForecastDeps,
  context: RunContext,
  source: SapSource,
  session: () => Promise<Session>,
  start: { readonly kind: "delta" | "full"; readonly first: string; readonly patience: number },
): Promise<Followed> {
  const { kind, patience } = start;
  const pages: ObjectRef[] = [];
  const circles = makeCircleWatch(source);
  const suffix = patience === 1 ? "" : `-again-${patience}`;
  let rows = 0;
  let withoutKey = 0;
  let begunAt: number | null = null;
  let address = start.first;
  for (let number = 1; ; number++) {
    const kept = await context.step(`${kind}-page-${number}${suffix}`, async (signal): Promise<StoredPage | Gone> => {
      const page = await askPage(source, await session(), address, { kind, number }, signal);
      if ("gone" in page) {
        await tellGone(deps, context.runId, source, page.gone, number);
        return page;
      }
      const name = `${kind}-${String(number).padStart(6, "0")}${suffix}`;
      return await storePage(deps, context.runId, { source, name, page }, signal);
    });
    if ("gone" in kept) return kept.gone === "token" ? { kind: "expired", pages } : { kind: "forgotten", pages, page: number };
    faultPoint("forecast.sap.page");
    pages.push(kept.object);
    rows += kept.rows;
    withoutKey += kept.withoutKey ?? 0;
    begunAt ??= kept.at;
    context.progress(rows, 0, `rows in ${number} pages`);
    deps.log.info("a page is kept", { runId: context.runId, source: source.name, kind, page: number, rows: kept.rows });
    circles.pass(address, kept);
    if (kept.next === null) return { kind: "whole", pages, rows, withoutKey, delta: kept.delta, begunAt, endedAt: kept.at };
    address = makeAddress(source).follow(kept.next, jsonOption);
  }
}

/** What is gone of what was asked for. */
type Gone = { readonly gone: "token" | "chain" };

const jsonOption = ["$format=json"];

/** So many pages alike, or empty, and a chain goes in circles; a single row may well come again. */
const mostAlike = { pages: 3, singles: 1_000, empty: 100 } as const;

/** Knows a chain that does not end: an address again, or the same rows under new addresses. */
function makeCircleWatch(source: SapSource): { pass(address: string, page: StoredPage): void } {
  const addresses = new Set<string>();
  const alike = new Map<string, number>();
  return {
    pass(address, page) {
      addresses.add(address);
      const times = (alike.get(page.digest) ?? 0) + 1;
      alike.set(page.digest, times);
      if (page.next === null) return;
      const most = page.rows === 0 ? mostAlike.empty : page.rows === 1 ? mostAlike.singles : mostAlike.pages;
      const isSeen = addresses.has(makeAddress(source).follow(page.next, jsonOption));
      if (!isSeen && times < most) return;
      throw new StockroomError(
        "conflict",
        "SAP_PAGE_LOOP",
        `Expected the pages of ${source.set} to come to an end but ${isSeen ? "the link to the next page leads to one that was read already" : `the same ${page.rows} rows came ${times} times under other addresses`}. Nothing has changed. Check the service (its implementation of $skiptoken) or ask for all rows in one page (pageRows).`,
        { facts: { source: source.name, pages: addresses.size } },
      );
    },
  };
}

function firstAddress(source: SapSource): string {
  const filter = source.filter === undefined ? [] : [`$filter=${encodeURIComponent(source.filter)}`];
  return makeAddress(source).at(source.set, [...jsonOption, ...filter]);
}

async function askPage(
  source: SapSource,
  session: Session,
  url: string,
  place: { readonly kind: "delta" | "full"; readonly number: number },
  signal: AbortSignal,
): Promise<(Page & { readonly at: number | null }) | Gone> {
  const prefer = [`odata.maxpagesize=${source.pageRows}`, ...(source.track ? ["odata.track-changes"] : [])].join(", ");
  const answer = await session.send(url, { method: "GET", repeatable: true, headers: { accept: "application/json", prefer } }, signal);
  const isFirst = place.number === 1;
  if (answer.status === 410 && isFirst && place.kind === "delta") return { gone: "token" };
  if ((answer.status === 410 || answer.status === 404) && !isFirst) return { gone: "chain" };
  const isDoubtful = [400, 404, 412].includes(answer.status) && isFirst && place.kind === "delta";
  if (isDoubtful && (await isUnlisted(source, session, url, signal))) return { gone: "token" };
  if (answer.status >= 300) {
    const said = messagesOf(answer.text);
    throw new StockroomError(
      "input",
      "SAP_REFUSED",
      `Expected ${place.kind === "delta" && place.number === 1 ? `the changes of ${source.set}` : `page ${place.number} of ${source.set}`} from ${placeOf(url)} but it answered ${answer.status}${said === "" ? "" : `: ${said}`}. ${
        place.number > 1
          ? `Nothing has changed; the pages before it were read. If it says nothing that can be corrected, ask for more rows a page (pageRows), so that there are fewer pages, and start the extraction again.`
          : place.kind === "delta"
            ? `Nothing was loaded anew, because that does not say that the delta link is gone. Correct what it says, or load everything: \`stockroom forecast extract-sap ${source.name} --afresh\`.`
            : "Check the source's address, entity set and filter."
      }`,
      { facts: { source: source.name, status: answer.status } },
    );
  }
  let body: unknown;
  try {
    body = parseWire(answer.text);
  } catch (cause) {
    if (/^\s*</.test(answer.text)) {
      throw new StockroomError(
        "input",
        "SAP_ANSWER",
        `Expected JSON from ${placeOf(url)} but XML came: the service does not heed $format=json. Nothing has changed. Let the service give JSON (OData V2), or put another one before it.`,
        { facts: { source: source.name } },
      );
    }
    throw new StockroomError(
      "busy",
      "SAP_ANSWER",
      `Expected JSON from ${placeOf(url)} but the answer cannot be read; perhaps it was cut off.`,
      { cause },
    );
  }
  const at = Date.parse(answer.headers.get("date") ?? "");
  const page = readPage(body, placeOf(url));
  return {
    rows: page.rows,
    next: onSet(source.set, page.next),
    delta: onSet(source.set, page.delta),
    at: Number.isNaN(at) ? null : at,
  };
}

/** A link that is only a query belongs to the resource it came from. */
function onSet(set: string, link: string | undefined): string | undefined {
  return link?.startsWith("?") === true ? `${set}${link}` : link;
}

/** Whether the service lists its delta tokens and ours is none of them. */
async function isUnlisted(source: SapSource, session: Session, url: string, signal: AbortSignal): Promise<boolean> {
  const token = deltaTokenOf(url);
  const listed = await listDeltaLinks(source, session, signal);
  return token !== undefined && listed !== undefined && listed.every((entry) => entry.token !== token);
}

function messagesOf(text: string): string {
  return readErrorText(text)
    .map((message) => message.text)
    .join("; ");
}

/** Stores the fields of a page that are needed, and what became of each row. */
async function storePage(
  deps: ForecastDeps,
  runId: string,
  { source, name, page }: { readonly source: SapSource; readonly name: string; readonly page: Page & { readonly at: number | null } },
  signal: AbortSignal,
): Promise<StoredPage> {
  const fields = fieldsOf(source.keys, source.columns);
  // A deletion may come with its keys alone.
  const first = page.rows.find((row) => row["ODQ_CHANGEMODE"] !== "D");
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
  const columns = [...fields, ...changeColumns];
  // An empty text is a value: SAP has keys whose initial value is one. What is absent is none.
  const isNamed = (row: WireRow): boolean => source.keys.every((key) => row[key] !== null && row[key] !== undefined);
  const all = page.rows.map((row) => columns.map((column) => rawText(row[column])));
  const rows = all.filter((_, index) => isNamed(page.rows[index] ?? {}));
  const digest = createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 32);
  const batches = (async function* (): AsyncGenerator<string[][]> {
    for (let at = 0; at < rows.length; at += 2_048) yield rows.slice(at, at + 2_048);
  })();
  const key = `${prefixes.sap}${source.name}/pages/${shortOf(runId)}/${name}.csv`;
  const entry = await deps.objects.put(actAs("fetch", runId), key, writeTable(batches, { format: "csv", columns }), {
    contentType: "text/csv",
    announce: false,
    signal,
  });
  const object = { key: entry.key, version: entry.version };
  const withoutKey = all.length - rows.length;
  return { rows: all.length, withoutKey, object, next: page.next ?? null, delta: page.delta ?? null, digest, at: page.at };
}

function shortOf(runId: string): string {
  return createHash("sha256").update(runId).digest("hex").slice(0, 16);
}

/** The tokens the service lists; `undefined` when it lists none. */
async function listDeltaLinks(source: SapSource, session: Session, signal: AbortSignal): Promise<readonly DeltaEntry[] | undefined> {
  const url = makeAddress(source).at(`DeltaLinksOf${source.set}`, jsonOption);
  const request = { method: "GET", repeatable: true, headers: { accept: "application/json" } } as const;
  const answer = await session.send(url, request, signal).catch((error: unknown) => {
    // A service that knows no deltas may answer anything at all.
    if (isStockroomError(error) && error.code === "SAP_BUSY") return undefined;
    throw error;
  });
  if (answer === undefined || answer.status >= 300) return undefined;
  try {
    return readDeltaLinks(JSON.parse(answer.text), placeOf(url));
  } catch {
    return undefined;
  }
}

/** Some services give no `__delta` in the feed and list their tokens instead. Without one everything is loaded next time. */
async function askDeltaLink(
  source: SapSource,
  session: Session,
  begun: Begun,
  read: Pick<Chain, "full" | "rows" | "begunAt" | "endedAt">,
  signal: AbortSignal,
): Promise<DeltaLink | null> {
  const listed = await listDeltaLinks(source, session, signal);
  if (listed === undefined) return null;
  const from = read.full || begun.delta === null ? undefined : deltaTokenOf(begun.delta);
  const times = { begunAt: read.begunAt ?? undefined, endedAt: read.endedAt ?? undefined };
  const found = pickDelta(listed, { full: read.full, rows: read.rows, ...times, from });
  // Changes that come twice are harmless to rows that are overwritten, and wrong in sums; what the source sends is seen when they come.
  const mayComeTwice = source.kind !== "additive" && begun.kind !== "additive";
  if (found === undefined || (!found.certain && !mayComeTwice)) return null;
  return { link: `${source.set}?!deltatoken='${encodeURIComponent(found.token)}'`, mayRepeat: !found.certain };
}

/** The type of each column of the file: as said, by its name, or as the service's $metadata has it. Keys are text unless said otherwise. */
async function findTypes(
  source: SapSource,
  session: () => Promise<Session>,
  signal: AbortSignal,
): Promise<Readonly<Record<string, ColumnType>>> {
  const values = new Set([...Object.values(domains).map((domain) => domain.target), ...Object.values(targetAliases).flat()]);
  const known = (column: string, field: string): ColumnType | undefined => {
    const said = source.types[column];
    if (said !== undefined) return said;
    if (column === "timestamp") return "time";
    if (source.file === "target" && values.has(column)) return "number";
    return source.keys.includes(field) ? "text" : undefined;
  };
  const columns = Object.entries(source.columns);
  const shape = columns.every(([column, field]) => known(column, field) !== undefined)
    ? undefined
    : await askShape(makeAddress(source), source.set, await session(), signal);
  return Object.fromEntries(columns.map(([column, field]) => [column, known(column, field) ?? columnTypeOf(shape?.types.get(field))]));
}

/** What $metadata says of an entity set; `undefined` where there is none. */
async function askShape(address: ServiceAddress, set: string, session: Session, signal: AbortSignal): Promise<SetShape | undefined> {
  const answer = await session.send(
    address.at("$metadata"),
    { method: "GET", repeatable: true, headers: { accept: "application/xml" } },
    signal,
  );
  return answer.status >= 300 ? undefined : readMetadata(answer.text, set);
}

type Folded = Pick<ExtractResult, "set" | "deleted" | "rows" | "key" | "next" | "leftover">;

interface FoldWork {
  readonly source: SapSource;
  readonly begun: Begun;
  readonly read: Chain;
  readonly delta: DeltaLink | null;
  readonly types: Readonly<Record<string, ColumnType>>;
  readonly accept: boolean;
}

async function fold(deps: ForecastDeps, context: RunContext, work: FoldWork, signal: AbortSignal): Promise<Folded | "whole"> {
  const { source, begun, read, delta } = work;
  const actor = actAs("fetch", context.runId);
  const key = fileKeyOf(source);
  const replica = read.full ? null : begun.replica;
  const said = source.kind === "auto" ? (begun.kind ?? undefined) : source.kind;
  const result = await deps.compute.run(
    foldJob,
    {
      replica: replica === null ? undefined : await deps.objects.readHandle(actor, replica.key, replica.version),
      pages: await Promise.all(read.pages.map(async (page) => await deps.objects.readHandle(actor, page.key, page.version))),
      keys: source.keys,
      columns: source.columns,
      types: work.types,
      kind: said,
      repeated: delta === null ? "keep" : "refuse",
      mayRepeat: begun.mayRepeat === true,
      newReplica: await deps.objects.writeHandle(actor, `${prefixes.sap}${source.name}/replica.csv`),
      file: await deps.objects.writeHandle(actor, key),
    },
    { signal, onProgress: (done, total, note) => context.progress(done, total, note) },
  );
  faultPoint("forecast.sap.folded");
  const { written } = result;
  if (result.needsWhole === true) {
    await tellWhole(deps, context.runId, source);
    return "whole";
  }
  if (written === undefined) throw unfolded(source, result);
  if (read.full && !work.accept && isTooSmall(result.rows, begun.former, source.holdBelow)) {
    await deps.objects.discard([written.replica.handle, written.file.handle]);
    await tellHeld(deps, context.runId, source, result.rows, begun.former);
    throw held(source, result.rows, begun.former);
  }
  const at = timeOf(deps);
  await deps.objects.commit(actor, [written.replica, written.file], {
    contentType: "text/csv",
    labels: { source: source.name },
    alongside: async (tx, entries) => {
      const kept = entries.find((entry) => entry.key === written.replica.handle.key);
      if (kept === undefined) throw new StockroomError("fault", "SAP_REPLICA", "Expected the replica among the objects that were stored.");
      await moveSource(tx, begun.generation, {
        name: source.name,
        deltaLink: delta?.link ?? null,
        mayRepeat: delta?.mayRepeat === true,
        replica: { key: kept.key, version: kept.version },
        rows: result.rows,
        runId: context.runId,
        at,
        format: replicaFormat,
        kind: result.kind === "additive" ? "additive" : null,
        settings: begun.settings ?? null,
      });
      await tellDoubts(deps, tx, context.runId, source, { ...result, withoutKey: read.withoutKey });
    },
  });
  faultPoint("forecast.sap.committed");
  const { rows, set, deleted, leftover } = result;
  return { rows, set, deleted, leftover, key, next: delta === null ? "full" : "delta" };
}

/** Why the rows could not be put together; nothing has changed. */
function unfolded(source: SapSource, result: FoldResult): StockroomError {
  const facts = { source: source.name };
  if (result.trouble !== undefined) return new StockroomError("input", result.trouble.code, result.trouble.said, { facts });
  return new StockroomError(
    "input",
    "SAP_KEYS_REPEATED",
    `Expected ${source.keys.join(", ")} to name one row of ${source.set} each but ${result.repeated} rows came with keys that were there already, first ${result.sample ?? ""}. None is dropped, so nothing was stored. Add the fields to \`keys\` that tell them apart; or say \`kind: additive\` if rows of one key are to be summed; or \`track: false\` to load everything every time and keep them all.`,
    { facts: { ...facts, repeated: result.repeated } },
  );
}

/** So many rows that fewer of them may be an accident. */
const someRows = 20;

function isTooSmall(rows: number, former: number, share: number): boolean {
  return rows === 0 || (former >= someRows && rows < former * share);
}
