// Frame: the module's pages and the way between them.

import { framed } from "../../../platform/web/frame.ts";
import type { Html } from "../../../platform/web/html.ts";

const places = [
  { path: "/", name: "Stockroom" },
  { path: "/forecast", name: "Forecasts" },
  { path: "/forecast/-/adjustments", name: "Adjustments" },
  { path: "/forecast/-/scenarios", name: "What was asked" },
  { path: "/forecast/-/imports", name: "Imports into SAP" },
] as const;

/** A whole page. `here` is one of the places of the navigation, or none. */
export const page = (title: string, here: string, body: Html): string => framed(title, here, places, body);

/** The address of a group's page: names are letters, digits, hyphen and underscore, but an address is encoded whatever it is. */
export const groupPath = (group: string): string => `/forecast/${encodeURIComponent(group)}`;
