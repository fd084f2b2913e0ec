// Schemes come in as files: YAML or JSON, one scheme or several, or CSV tables of versions, codes and mappings.
//
//   S1. All files of one import are read together and every problem is told at once; with an error nothing is imported.
//   S2. An import that changes nothing makes no revision; one that does is in the audit log.

import { parseYaml } from "../../platform/documents/index.ts";
import { isStockroomError, StockroomError } from "../../platform/errors.ts";
import type { ObjectEntry } from "../../platform/objects/contract.ts";
import { unlessGone } from "../../platform/objects/gone.ts";
import { readTable, formatOf } from "../../platform/formats/index.ts";
import { nearest } from "../../platform/similar.ts";
import type { WorkflowDefinition } from "../../platform/workflow/contract.ts";
import { parseSchemes, readSchemeTables, type Scheme, type SchemePath, type SchemeProblem, type SchemeRow } from "../engine/schemes.ts";
import { prefixes, type ObjectRef } from "../store/keys.ts";
import { insertAudit } from "../store/audit.ts";
import { insertScheme, insertSchemeFiles, unreadSchemeFiles } from "../store/schemes.ts";
import { timeOf, type ClassifyDeps } from "./deps.ts";

export interface SchemeFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface ImportedSchemes {
  readonly schemes: readonly { readonly scheme: string; readonly revision: number; readonly isNew: boolean }[];
  readonly warnings: readonly string[];
}

/** Imports scheme files. Throws `input` `SCHEMES_BAD` with every problem of every file. */
export async function importSchemes(deps: ClassifyDeps, files: readonly SchemeFile[], source: string): Promise<ImportedSchemes> {
  const { schemes, problems } = await readSchemeFiles(files);
  const errors = problems.filter((problem) => problem.severity === "error");
  if (errors.length > 0) {
    throw new StockroomError(
      "input",
      "SCHEMES_BAD",
      `Expected scheme files without faults but found ${errors.length}; nothing was imported:\n${errors.map((problem) => `  ${problem.where}: ${problem.message}`).join("\n")}`,
      { facts: { files: files.map((file) => file.name).join(", "), faults: errors.length } },
    );
  }
  const at = timeOf(deps);
  const kept = await deps.database.transaction(async (tx) => {
    const result = [];
    for (const scheme of schemes) {
      const revision = await insertScheme(tx, scheme, source, at);
      if (revision.isNew) {
        await insertAudit(tx, deps.vault, {
          at,
          kind: "scheme",
          record: {
            scheme: scheme.scheme,
            revision: revision.revision,
            versions: scheme.versions.map((version) => ({
              version: version.version,
              validFrom: version.validFrom,
              codes: version.codes.length,
            })),
            source,
          },
          written: [{ table: "classify_scheme", where: { revision: revision.revision } }],
        });
      }
      result.push({ scheme: scheme.scheme, ...revision });
    }
    return result;
  });
  return {
    schemes: kept,
    warnings: problems.filter((problem) => problem.severity === "warning").map((problem) => `${problem.where}: ${problem.message}`),
  };
}

/** Reads scheme files of any format together. */
export async function readSchemeFiles(
  files: readonly SchemeFile[],
): Promise<{ readonly schemes: readonly Scheme[]; readonly problems: readonly SchemeProblem[] }> {
  const schemes: Scheme[] = [];
  const problems: SchemeProblem[] = [];
  const tables: { readonly versions: SchemeRow[]; readonly codes: SchemeRow[]; readonly mappings: SchemeRow[] } = {
    versions: [],
    codes: [],
    mappings: [],
  };
  let hasTables = false;
  for (const file of files) {
    if (/\.(ya?ml|json)$/i.test(file.name)) {
      const document = parseYaml(new TextDecoder().decode(file.bytes));
      for (const { line, column, message } of document.mistakes) {
        const where = `${file.name}, line ${line}, column ${column}`;
        problems.push({ severity: "error", where, message: `Expected YAML or JSON but ${message}` });
      }
      if (document.mistakes.length > 0) continue;
      const locate = (path: SchemePath): string => {
        const position = document.positionOf(path);
        return position === undefined ? "" : `:${position.line}:${position.column}`;
      };
      const read = parseSchemes(document.value(), file.name, { locate, suggest: nearest });
      schemes.push(...read.schemes);
      problems.push(...read.problems);
    } else {
      hasTables = true;
      await readTableFile(file, tables, problems);
    }
  }
  if (hasTables) {
    const read = readSchemeTables(tables);
    schemes.push(...read.schemes);
    problems.push(...read.problems);
  }
  const seen = new Set<string>();
  for (const scheme of schemes) {
    if (seen.has(scheme.scheme))
      problems.push({ severity: "error", where: scheme.scheme, message: "Expected each scheme in one file but two define it. Keep one." });
    seen.add(scheme.scheme);
  }
  return { schemes, problems };
}

async function readTableFile(
  file: SchemeFile,
  tables: { readonly versions: SchemeRow[]; readonly codes: SchemeRow[]; readonly mappings: SchemeRow[] },
  problems: SchemeProblem[],
): Promise<void> {
  const body = (async function* () {
    yield file.bytes;
  })();
  const format = formatOf(file.name);
  const table = await readTable(body, {
    name: file.name,
    ...(format === undefined ? {} : { format }),
    onBadRow: (row) => problems.push({ severity: "error", where: `${file.name} line ${row.line}`, message: row.reason }),
  });
  const has = (...names: string[]): boolean => names.every((name) => table.columns.includes(name));
  const target = has("valid_from") ? tables.versions : has("old", "new") ? tables.mappings : has("code") ? tables.codes : undefined;
  if (target === undefined) {
    problems.push({
      severity: "error",
      where: `${file.name} line 1`,
      message: `Expected a table of versions (valid_from), codes (code, name) or mappings (old, new) but its columns are ${table.columns.join(", ")}. See docs/reference/classify-data.md.`,
    });
    return;
  }
  for await (const batch of table.batches) {
    for (const [index, row] of batch.rows.entries()) {
      target.push({
        where: `${file.name} line ${batch.lines[index] ?? 0}`,
        values: Object.fromEntries(table.columns.map((name, column) => [name, row[column] ?? ""])),
      });
    }
  }
}

export type SchemeImportInput = { readonly key: string; readonly version: string };

/** A scheme file was put under classify/schemes/. What is wrong with it ends in the dead letters. */
export function makeSchemeImport(deps: ClassifyDeps): WorkflowDefinition<SchemeImportInput, { readonly schemes: readonly string[] }> {
  return {
    name: "classify.scheme-import",
    queue: "classify.light",
    title: (input) => `import schemes of ${input.key}`,
    run: async (context, input) =>
      await context.step("import", async () => {
        const entries = await deps.objects.list(prefixes.schemes, { limit: 10_000 });
        return { schemes: await importWith(deps, context.runId, entries, { key: input.key, version: input.version }) };
      }),
  };
}

/**
 * Reads every scheme file nobody has read yet, so that labels put right after their rule book are not learned without it.
 *
 * A faulty file is passed over: its own run tells of it.
 */
export async function importWaitingSchemes(deps: ClassifyDeps, purpose: string): Promise<void> {
  const entries = await deps.objects.list(prefixes.schemes, { limit: 10_000 });
  for (const file of await unreadSchemeFiles(deps.database, entries)) {
    try {
      await importWith(deps, purpose, entries, { key: file.key, version: file.version });
    } catch (error) {
      if (!isStockroomError(error) || error.kind !== "input") throw error;
    }
  }
}

const isTable = (key: string): boolean => !/\.(ya?ml|json)$/i.test(key);

/** Imports one file; CSV tables come as several files, so all of them are read together. Gives the schemes that changed. */
async function importWith(
  deps: ClassifyDeps,
  purpose: string,
  entries: readonly ObjectEntry[],
  file: ObjectRef,
): Promise<readonly string[]> {
  const actor = { role: "operator", purpose };
  const wanted = entries.filter((entry) => entry.key === file.key || (isTable(file.key) && isTable(entry.key)));
  const refs: ObjectRef[] = [];
  const files: SchemeFile[] = [];
  for (const { key, version } of wanted) {
    const ref = key === file.key ? file : { key, version };
    const bytes = await unlessGone(deps.objects.read(actor, ref.key, { version: ref.version }));
    if (bytes === undefined) continue;
    refs.push(ref);
    files.push({ name: key.slice(prefixes.schemes.length), bytes });
  }
  if (!refs.includes(file)) return [];
  const at = timeOf(deps);
  try {
    const whole = !isTable(file.key) || hasBothTables(files);
    const imported = whole ? await importSchemes(deps, files, `${file.key}@${file.version}`) : { schemes: [] };
    await markRead(deps, refs, whole, at);
    return imported.schemes.filter((scheme) => scheme.isNew).map((scheme) => scheme.scheme);
  } catch (error) {
    if (isStockroomError(error) && error.kind === "input") await markRead(deps, [file], false, at);
    throw error;
  }
}

async function markRead(deps: ClassifyDeps, files: readonly ObjectRef[], imported: boolean, at: string): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await insertSchemeFiles(tx, files, imported, at);
    const written = files.map(({ key, version }) => ({ table: "classify_scheme_file", where: { key, version } }) as const);
    await insertAudit(tx, deps.vault, {
      at,
      kind: "scheme-files",
      record: { files: files.map((file) => ({ ...file })), imported },
      written,
    });
  });
}

/** A table of codes waits for the table of versions and the other way round. */
function hasBothTables(files: readonly SchemeFile[]): boolean {
  const heads = files.map((file) => new TextDecoder().decode(file.bytes.subarray(0, 4096)).split(/\r?\n/, 1)[0] ?? "");
  return heads.some((head) => head.includes("valid_from")) && heads.some((head) => /(^|[,;\t"])code([,;\t"]|$)/.test(head));
}
