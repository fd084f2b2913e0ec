// Fields: what comes with a request of this module.

import type { z } from "zod";
import { readFields as read, type FieldSource } from "../../platform/web/fields.ts";

export { line } from "../../platform/web/fields.ts";

/** Parses a request's values; throws `input` `QUERY_BAD` or `PATH_BAD` with all problems at once. */
export function readFields<Shape extends z.ZodType>(source: FieldSource, shape: Shape, values: unknown): z.output<Shape> {
  return read(source, shape, values, "docs/reference/forecast-http.md");
}
