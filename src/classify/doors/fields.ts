// Fields: what comes with a request of this wing.

import type { z } from "zod";
import { readFields as read, type FieldSource } from "../../base/pages/fields.ts";

export { line } from "../../base/pages/fields.ts";

/** Parses a request's values; throws `input` `QUERY_BAD`, `BODY_BAD`, `PATH_BAD` or `FORM_BAD` with all problems at once. */
export function readFields<Shape extends z.ZodType>(source: FieldSource, shape: Shape, values: unknown): z.output<Shape> {
  return read(source, shape, values, "docs/classify-http.md");
}
