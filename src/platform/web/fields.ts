// Fields: what comes with a request, parsed once. What is unknown, too long, twice or unreadable is an error, never ignored.

import { z } from "zod";
import { StockroomError } from "../errors.ts";

// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f]/;

/** A line of text of at most `most` characters. What it must say is for whoever uses it to check. */
export const line = (most = 300) =>
  z
    .string()
    .max(most)
    .refine((text) => !control.test(text), "control characters are not allowed");

const speakerMark = "x-speaker";
const speakerText = "Who says so. For whoever signed in it is that name, and may be left out.";

/**
 * A body's field that says who speaks (`by`, `author`). A route's handler finds the name of the sign-in in it; without users it must come, or not
 * where `usual` says that the handler knows what to put instead.
 */
export function speaker(most?: number): z.ZodType<string, string | undefined>;
export function speaker(most: number, usual: "optional"): z.ZodType<string | undefined, string | undefined>;
export function speaker(most = 100, usual: "needed" | "optional" = "needed"): z.ZodType {
  return line(most)
    .optional()
    .meta({ [speakerMark]: usual, description: speakerText });
}

/** Whether a field is one of `speaker`, and which. */
export function isSpeaker(field: unknown): "needed" | "optional" | false {
  const mark = field instanceof z.ZodType ? field.meta()?.[speakerMark] : undefined;
  return mark === "needed" || mark === "optional" ? mark : false;
}

/** A page's size: a whole number from 1 to `most`, `usual` unless told. */
export const limitOf = (usual: number, most: number): z.ZodType<number, number | undefined> => {
  const expected = `expected a number from 1 to ${most}`;
  return z
    .preprocess(
      (value: number | undefined) => (typeof value === "string" && /^\d{1,6}$/.test(value) ? Number(value) : value),
      z.int(expected).min(1, expected).max(most, expected),
    )
    .default(usual);
};

const sources = {
  query: { code: "QUERY_BAD", what: "other query parameters" },
  body: { code: "BODY_BAD", what: "another body" },
  path: { code: "PATH_BAD", what: "another path" },
  form: { code: "FORM_BAD", what: "another form" },
} as const;

export type FieldSource = keyof typeof sources;

/** Parses a request's values; `doc` says what is taken. Throws `input` `QUERY_BAD`, `BODY_BAD`, `PATH_BAD` or `FORM_BAD` with all problems at once. An absent body has no fields. */
export function readFields<Shape extends z.ZodType>(source: FieldSource, shape: Shape, values: unknown, doc: string): z.output<Shape> {
  const parsed = shape.safeParse(values ?? {});
  if (parsed.success) return parsed.data;
  const { code, what } = sources[source];
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || source}: ${issue.message}`).join("; ");
  throw new StockroomError("input", code, `Expected ${what}: ${problems}. See ${doc}.`);
}
