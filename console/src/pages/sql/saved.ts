// Saved queries: kept in this browser by name. What is shared is the link, which holds the whole query.

import { signal } from "@preact/signals";

export interface SavedQuery {
  readonly name: string;
  readonly query: string;
  readonly system: boolean;
}

const key = "stockroom.sql.saved";

function read(): readonly SavedQuery[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(found) ? found.filter(isSaved) : [];
  } catch {
    return [];
  }
}

const isSaved = (value: unknown): value is SavedQuery =>
  typeof value === "object" &&
  value !== null &&
  "name" in value &&
  typeof value.name === "string" &&
  "query" in value &&
  typeof value.query === "string" &&
  "system" in value;

export const savedQueries = signal(read());

function keep(queries: readonly SavedQuery[]): void {
  savedQueries.value = queries;
  localStorage.setItem(key, JSON.stringify(queries));
}

/** One name, one query: the later one counts. */
export const saveQuery = (query: SavedQuery): void =>
  keep([...savedQueries.value.filter(({ name }) => name !== query.name), query].toSorted((a, b) => a.name.localeCompare(b.name)));
export const forgetQuery = (name: string): void => keep(savedQueries.value.filter((query) => query.name !== name));
