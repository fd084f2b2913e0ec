// Frame: the module's pages and the way between them.

import { framed } from "../../../platform/web/frame.ts";
import type { Html } from "../../../platform/web/html.ts";

const places = [
  { path: "/", name: "Stockroom" },
  { path: "/classify", name: "Classification" },
  { path: "/classify/review", name: "Review" },
] as const;

/** A whole page. `here` is one of the places of the navigation, or none. */
export const page = (title: string, here: string, body: Html): string => framed(title, here, places, body);
