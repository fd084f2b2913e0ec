// Query: what stands behind the question mark, parsed once. An unknown or unreadable parameter is an error, never ignored.

import { z } from "zod";
import { StockroomError } from "../platform/errors.ts";

/** A page's size: 1 to `max`, 100 unless told. */
export const limitOf = (max: number) => z.coerce.number().int().min(1).max(max).default(100);

/** Parses a query string's values; throws `input` `QUERY_BAD` with all problems at once. */
export function parseQuery<Shape extends z.ZodType>(shape: Shape, query: unknown): z.output<Shape> {
  const parsed = shape.safeParse(query);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "query"}: ${issue.message}`).join("; ");
  throw new StockroomError("input", "QUERY_BAD", `Expected other query parameters: ${problems}. See src/server/api.ts.`);
}
