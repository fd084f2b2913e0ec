// The pages of the console: one line each. The rail, the palette and the router are made of this list.

import type { ComponentType } from "preact";
import type { Role } from "../../src/platform/web/roles.ts";

export interface Page {
  /** Below /console; `:name` is a part of the path, given to the page as a property. */
  readonly path: string;
  /** Its words in the rail and the palette; absent: reached from another page alone. */
  readonly title?: string;
  readonly section: Section;
  /** Who sees it in the rail. */
  readonly needs: Role;
  /** Only where this module is open. */
  readonly module?: "classify" | "forecast" | "images";
  /** The page's own code, fetched when it is first shown. */
  readonly load: () => Promise<ComponentType<Readonly<Record<string, string>>>>;
}

export const sections = ["Today", "Classify", "Forecast", "Pictures", "Data", "Operation"] as const;
export type Section = (typeof sections)[number];

export const pages: readonly Page[] = [
  { path: "/", title: "Home", section: "Today", needs: "viewer", load: async () => (await import("./pages/home/home.tsx")).Home },
  {
    path: "/lines",
    title: "Lines and models",
    section: "Classify",
    needs: "viewer",
    module: "classify",
    load: async () => (await import("./pages/lines/lines.tsx")).Lines,
  },
  {
    path: "/lines/:line",
    section: "Classify",
    needs: "viewer",
    module: "classify",
    load: async () => (await import("./pages/lines/line.tsx")).Line,
  },
  {
    path: "/review",
    title: "Review",
    section: "Classify",
    needs: "reviewer",
    module: "classify",
    load: async () => (await import("./pages/review/review.tsx")).Review,
  },
  {
    path: "/items",
    title: "Items",
    section: "Classify",
    needs: "reviewer",
    module: "classify",
    load: async () => (await import("./pages/items/items.tsx")).Items,
  },
  {
    path: "/report",
    title: "Report",
    section: "Classify",
    needs: "viewer",
    module: "classify",
    load: async () => (await import("./pages/report/report.tsx")).Report,
  },
  { path: "/runs", title: "Runs", section: "Operation", needs: "viewer", load: async () => (await import("./pages/runs/runs.tsx")).Runs },
  {
    path: "/dead",
    title: "Dead letters",
    section: "Operation",
    needs: "viewer",
    load: async () => (await import("./pages/dead/dead.tsx")).Dead,
  },
  {
    path: "/events",
    title: "Events and notices",
    section: "Operation",
    needs: "viewer",
    load: async () => (await import("./pages/told/told.tsx")).Told,
  },
  {
    path: "/upload",
    title: "Drop a file",
    section: "Data",
    needs: "operator",
    load: async () => (await import("./pages/upload/upload.tsx")).Upload,
  },
  {
    path: "/objects",
    title: "Objects",
    section: "Data",
    needs: "viewer",
    load: async () => (await import("./pages/objects/objects.tsx")).Objects,
  },
  { path: "/runs/:id", section: "Operation", needs: "viewer", load: async () => (await import("./pages/runs/run.tsx")).Run },
  {
    path: "/forecasts",
    title: "Forecasts",
    section: "Forecast",
    needs: "viewer",
    module: "forecast",
    load: async () => (await import("./pages/forecasts/forecasts.tsx")).Forecasts,
  },
  {
    path: "/forecasts/:group",
    section: "Forecast",
    needs: "viewer",
    module: "forecast",
    load: async () => (await import("./pages/forecasts/group.tsx")).Group,
  },
  {
    path: "/imports",
    title: "ERP imports",
    section: "Forecast",
    needs: "viewer",
    module: "forecast",
    load: async () => (await import("./pages/imports/imports.tsx")).Imports,
  },
  {
    path: "/pictures",
    title: "Pictures",
    section: "Pictures",
    needs: "viewer",
    module: "images",
    load: async () => (await import("./pages/pictures/pictures.tsx")).Pictures,
  },
  { path: "/sql", title: "SQL", section: "Data", needs: "viewer", load: async () => (await import("./pages/sql/sql.tsx")).Sql },
  {
    path: "/keys",
    title: "Keys and access",
    section: "Operation",
    needs: "operator",
    load: async () => (await import("./pages/vault/vault.tsx")).Vault,
  },
  {
    path: "/system",
    title: "Health and growth",
    section: "Operation",
    needs: "operator",
    load: async () => (await import("./pages/system/system.tsx")).System,
  },
  {
    path: "/settings",
    title: "Settings",
    section: "Operation",
    needs: "operator",
    load: async () => (await import("./pages/settings/settings.tsx")).Settings,
  },
];
