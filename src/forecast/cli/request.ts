// What a direct run was asked for: from flags to a plain value that `run.json` keeps, and from there to inputs and settings again.

import { createHash } from "node:crypto";
import path from "node:path";
import type { Body } from "../../platform/bytes.ts";
import { rounded } from "../../platform/figures.ts";
import { readChoice, readNames, readWhole, usage } from "../../platform/command/flags.ts";
import { fileBody, type BadRow } from "../../platform/formats/index.ts";
import type { CandidateName } from "../engine/combine/contract.ts";
import { parseSeasons } from "../engine/calendar/seasons.ts";
import { modelNames } from "../engine/models/registry.ts";
import { type Aggregation, aggregations } from "../engine/panel/aggregate.ts";
import type { InputFile } from "../workflows/inputs/open.ts";
import { readInputs, type Inputs, type ReadInputsOptions } from "../workflows/inputs/read.ts";
import { domains, type Domain, type InputKind } from "../workflows/inputs/schema.ts";
import type { RunSettings } from "../workflows/run/contract.ts";
import { applyPlan, type IntakePart } from "../workflows/intake/apply.ts";
import type { TakenIn } from "../workflows/intake/intake.ts";
import { parseReading, type ReadingRequest } from "./input-flags.ts";

/** Plain JSON. Files stand relative to the folder of the run. */
export interface RunRequest {
  readonly target: string;
  readonly related: string | null;
  readonly metadata: string | null;
  readonly horizon: number;
  readonly frequency: string;
  readonly seasons: readonly number[] | null;
  readonly quantiles: readonly number[];
  readonly windows: number;
  readonly offset: number;
  readonly models: "auto" | readonly CandidateName[];
  readonly holidays: string | null;
  /** Absent in what older programs wrote. */
  readonly events?: string | null;
  readonly hierarchy: readonly string[];
  readonly domain: Domain;
  readonly dimensions: readonly string[] | null;
  readonly aggregation: Aggregation | null;
  readonly nonNegative: boolean;
  readonly seed: number;
  /** How the files are to be read. */
  readonly reading: ReadingRequest;
  /** How a target of any shape was taken in; absent: it has the domain's own columns. */
  readonly intake?: TakenIn;
  /** How files beside it were; absent: they have the domain's own columns. */
  readonly intakeBeside?: Partial<Readonly<Record<"related" | "metadata", TakenIn>>>;
}

/** What may be named after `--models`. */
export const candidateNames: readonly CandidateName[] = [...modelNames, "global"];

/** Flags as they were given. */
export type RunFlags = Readonly<Record<string, unknown>>;

/** Reads the flags of `run`; throws `input` `USAGE`. */
export function parseRequest(flags: RunFlags, folder: string): RunRequest {
  const text = (name: string): string | undefined => {
    const value = flags[name];
    return typeof value === "string" ? value : undefined;
  };
  const whole = (name: string, least: number, most: number): number => readWhole(`--${name}`, text(name) ?? "", least, most);
  const file = (name: string): string | null => {
    const given = text(name);
    return given === undefined ? null : path.relative(path.resolve(folder), path.resolve(given));
  };
  const season = text("season");
  const seasons = season === undefined ? null : parseSeasons(season);
  if (seasons === undefined) throw usage("--season", "steps per season such as 12, or several: 7,365.25, or 1 for none", season ?? "");
  const horizon = whole("horizon", 1, 100_000);
  const models = text("models") ?? "auto";
  if (models !== "auto" && readNames(models).length === 0) throw usage("--models", "auto, or names with commas", models);
  const aggregation = text("aggregation");
  return {
    target: file("target") ?? "",
    related: file("related"),
    metadata: file("metadata"),
    horizon,
    frequency: text("frequency") ?? "auto",
    seasons,
    quantiles: parseQuantiles(text("quantiles") ?? ""),
    windows: whole("windows", 0, 20),
    offset: text("offset") === undefined ? horizon : whole("offset", horizon, 1_000_000),
    models: models === "auto" ? "auto" : readNames(models).map((name) => readChoice("--models", name, candidateNames)),
    holidays: text("holidays") ?? null,
    events: file("events"),
    hierarchy: readNames(text("hierarchy"), ">"),
    // Own keys again.
    domain: readChoice("--domain", text("domain") ?? "RETAIL", Object.keys(domains) as Domain[]), // oxlint-disable-line typescript/no-unsafe-type-assertion
    dimensions: dimensionsOf(text("dimensions")),
    aggregation: aggregation === undefined ? null : readChoice("--aggregation", aggregation, aggregations),
    nonNegative: flags["negative"] !== true,
    seed: whole("seed", 0, 2 ** 31 - 1),
    reading: parseReading(flags),
  };
}

/** Absent: what the file has; `none`: the item alone. */
const dimensionsOf = (text: string | undefined): readonly string[] | null =>
  text === undefined ? null : text.trim().toLowerCase() === "none" ? [] : readNames(text);

/** `0.1,0.5,p90` to rising levels; throws `input` `USAGE`. */
function parseQuantiles(text: string): readonly number[] {
  const levels = readNames(text).map((part) => {
    const level = /^p\d+(\.\d+)?$/.test(part) ? Number(part.slice(1)) / 100 : Number(part);
    if (!(level > 0 && level < 1)) throw usage("--quantiles", "numbers between 0 and 1 such as 0.1,0.5,0.9", text);
    return rounded(level, 6);
  });
  return [...new Set(levels)].toSorted((a, b) => a - b);
}

/** The settings of the run. */
export function settingsOf(request: RunRequest): RunSettings {
  const { quantiles, windows, offset, models, nonNegative, seed, hierarchy } = request;
  return { levels: quantiles, mean: true, windows, offset, models, nonNegative, seed, hierarchy };
}

/** A file that was read. */
export interface ReadFile {
  readonly kind: InputKind | "events";
  readonly file: string;
  readonly sha256: string;
}

export interface ReadRequest {
  readonly inputs: Inputs;
  readonly files: readonly ReadFile[];
}

export interface ReadRequestOptions {
  readonly signal: AbortSignal;
  readonly onBadRow?: (kind: InputKind, row: BadRow) => void;
  readonly onRows?: (rows: number) => void;
}

/** Reads the files of a request, hashing them as they pass. Throws what `readInputs` and `fileBody` throw. */
export async function readRequest(request: RunRequest, folder: string, options: ReadRequestOptions): Promise<ReadRequest> {
  const { signal, onBadRow, onRows } = options;
  const digests: { kind: ReadFile["kind"]; file: string; hash: ReturnType<typeof createHash> }[] = [];
  const open = (kind: ReadFile["kind"], file: string): { name: string; body: Body } => {
    const place = path.resolve(folder, file);
    const hash = createHash("sha256");
    digests.push({ kind, file, hash });
    const body = async function* (): Body {
      for await (const chunk of fileBody(place, signal)) {
        hash.update(chunk);
        yield chunk;
      }
    };
    // Named as the user did, as nearly as can be told.
    return { name: path.relative("", place), body: body() };
  };
  const { related, metadata, seasons, dimensions, aggregation, holidays, events = null, intake, intakeBeside = {} } = request;
  const opening: Opening = { folder, signal, digests };
  const names = domains[request.domain];
  const shaped = (kind: InputKind, file: string, taken: TakenIn | undefined, part: IntakePart = kind): InputFile =>
    taken === undefined ? open(kind, file) : openTaken({ kind, file, part, names }, taken, opening);
  const isKnown = intake !== undefined && intake.plan.known.length > 0;
  const asked: ReadInputsOptions = {
    target: shaped("target", request.target, intake),
    ...(related !== null
      ? { related: shaped("related", related, intakeBeside.related) }
      : isKnown
        ? { related: shaped("target", request.target, intake, "related"), shortRelated: "leave-out" }
        : {}),
    ...(metadata === null ? {} : { metadata: shaped("metadata", metadata, intakeBeside.metadata) }),
    frequency: request.frequency,
    horizon: request.horizon,
    domain: request.domain,
    ...(seasons === null ? {} : { seasons }),
    ...(dimensions === null ? {} : { dimensions }),
    ...(aggregation === null ? {} : { aggregation }),
    ...(holidays === null ? {} : { holidays }),
    ...(events === null ? {} : { events: open("events", events) }),
    nonNegative: request.nonNegative,
    ...request.reading,
    ...(onBadRow === undefined ? {} : { onBadRow }),
    ...(onRows === undefined ? {} : { onRows }),
    signal,
  };
  const inputs = await readInputs(asked);
  return { inputs, files: digests.map(({ kind, file, hash }) => ({ kind, file, sha256: hash.digest("hex") })) };
}

interface Opening {
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly digests: { kind: ReadFile["kind"]; file: string; hash: ReturnType<typeof createHash> }[];
}

interface Part {
  readonly kind: InputKind;
  readonly file: string;
  readonly part: IntakePart;
  readonly names: { readonly item: string; readonly target: string };
}

/** A file of any shape as one of the usual shape. What a target knows ahead is read from it once more; it is hashed the first time. */
function openTaken({ kind, file, part, names }: Part, taken: TakenIn, { folder, signal, digests }: Opening): InputFile {
  const { filter, hints } = taken;
  // What was in stock stands beside what was sold: it is read once.
  const plan = kind === part ? taken.plan : { ...taken.plan, stock: undefined };
  const place = path.resolve(folder, file);
  const name = path.relative("", place);
  const hash = kind === part ? createHash("sha256") : undefined;
  if (hash !== undefined) digests.push({ kind, file, hash });
  const hashed = async function* (): Body {
    for await (const chunk of fileBody(place, signal)) {
      hash?.update(chunk);
      yield chunk;
    }
  };
  return {
    name,
    body: nothing(),
    decimal: plan.decimal,
    stockColumn: plan.stock,
    table: async (onBadRow) =>
      await applyPlan({ name, open: hashed }, plan, part, { ...filter, hints: { ...hints, signal }, onBadRow, names }),
  };
}

async function* nothing(): Body {}
