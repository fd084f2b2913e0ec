// Schemes: a country's rule books as dated data.
//
// Owns: what a scheme, a version, a code and a mapping are; reading them from plain values with every problem found; which version is valid on a day;
// the way of a code from one version to another. Does not own: files and their formats (flow), revisions (store).
//   S1. The versions of a scheme do not overlap; both dates are days of validity. A gap is allowed and told.
//   S2. Codes are unique in their version; parents are codes of the same version and never in a circle.
//   S3. A code means what its own version says. The same text in another version is another code until a mapping says otherwise.
//   S4. Reading finds all problems at once, each with its place. A scheme with an error is not given out.

import { isScheme } from "./lines.ts";

/** A day of the calendar, `2025-08-12`; days in order are in the order of their texts. */
export type DayText = string;

export interface Code {
  readonly code: string;
  readonly name: string;
  readonly parent?: string;
  /** Only gathers its children; no item is coded with it. */
  readonly heading?: true;
}

export interface SchemeVersion {
  readonly version: string;
  readonly validFrom: DayText;
  /** The last day; absent: until further notice. */
  readonly validTo?: DayText;
  /** The law it comes from. */
  readonly basis?: string;
  readonly codes: readonly Code[];
}

/** What became of the codes of one version in another: none (dropped), one, or several (the old code does not say which). */
export interface CodeMapping {
  readonly from: string;
  readonly to: string;
  readonly codes: readonly { readonly from: string; readonly to: readonly string[] }[];
}

export interface Scheme {
  readonly scheme: string;
  /** ISO 3166 alpha-3, or `*` for a scheme used in several countries. */
  readonly country: string;
  readonly name?: string;
  /** In the order of their dates. */
  readonly versions: readonly SchemeVersion[];
  readonly mappings: readonly CodeMapping[];
}

export interface SchemeProblem {
  /** A warning does not keep the scheme from being used. */
  readonly severity: "error" | "warning";
  /** e.g. `uk.yaml: GBR-WEEE, version UK15, code 7.1`. */
  readonly where: string;
  /** What was expected and what came. */
  readonly message: string;
}

export interface SchemesRead {
  /** Those without errors, in the order of their names. */
  readonly schemes: readonly Scheme[];
  readonly problems: readonly SchemeProblem[];
}

/** One row of a table, with the place to name in a problem, e.g. `codes.csv line 12`. */
export interface SchemeRow {
  readonly where: string;
  readonly values: Readonly<Record<string, string>>;
}

export interface SchemeTables {
  /** `scheme` (or `code_set`), `country`, `version`, `valid_from`, `valid_to`, `basis`. With both names, `code_set` is the version of `scheme`. */
  readonly versions: readonly SchemeRow[];
  /** `scheme` (or `code_set`), `version` (absent: all versions of the scheme), `code`, `name`, `parent`. */
  readonly codes: readonly SchemeRow[];
  /** `scheme`, `from_version`, `to_version`, `old`, `new`; several rows with one `old` are a split, an empty `new` is the end of the code. */
  readonly mappings?: readonly SchemeRow[];
}

interface CodeDraft {
  readonly where: string;
  readonly code: string;
  readonly name: string;
  readonly parent: string | undefined;
  readonly heading: boolean;
}

interface VersionDraft {
  readonly where: string;
  readonly version: string;
  readonly validFrom: string;
  readonly validTo: string | undefined;
  readonly basis: string | undefined;
  readonly codes: CodeDraft[];
}

interface MappingDraft {
  readonly where: string;
  readonly from: string;
  readonly to: string;
  readonly codes: { readonly where: string; readonly from: string; readonly to: readonly string[] }[];
}

interface SchemeDraft {
  readonly where: string;
  readonly scheme: string;
  readonly country: string;
  readonly name: string | undefined;
  readonly versions: VersionDraft[];
  readonly mappings: MappingDraft[];
}

/** Keys and indexes from the top of the file. */
export type SchemePath = readonly (string | number)[];

/** What a file knows beyond its values. */
export interface SchemeSource {
  /** Where something stands, e.g. `:12:5`; empty where that is not known. */
  readonly locate: (path: SchemePath) => string;
  /** The name a misspelt key was probably meant as. */
  readonly suggest: (key: string, known: readonly string[]) => string | undefined;
}

/** Something in a file, and what to call it in a problem. */
interface Spot {
  readonly path: SchemePath;
  readonly label: string;
  /** The place and the label of what is at a path from here. */
  readonly where: (label?: string, ...more: SchemePath) => string;
  readonly suggest: SchemeSource["suggest"];
}

type Report = (severity: SchemeProblem["severity"], where: string, message: string) => void;

/**
 * Reads schemes from a parsed JSON or YAML value: one scheme or a list of them, as docs/reference/classify-data.md shows them.
 *
 * @param file named in the problems.
 */
export function parseSchemes(
  value: unknown,
  file = "",
  source: SchemeSource = { locate: () => "", suggest: () => undefined },
): SchemesRead {
  const problems: SchemeProblem[] = [];
  const report: Report = (severity, where, message) => problems.push({ severity, where, message });
  const spotAt = (path: SchemePath, label: string): Spot => ({
    path,
    label,
    where: (other = label, ...more) => (file === "" ? other : `${file}${source.locate([...path, ...more])}: ${other}`),
    suggest: source.suggest,
  });
  const drafts = (Array.isArray(value) ? value : [value]).flatMap((one: unknown, i): SchemeDraft[] => {
    const draft = draftScheme(one, spotAt(Array.isArray(value) ? [i] : [], `scheme ${i + 1}`), spotAt, report);
    return draft === undefined ? [] : [draft];
  });
  return finish(drafts, problems, report);
}

/** Reads schemes from rows of tables. A parent that is no code of its version becomes a heading, with a warning. */
export function readSchemeTables(tables: SchemeTables): SchemesRead {
  const problems: SchemeProblem[] = [];
  const report: Report = (severity, where, message) => problems.push({ severity, where, message });
  const drafts = new Map<string, SchemeDraft>();
  // Tables written by code set find their scheme and version here.
  const placeOf = new Map<string, { readonly scheme: string; readonly version: string }>();
  for (const { where, values } of tables.versions) {
    const set = cell(values, "code_set");
    const scheme = cell(values, "scheme") ?? set ?? "";
    const version = (cell(values, "scheme") === undefined ? undefined : set) ?? cell(values, "version") ?? set ?? "";
    if (set !== undefined) placeOf.set(set, { scheme, version });
    let draft = drafts.get(scheme);
    if (draft === undefined) {
      draft = { where, scheme, country: cell(values, "country") ?? "*", name: undefined, versions: [], mappings: [] };
      drafts.set(scheme, draft);
    }
    draft.versions.push({
      where: `${where}: ${scheme}, version ${version}`,
      version,
      validFrom: cell(values, "valid_from") ?? "",
      validTo: cell(values, "valid_to"),
      basis: cell(values, "basis"),
      codes: [],
    });
  }
  for (const { where, values } of tables.codes) {
    const set = cell(values, "code_set");
    const place = set === undefined ? undefined : placeOf.get(set);
    const scheme = cell(values, "scheme") ?? place?.scheme ?? set ?? "";
    const version = cell(values, "version") ?? place?.version;
    const versions = drafts.get(scheme)?.versions.filter((one) => version === undefined || one.version === version) ?? [];
    if (versions.length === 0) {
      report(
        "error",
        where,
        `Expected a scheme and version from the table of versions but received "${scheme}"${version === undefined ? "" : ` version "${version}"`}.`,
      );
    }
    const code = cell(values, "code") ?? "";
    const draft = {
      where: `${where}: ${scheme}, code ${code}`,
      code,
      name: cell(values, "name") ?? code,
      parent: cell(values, "parent"),
      heading: false,
    };
    for (const one of versions) one.codes.push(draft);
  }
  for (const draft of drafts.values()) for (const version of draft.versions) addHeadings(version, report);
  for (const { where, values } of tables.mappings ?? []) {
    const [from, to] = [cell(values, "from_version") ?? "", cell(values, "to_version") ?? ""];
    const scheme = cell(values, "scheme") ?? placeOf.get(from)?.scheme ?? "";
    const draft = drafts.get(scheme);
    if (draft === undefined) {
      report("error", where, `Expected a scheme from the table of versions but received "${scheme}".`);
      continue;
    }
    let mapping = draft.mappings.find((one) => one.from === from && one.to === to);
    if (mapping === undefined)
      draft.mappings.push((mapping = { where: `${where}: ${scheme}, mapping ${from} to ${to}`, from, to, codes: [] }));
    const old = cell(values, "old") ?? "";
    const fresh = cell(values, "new");
    const row = mapping.codes.findIndex((one) => one.from === old);
    const targets = fresh === undefined ? [] : [fresh];
    if (row < 0) mapping.codes.push({ where: `${where}: ${scheme}, mapping ${from} to ${to}, code ${old}`, from: old, to: targets });
    else mapping.codes[row] = { ...mapping.codes[row], to: [...mapping.codes[row].to, ...targets] };
  }
  return finish([...drafts.values()], problems, report);
}

/** The version valid on a day (`2026-10-31`); `undefined` in a gap, before the first and after the last. */
export function versionOn(scheme: Scheme, day: DayText): SchemeVersion | undefined {
  return scheme.versions.find((version) => version.validFrom <= day && (version.validTo === undefined || day <= version.validTo));
}

/** What became of a code. */
export type Recoded =
  /** It is still there, unchanged. */
  | { readonly kind: "same"; readonly code: string }
  /** It has exactly one successor. */
  | { readonly kind: "mapped"; readonly code: string }
  /** It has several; only the item itself can report. `dropped`: in one of the cases it has none. */
  | { readonly kind: "ambiguous"; readonly candidates: readonly string[]; readonly dropped: boolean }
  /** It came to an end without a successor. */
  | { readonly kind: "dropped" }
  /** No mapping says what became of it. */
  | { readonly kind: "unmapped"; readonly reason: string };

/**
 * Finds what became of a code of version `from` in version `to`, through as few mappings as there are.
 *
 * Within a mapping, a code that it does not name is the same if the other version has it under the same name; otherwise it is unmapped.
 */
export function recode(scheme: Scheme, code: string, from: string, to: string): Recoded {
  const start = scheme.versions.find((version) => version.version === from);
  if (start?.codes.some((one) => one.code === code) !== true)
    return { kind: "unmapped", reason: `${code} is no code of ${scheme.scheme} ${from}` };
  if (from === to) return { kind: "same", code };
  const path = findPath(scheme, from, to);
  if (path === undefined) return { kind: "unmapped", reason: `no mapping leads from ${scheme.scheme} ${from} to ${to}` };
  let codes = new Set([code]);
  let dropped = false;
  let changed = false;
  for (const mapping of path) {
    const next = new Set<string>();
    for (const one of codes) {
      const targets = follow(scheme, mapping, one);
      if (targets === undefined)
        return { kind: "unmapped", reason: `the mapping from ${mapping.from} to ${mapping.to} does not name ${one}` };
      if (targets.length === 0) dropped = true;
      if (targets.length !== 1 || targets[0] !== one) changed = true;
      for (const target of targets) next.add(target);
    }
    codes = next;
  }
  const [first, ...more] = [...codes].sort();
  if (first === undefined) return { kind: "dropped" };
  if (more.length > 0 || dropped) return { kind: "ambiguous", candidates: [first, ...more], dropped };
  return changed && first !== code ? { kind: "mapped", code: first } : { kind: "same", code: first };
}

/** Codes an item can be given, in the order of the version. */
export function itemCodes(version: SchemeVersion): readonly string[] {
  return version.codes.filter((code) => code.heading === undefined).map((code) => code.code);
}

function follow(scheme: Scheme, mapping: CodeMapping, code: string): readonly string[] | undefined {
  const named = mapping.codes.find((one) => one.from === code);
  if (named !== undefined) return named.to;
  const nameIn = (version: string): string | undefined =>
    scheme.versions.find((one) => one.version === version)?.codes.find((one) => one.code === code)?.name;
  const name = nameIn(mapping.to);
  return name !== undefined && name === nameIn(mapping.from) ? [code] : undefined;
}

/** Breadth first, in the order of the mappings: the shortest way, always the same one. */
function findPath(scheme: Scheme, from: string, to: string): readonly CodeMapping[] | undefined {
  const ways: { readonly at: string; readonly path: readonly CodeMapping[] }[] = [{ at: from, path: [] }];
  const seen = new Set([from]);
  for (const way of ways) {
    for (const mapping of scheme.mappings) {
      if (mapping.from !== way.at || seen.has(mapping.to)) continue;
      const path = [...way.path, mapping];
      if (mapping.to === to) return path;
      seen.add(mapping.to);
      ways.push({ at: mapping.to, path });
    }
  }
  return undefined;
}

function finish(drafts: readonly SchemeDraft[], problems: SchemeProblem[], report: Report): SchemesRead {
  const bad = new Set<SchemeDraft>();
  const names = new Map<string, SchemeDraft>();
  for (const draft of drafts) {
    const before = problems.length;
    const other = names.get(draft.scheme);
    if (other !== undefined) {
      report("error", draft.where, `Expected every scheme once but "${draft.scheme}" stands also at ${other.where}.`);
      bad.add(other);
    }
    names.set(draft.scheme, draft);
    checkScheme(draft, report);
    if (problems.slice(before).some((problem) => problem.severity === "error")) bad.add(draft);
  }
  // What went wrong before the checks has no draft to belong to: then nothing is given out, for half a file is not what was meant.
  const early = problems.some((problem) => problem.severity === "error") && bad.size === 0;
  const schemes = early ? [] : drafts.filter((draft) => !bad.has(draft)).map(toScheme);
  return { schemes: schemes.sort((a, b) => (a.scheme < b.scheme ? -1 : 1)), problems };
}

function toScheme(draft: SchemeDraft): Scheme {
  return {
    scheme: draft.scheme,
    country: draft.country,
    ...(draft.name === undefined ? {} : { name: draft.name }),
    versions: draft.versions
      .toSorted((a, b) => (a.validFrom < b.validFrom ? -1 : 1))
      .map((version) => ({
        version: version.version,
        validFrom: version.validFrom,
        ...(version.validTo === undefined ? {} : { validTo: version.validTo }),
        ...(version.basis === undefined ? {} : { basis: version.basis }),
        codes: version.codes.map((code) => ({
          code: code.code,
          name: code.name,
          ...(code.parent === undefined ? {} : { parent: code.parent }),
          ...(code.heading ? { heading: true as const } : {}),
        })),
      })),
    mappings: draft.mappings.map((mapping) => ({
      from: mapping.from,
      to: mapping.to,
      codes: mapping.codes.map(({ from, to }) => ({ from, to })),
    })),
  };
}

function checkScheme(draft: SchemeDraft, report: Report): void {
  if (!isScheme(draft.scheme)) {
    report(
      "error",
      draft.where,
      `Expected a scheme's name of letters, digits, ".", "_" and "-" (at most 63) but received "${draft.scheme}".`,
    );
  }
  if (draft.country !== "*" && !/^[A-Z]{2,3}$/.test(draft.country)) {
    report("error", draft.where, `Expected a country such as GBR, or "*", but received "${draft.country}".`);
  }
  if (draft.versions.length === 0) report("error", draft.where, "Expected at least one version but there is none.");
  const versions = new Map<string, VersionDraft>();
  for (const version of draft.versions) {
    if (version.version === "") report("error", version.where, "Expected a version's name but it is empty.");
    if (versions.has(version.version)) report("error", version.where, `Expected every version once but "${version.version}" stands twice.`);
    versions.set(version.version, version);
    checkCodes(version, report);
  }
  checkDates(draft, report);
  checkMappings(draft, versions, report);
}

function checkDates(draft: SchemeDraft, report: Report): void {
  const dated = draft.versions.filter((version) => {
    const from = isDay(version.validFrom);
    const to = version.validTo === undefined || isDay(version.validTo);
    if (!from) report("error", version.where, `Expected valid_from as a day such as 2025-08-12 but received "${version.validFrom}".`);
    if (!to)
      report("error", version.where, `Expected valid_to as a day such as 2025-08-12, or nothing, but received "${version.validTo}".`);
    if (from && to && version.validTo !== undefined && version.validTo < version.validFrom) {
      report("error", version.where, `Expected valid_to on or after valid_from ${version.validFrom} but received ${version.validTo}.`);
      return false;
    }
    return from && to;
  });
  const inOrder = dated.toSorted((a, b) => (a.validFrom < b.validFrom ? -1 : a.validFrom > b.validFrom ? 1 : 0));
  // Not only neighbours: a long version may reach over several short ones.
  inOrder.forEach((later, i) => {
    for (const earlier of inOrder.slice(0, i)) {
      if (earlier.validTo !== undefined && earlier.validTo < later.validFrom) continue;
      const until = earlier.validTo === undefined ? "without an end" : `until ${earlier.validTo}`;
      report(
        "error",
        later.where,
        `Expected versions that do not overlap but ${later.version} begins on ${later.validFrom} while ${earlier.version} is valid ${until}.`,
      );
    }
  });
  inOrder.slice(1).forEach((later, i) => {
    const end = inOrder.slice(0, i + 1).reduce<string | undefined>((last, one) => {
      if (last === undefined || one.validTo === undefined) return undefined;
      return one.validTo > last ? one.validTo : last;
    }, "");
    if (end !== undefined && end < later.validFrom && dayAfter(end) !== later.validFrom) {
      report("warning", later.where, `No version of ${draft.scheme} is valid from ${dayAfter(end)} to the day before ${later.validFrom}.`);
    }
  });
}

function checkCodes(version: VersionDraft, report: Report): void {
  if (version.codes.length === 0) report("error", version.where, "Expected at least one code but there is none.");
  const codes = new Map<string, CodeDraft>();
  for (const code of version.codes) {
    if (code.code === "") report("error", code.where, "Expected a code but it is empty.");
    else if (codes.has(code.code))
      report("error", code.where, `Expected every code once in ${version.version} but "${code.code}" stands twice.`);
    else codes.set(code.code, code);
  }
  const round = new Set<string>();
  for (const code of codes.values()) {
    if (code.parent === undefined) continue;
    if (!codes.has(code.parent)) {
      report("error", code.where, `Expected the parent to be a code of ${version.version} but there is no "${code.parent}".`);
      continue;
    }
    const path = [code.code];
    for (let up: string | undefined = code.parent; up !== undefined && !path.includes(up); up = codes.get(up)?.parent) path.push(up);
    const top = codes.get(path.at(-1) ?? "")?.parent;
    // Told once, by the codes that lie on the circle itself.
    if (top !== code.code || round.has(code.code)) continue;
    for (const one of path) round.add(one);
    report("error", code.where, `Expected parents that end at a top but ${[...path, code.code].join(" -> ")} is a circle.`);
  }
}

function checkMappings(draft: SchemeDraft, versions: ReadonlyMap<string, VersionDraft>, report: Report): void {
  const pairs = new Set<string>();
  for (const mapping of draft.mappings) {
    const [from, to] = [versions.get(mapping.from), versions.get(mapping.to)];
    if (from === undefined)
      report("error", mapping.where, `Expected a mapping from a version of ${draft.scheme} but there is no "${mapping.from}".`);
    if (to === undefined)
      report("error", mapping.where, `Expected a mapping to a version of ${draft.scheme} but there is no "${mapping.to}".`);
    if (mapping.from === mapping.to)
      report("error", mapping.where, `Expected a mapping between two versions but both are "${mapping.from}".`);
    const pair = JSON.stringify([mapping.from, mapping.to]);
    if (pairs.has(pair)) report("error", mapping.where, `Expected one mapping from ${mapping.from} to ${mapping.to} but there are two.`);
    pairs.add(pair);
    const seen = new Set<string>();
    for (const row of mapping.codes) {
      if (seen.has(row.from)) report("error", row.where, `Expected every code once in a mapping but "${row.from}" stands twice.`);
      seen.add(row.from);
      if (from !== undefined && !from.codes.some((code) => code.code === row.from)) {
        report("error", row.where, `Expected a mapping from a code of ${mapping.from} but it has no "${row.from}".`);
      }
      for (const target of row.to) {
        if (to !== undefined && !to.codes.some((code) => code.code === target)) {
          report("error", row.where, `Expected a mapping to a code of ${mapping.to} but it has no "${target}".`);
        }
      }
      if (new Set(row.to).size !== row.to.length)
        report("error", row.where, `Expected every successor once but ${row.to.join(", ")} repeats one.`);
    }
    const names = new Map(to?.codes.map((code) => [code.code, code.name]));
    const lost = (from?.codes ?? []).filter((code) => !code.heading && !seen.has(code.code) && names.get(code.code) !== code.name);
    if (to !== undefined && lost.length > 0) {
      report("warning", mapping.where, `The mapping does not say what became of ${lost.map((code) => code.code).join(", ")}.`);
    }
  }
}

/** Parents that stand in no row of their own are made headings, as in customs tables where only the six-digit codes are listed. */
function addHeadings(version: VersionDraft, report: Report): void {
  const codes = new Set(version.codes.map((code) => code.code));
  const parents = new Set(version.codes.flatMap((code) => (code.parent === undefined || codes.has(code.parent) ? [] : [code.parent])));
  if (parents.size === 0) return;
  report(
    "warning",
    version.where,
    `The parents ${[...parents].join(", ")} are no codes of ${version.version}; they are taken as headings.`,
  );
  for (const parent of parents) version.codes.push({ where: version.where, code: parent, name: parent, parent: undefined, heading: true });
}

type SpotAt = (path: SchemePath, label: string) => Spot;

function draftScheme(value: unknown, place: Spot, spotAt: SpotAt, report: Report): SchemeDraft | undefined {
  if (!isRecord(value)) {
    report("error", place.where(), `Expected a scheme with "scheme", "country" and "versions" but received ${describe(value)}.`);
    return undefined;
  }
  const scheme = text(value, "scheme", place, report) ?? "";
  const spot = spotAt(place.path, scheme || place.label);
  unknownKeys(value, ["scheme", "country", "name", "versions", "mappings"], spot, report);
  const inner = (key: string, i: number): Spot => spotAt([...spot.path, key, i], `${spot.label}, ${key.slice(0, -1)} ${i + 1}`);
  return {
    where: spot.where(),
    scheme,
    country: text(value, "country", spot, report, true) ?? "*",
    name: text(value, "name", spot, report, true),
    versions: list(value, "versions", spot, report).flatMap((one, i) =>
      draftVersion(one, spot.label, inner("versions", i), spotAt, report),
    ),
    mappings:
      value["mappings"] === undefined
        ? []
        : list(value, "mappings", spot, report).flatMap((one, i) => draftMapping(one, spot.label, inner("mappings", i), spotAt, report)),
  };
}

function draftVersion(value: unknown, above: string, place: Spot, spotAt: SpotAt, report: Report): VersionDraft[] {
  if (!isRecord(value)) {
    report("error", place.where(), `Expected a version with "version", "valid_from" and "codes" but received ${describe(value)}.`);
    return [];
  }
  const version = text(value, "version", place, report) ?? "";
  const spot = version === "" ? place : spotAt(place.path, `${above}, version ${version}`);
  unknownKeys(value, ["version", "valid_from", "valid_to", "basis", "codes"], spot, report);
  return [
    {
      where: spot.where(),
      version,
      validFrom: text(value, "valid_from", spot, report) ?? "",
      validTo: text(value, "valid_to", spot, report, true),
      basis: text(value, "basis", spot, report, true),
      codes: list(value, "codes", spot, report).flatMap((one, i) => {
        const code = draftCode(one, spot.label, spotAt([...spot.path, "codes", i], `${spot.label}, code ${i + 1}`), spotAt, report);
        return code === undefined ? [] : [code];
      }),
    },
  ];
}

function draftCode(value: unknown, above: string, place: Spot, spotAt: SpotAt, report: Report): CodeDraft | undefined {
  if (!isRecord(value)) {
    report("error", place.where(), `Expected a code with "code" and "name" but received ${describe(value)}.`);
    return undefined;
  }
  const code = text(value, "code", place, report) ?? "";
  const spot = code === "" ? place : spotAt(place.path, `${above}, code ${code}`);
  unknownKeys(value, ["code", "name", "parent", "heading"], spot, report);
  const heading = value["heading"] ?? false;
  if (typeof heading !== "boolean")
    report("error", spot.where(spot.label, "heading"), `Expected "heading" to be true or false but received ${describe(heading)}.`);
  return {
    where: spot.where(),
    code,
    name: text(value, "name", spot, report, true) ?? code,
    parent: text(value, "parent", spot, report, true),
    heading: heading === true,
  };
}

function draftMapping(value: unknown, above: string, place: Spot, spotAt: SpotAt, report: Report): MappingDraft[] {
  if (!isRecord(value)) {
    report("error", place.where(), `Expected a mapping with "from", "to" and "codes" but received ${describe(value)}.`);
    return [];
  }
  const from = text(value, "from", place, report) ?? "";
  const to = text(value, "to", place, report) ?? "";
  const spot = spotAt(place.path, `${above}, mapping ${from} to ${to}`);
  unknownKeys(value, ["from", "to", "codes"], spot, report);
  const codes = list(value, "codes", spot, report).flatMap((one, i) => {
    const at = spotAt([...spot.path, "codes", i], `${spot.label}, code ${i + 1}`);
    if (!isRecord(one)) {
      report("error", at.where(), `Expected "from" and "to" but received ${describe(one)}.`);
      return [];
    }
    const old = text(one, "from", at, report) ?? "";
    const here = spotAt(at.path, `${spot.label}, code ${old}`);
    unknownKeys(one, ["from", "to"], here, report);
    const targets = one["to"];
    const many: readonly unknown[] = Array.isArray(targets) ? targets : targets === undefined || targets === null ? [] : [targets];
    const to = many.flatMap((target, t) => {
      const code = asText(target);
      const more = Array.isArray(targets) ? ["to", t] : ["to"];
      if (code === undefined) report("error", here.where(here.label, ...more), `Expected codes in "to" but received ${describe(target)}.`);
      return code === undefined ? [] : [code];
    });
    return [{ where: here.where(), from: old, to }];
  });
  return [{ where: spot.where(), from, to, codes }];
}

function list(value: Readonly<Record<string, unknown>>, key: string, spot: Spot, report: Report): readonly unknown[] {
  const found = value[key];
  if (Array.isArray(found)) return found;
  report("error", spot.where(spot.label, key), `Expected "${key}" to be a list but received ${describe(found)}.`);
  return [];
}

function text(value: Readonly<Record<string, unknown>>, key: string, spot: Spot, report: Report, optional = false): string | undefined {
  const found = value[key];
  if (optional && (found === undefined || found === null || found === "")) return undefined;
  const read = asText(found);
  if (read === undefined || read === "") report("error", spot.where(spot.label, key), `Expected "${key}" but received ${describe(found)}.`);
  return read;
}

/** YAML reads unquoted `7` as a number and `2025-08-12` as a date in some readers. */
function asText(value: unknown): string | undefined {
  if (typeof value === "string") return value.trim();
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString().slice(0, 10);
  return undefined;
}

function unknownKeys(value: Readonly<Record<string, unknown>>, known: readonly string[], spot: Spot, report: Report): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const meant = spot.suggest(key, known);
    const hint = meant === undefined ? "" : ` Did you mean ${meant}?`;
    report("error", spot.where(spot.label, key), `Expected only ${known.join(", ")} but there is "${key}".${hint}`);
  }
}

function cell(values: Readonly<Record<string, string>>, key: string): string | undefined {
  const value = Object.hasOwn(values, key) ? values[key].trim() : "";
  return value === "" ? undefined : value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return `"${value.slice(0, 40)}"`;
  return typeof value === "number" || typeof value === "boolean" ? `${typeof value} ${value}` : "a map";
}

/** A day of the calendar: 2025-02-30 is none. */
function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}
