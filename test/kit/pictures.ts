// Requests for pictures, as the parser would have made them, for what stands behind it.

import type { Edits, ImageRequest } from "../../src/images/engine/plan.ts";

/** A request for one picture; the original's own format, unless `more` names another. */
export const requestOf = (edits: Edits = {}, more: Partial<ImageRequest> = {}): ImageRequest => ({
  requestType: "thumbor",
  bucket: "photos",
  key: "a.jpg",
  edits,
  formatFrom: more.outputFormat === undefined ? "source" : "edits",
  compat: "open",
  answer: { kind: "picture" },
  vary: [],
  ...more,
});
