// Fields: what comes with a request of the platform's own routes.

import type { z } from "zod";
import { readFields as read, type FieldSource } from "../platform/web/fields.ts";

export { limitOf } from "../platform/web/fields.ts";

/** Parses a request's values; throws `input` `QUERY_BAD`, `BODY_BAD` or `PATH_BAD` with all problems at once. */
export function readFields<Shape extends z.ZodType>(source: FieldSource, shape: Shape, values: unknown): z.output<Shape> {
  return read(source, shape, values, "docs/http.md");
}
