// The URL holds what a page shows: filters, sorting, what is chosen. A link shows a colleague the same.

import { useLocation } from "preact-iso";

export const base = "/console";

/** A place of the console as a link: `to("/runs", { state: "dead" })`. Empty values are left out. */
export function to(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, String(value)] as const],
  );
  const search = given.length === 0 ? "" : `?${new URLSearchParams(Object.fromEntries(given)).toString()}`;
  return `${base}${path === "/" ? "/" : path}${search}`;
}

/** A path as the router has it. */
const placeOf = (pathname: string): string => pathname.replace(/\/+$/, "") || "/";

export interface Filters {
  /** Of the URL; "" when it is not there. */
  get(name: string): string;
  /**
   * Changes some of them; "" takes one away. `push`: the browser's way back leads to the former ones.
   * A page that was left meanwhile changes nothing: an answer that came late leads nobody back.
   */
  set(values: Readonly<Record<string, string>>, how?: "replace" | "push"): void;
}

/**
 * What the URL says.
 *
 * @example
 * const filters = useFilters();
 * <select value={filters.get("state")} onChange={(event) => filters.set({ state: event.currentTarget.value })} />
 */
export function useFilters(): Filters {
  const { path, query, route } = useLocation();
  return {
    get: (name) => query[name] ?? "",
    set: (values, how = "replace") => {
      if (placeOf(location.pathname) !== path) return;
      // What stands in the address now, not at the last drawing: two changes in one moment both count.
      const next = new URLSearchParams(location.search);
      for (const [name, value] of Object.entries(values)) {
        if (value === "") next.delete(name);
        else next.set(name, value);
      }
      const search = next.toString();
      route(`${path}${search === "" ? "" : `?${search}`}`, how === "replace");
    },
  };
}
