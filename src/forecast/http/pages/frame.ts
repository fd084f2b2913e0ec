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

/** A share as people read it. */
export const percent = (value: number | null): string => (value === null ? "–" : `${(100 * value).toFixed(1)} %`.replace("-", "−"));

const plain = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 4 });
const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });

/** A quantity, with no more digits than are worth reading. */
export const amount = (value: number | null): string =>
  value === null ? "–" : (Math.abs(value) >= 1_000 ? whole : plain).format(value).replace("-", "−");

export const bytesText = (bytes: number): string =>
  bytes < 1_024 ? `${bytes} B` : bytes < 1 << 20 ? `${(bytes / 1_024).toFixed(1)} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`;

/** The address of a group's page: names are letters, digits, hyphen and underscore, but an address is encoded whatever it is. */
export const groupPath = (group: string): string => `/forecast/${encodeURIComponent(group)}`;
