// Frame: the wing's pages and the way between them.

import { framed } from "../../../base/pages/frame.ts";
import type { Html } from "../../../base/pages/html.ts";

const places = [
  { path: "/", name: "Stockroom" },
  { path: "/classify", name: "Classification" },
  { path: "/classify/review", name: "Review" },
] as const;

/** A whole page. `here` is one of the places of the navigation, or none. */
export const page = (title: string, here: string, body: Html): string => framed(title, here, places, body);
