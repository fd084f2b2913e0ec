// Presets: named edits, and what URLs may ask for besides.
//
//   N1. A preset is the operator's: its edits are checked like a URL's, but the policy does not bind them.
//   N2. The URL's own edits win over the preset's, each whole edit; under `only: presets` there are none.

import { formatName } from "../formats.ts";
import type { Edits, JsonValue, Policy, Preset, RequestOptions } from "../plan.ts";
import { allowedEdits, checkEdits, checkFormat } from "./edits.ts";
import { isObject, toNumber } from "./json.ts";
import { parsePattern } from "./kind.ts";
import { readQuality } from "./query.ts";
import { refusal, show } from "./refusal.ts";
import { requestLimits } from "./url.ts";

/** The preset of a name. Throws `ImagePreset::NotFound` (404). */
export function findPreset(name: unknown, presets: RequestOptions["presets"]): Preset {
  const preset = typeof name === "string" && presets !== undefined && Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset !== undefined) return preset;
  throw refusal(
    404,
    "ImagePreset::NotFound",
    `Expected the name of a preset but received ${show(name)}. Add it to the settings or correct the URL.`,
  );
}

/** The edits of a preset under those of the URL: names in the preset's order, then the URL's further ones. */
export function underlay(preset: Edits | undefined, own: Readonly<Record<string, JsonValue>>): Record<string, JsonValue> {
  return { ...preset, ...own };
}

const denied = (message: string) => refusal(403, "ImagePolicy::NotAllowed", message);

/** Checks the URL's own edits (not the preset's) before the screen is heeded. Throws `ImagePolicy::NotAllowed` (403). */
export function checkPolicy(own: Edits, beyond: boolean, policy: Policy | undefined): void {
  if (policy === undefined) return;
  const names = Object.keys(own);
  if (policy.only === "presets" && (names.length > 0 || beyond)) {
    throw denied(
      `Expected only a preset but received ${show(names[0] ?? "a word of its own")}. Name a preset, or add one to the settings.`,
    );
  }
  for (const name of names) {
    if (policy.edits !== undefined && !policy.edits.includes(name)) {
      throw denied(`Expected one of the edits ${policy.edits.join(", ")} but received ${show(name)}. Use one of them, or a preset.`);
    }
  }
  const { resize } = own;
  if (policy.sizes === undefined || !isObject(resize)) return;
  if (resize["ratio"] !== undefined)
    throw denied("Expected a size in pixels but received a ratio. Use one of the allowed sizes, or a preset.");
  for (const side of ["width", "height"]) {
    const pixels = resize[side];
    if (pixels === undefined || pixels === null || policy.sizes.includes(Math.round(toNumber(pixels)))) continue;
    throw denied(`Expected ${side} to be one of ${policy.sizes.join(", ")} but received ${show(pixels)}. Use one of them, or a preset.`);
  }
}

/** Checks the format a URL asks for by name. Throws `ImagePolicy::NotAllowed` (403). */
export function checkPolicyFormat(format: string, policy: Policy | undefined): void {
  if (policy?.formats === undefined || policy.formats.map(formatName).includes(formatName(format))) return;
  throw denied(`Expected one of the formats ${policy.formats.join(", ")} but received ${show(format)}. Use one of them.`);
}

const presetFields = new Set(["edits", "outputFormat", "quality"]);

/**
 * What is wrong with an operator's rewrite, presets and policy, each with its place; empty when nothing is. For the start, so that no reader meets it first.
 */
export function findOptionProblems({ buckets, presets, policy, compat, rewrite }: RequestOptions): string[] {
  const problems: string[] = [];
  if (rewrite !== undefined && parsePattern(rewrite.pattern) === undefined) {
    problems.push(`rewrite.pattern: expected /regex/flags but received ${show(rewrite.pattern)}`);
  }
  for (const [name, preset] of Object.entries(presets ?? {})) {
    const place = `presets.${name}`;
    for (const field of Object.keys(preset)) {
      if (!presetFields.has(field)) problems.push(`${place}.${field}: expected edits, outputFormat or quality`);
    }
    for (const edit of Object.keys(preset.edits ?? {})) {
      if (!allowedEdits.has(edit)) problems.push(`${place}.edits.${edit}: expected the name of an edit`);
    }
    const tell = (what: string, check: () => unknown): void => {
      try {
        check();
      } catch (error) {
        problems.push(`${place}.${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    };
    const context = { buckets, strict: compat === "strict", ...requestLimits };
    tell("edits", () => checkEdits(preset.edits, context));
    if (preset.outputFormat !== undefined) tell("outputFormat", () => checkFormat("outputFormat", preset.outputFormat, context.strict));
    if (preset.quality !== undefined) tell("quality", () => readQuality(preset.quality));
  }
  for (const edit of policy?.edits ?? [])
    if (!allowedEdits.has(edit)) problems.push(`policy.edits: expected names of edits but received ${show(edit)}`);
  for (const format of policy?.formats ?? []) {
    if (!isKnownFormat(format)) problems.push(`policy.formats: expected names of formats but received ${show(format)}`);
  }
  if (policy?.only === "presets" && Object.keys(presets ?? {}).length === 0)
    problems.push("policy.only: expected presets beside it but there are none");
  return problems;
}

function isKnownFormat(format: string): boolean {
  try {
    checkFormat("format", format, false);
    return true;
  } catch {
    return false;
  }
}
