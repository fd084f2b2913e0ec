// Requests: what a picture URL means. Pure: a URL and options go in, a plain value or a refusal comes out.
//
// The parts, in the order of work: url (taken apart, bounded), signature (may it be asked, until when), kind (which of three ways it is written),
// thumbor and filters or json (bucket, key, edits), query, presets, edits (the allow-list and checks), headers, format; parse puts them together,
// explain says the result in the classic words, build goes the other way, environment reads the classic settings.

export { formatRequest, imageSrcset, imageUrl, type ImageUrl, type ImageUrlParts, type SrcsetSizes } from "./build.ts";
export { readEnvironment, type ClassicSettings } from "./environment.ts";
export { explain, explainMeaning, type Explanation } from "./explain.ts";
export { completeRequest } from "./format.ts";
export { parseRequest } from "./parse.ts";
export { findOptionProblems } from "./presets.ts";
export type { ErrorAnswer } from "./refusal.ts";
export type { RequestLike } from "./url.ts";
