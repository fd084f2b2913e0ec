// Saved views: filters of a page under a name, kept in this browser. A view is a link like any other.

import { signal } from "@preact/signals";

export interface View {
  readonly name: string;
  /** The page's path below /console, and its filters as they stand in the address, without the question mark. */
  readonly path: string;
  readonly search: string;
}

const place = "stockroom.views";

/** Views of a text that was kept; what is none is left out. */
export function readViews(text: string | null): readonly View[] {
  try {
    const read: unknown = JSON.parse(text ?? "[]");
    if (!Array.isArray(read)) return [];
    return read.flatMap((one: unknown): View[] => {
      if (typeof one !== "object" || one === null) return [];
      const { name, path, search } = one as Readonly<Record<string, unknown>>;
      return typeof name === "string" && typeof path === "string" && typeof search === "string" ? [{ name, path, search }] : [];
    });
  } catch {
    return [];
  }
}

/** The list with a view in it; one of the same page and name is replaced. */
export const withView = (views: readonly View[], view: View): readonly View[] =>
  [...views.filter(({ name, path }) => name !== view.name || path !== view.path), view].toSorted((a, b) => a.name.localeCompare(b.name));

const load = (): readonly View[] => {
  try {
    return readViews(localStorage.getItem(place));
  } catch {
    return [];
  }
};

export const views = signal<readonly View[]>(load());

export function keepViews(next: readonly View[]): void {
  views.value = next;
  try {
    localStorage.setItem(place, JSON.stringify(next));
  } catch {
    // A browser that keeps nothing: they last as long as the page.
  }
}
