// url: the URL of a picture, built and signed.

import { readFileSync } from "node:fs";
import { z } from "zod";
import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { readNames, readPairs, readWhole, repeated, usage } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { duration } from "../../platform/config/index.ts";
import type { Compat } from "../engine/plan.ts";
import { imageSrcset, imageUrl, type ImageUrlParts } from "../engine/requests/index.ts";
import { inForce, type ImageTools } from "./tools.ts";

const misuse = (message: string): StockroomError => new StockroomError("input", "USAGE", message);

export const urlCommand = (tools: ImageTools): Command =>
  defineCommand({
    meta: {
      name: "url",
      description: `Build the URL of a picture, and sign it
Examples:
  stockroom images url cat.jpg --width 300 --format webp
  stockroom images url cat.jpg --edits '{"resize":{"width":300},"grayscale":true}' --sign --expires 1d
  stockroom images url cat.jpg --srcset 320,640,1280 --form thumbor`,
    },
    args: {
      key: { type: "positional", required: true, description: "The original's key" },
      bucket: { type: "string", description: "Its bucket (default: the first)" },
      width: { type: "string", description: "Pixels" },
      height: { type: "string", description: "Pixels" },
      fit: { type: "string", description: "cover, contain, fill, inside or outside" },
      format: { type: "string", description: "Output format" },
      quality: { type: "string", description: "1 to 100, of that format" },
      edits: { type: "string", description: "Edits as JSON, in the classic words; the options above go over them", valueHint: "json" },
      form: { type: "enum", options: ["base64", "thumbor"], description: "How it is written", default: "base64" },
      query: { type: "string", description: "A query parameter; may be given again", valueHint: "NAME=VALUE" },
      expires: { type: "string", description: "Valid for so long (90s, 15m, 12h, 7d) or until a date", valueHint: "time" },
      sign: { type: "boolean", description: "Sign with the key of SIGNATURE_SECRET, SIGNATURE_SECRET_FILE or images.signature.keys" },
      srcset: { type: "string", description: "Widths for an <img srcset>", valueHint: "a,b,c" },
      origin: { type: "string", description: "What stands before the path: https://img.example.com" },
    },
    run: async ({ args, rawArgs }) => {
      const key = args["sign"] === true ? signingKey(tools) : undefined;
      const parts = partsOf(args, readPairs("--query", repeated(rawArgs, "query")));
      const widths =
        args["srcset"] === undefined ? undefined : readNames(args["srcset"]).map((text) => readWhole("--srcset", text, 1, 999_999));
      if (widths !== undefined) tools.print.line(imageSrcset(parts, { widths }, key?.key, key?.compat));
      else tools.print.line((key === undefined ? imageUrl(parts) : imageUrl(parts).sign(key.key, key.compat)).toString());
    },
  });

function partsOf(args: Readonly<Record<string, unknown>>, query: Readonly<Record<string, string>>): ImageUrlParts {
  const text = (name: string): string | undefined => (typeof args[name] === "string" ? args[name] : undefined);
  const edits: Record<string, unknown> = readEdits(text("edits"));
  const size = {
    ...(text("width") === undefined ? {} : { width: readWhole("--width", text("width") ?? "", 1, 999_999) }),
    ...(text("height") === undefined ? {} : { height: readWhole("--height", text("height") ?? "", 1, 999_999) }),
    ...(text("fit") === undefined ? {} : { fit: text("fit") }),
  };
  if (Object.keys(size).length > 0) edits["resize"] = { ...(edits["resize"] as object | undefined), ...size };
  const format = text("format");
  const quality = text("quality");
  if (quality !== undefined) {
    if (format === undefined) throw misuse("Expected --format beside --quality: a quality belongs to a format. Add it.");
    edits[format === "jpg" ? "jpeg" : format] = { quality: readWhole("--quality", quality, 1, 999_999) };
  }
  if (format !== undefined) edits["toFormat"] = format === "jpg" ? "jpeg" : format;
  const expires = text("expires");
  return {
    key: text("key") ?? "",
    edits,
    form: text("form") === "thumbor" ? "thumbor" : "base64",
    ...(text("bucket") === undefined ? {} : { bucket: text("bucket") ?? "" }),
    ...(text("origin") === undefined ? {} : { origin: text("origin") ?? "" }),
    ...(Object.keys(query).length === 0 ? {} : { query }),
    ...(expires === undefined ? {} : { expires: readExpires(expires, Date.now()) }),
  };
}

function readEdits(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below, like a value of another kind.
  }
  throw usage("--edits", `a JSON object such as '{"resize":{"width":300}}'`, text.slice(0, 80));
}

const date = z.union([z.iso.date(), z.iso.datetime({ local: true, offset: true })]);

/** When a URL ends: a span from now, with its unit, or a date to come. Throws `input` `USAGE`. */
export function readExpires(text: string, nowMs: number): Date {
  const span = /[a-z]$/.test(text) ? duration().safeParse(text).data : undefined;
  const at = span === undefined ? Date.parse(date.safeParse(text).data ?? "") : nowMs + span;
  if (Number.isNaN(at)) throw usage("--expires", "90s, 15m, 12h, 7d or a date such as 2030-01-31", text);
  if (at <= nowMs) throw misuse(`Expected --expires as a time to come but "${text}" is over. Correct it.`);
  return new Date(at);
}

function signingKey(tools: ImageTools): { readonly key: string; readonly compat: Compat } {
  const { settings, environment } = inForce(tools, {});
  const file = environment["SIGNATURE_SECRET_FILE"];
  const inFile =
    file === undefined || file === ""
      ? undefined
      : readFileSync(file, "utf8")
          .split(/\r?\n/)
          .find((line) => line !== "");
  const key = environment["SIGNATURE_SECRET"] ?? inFile ?? settings.signature.keys[0];
  if (key !== undefined && key !== "") return { key, compat: settings.compat };
  throw misuse("Expected a key to sign with but there is none. Set SIGNATURE_SECRET, SIGNATURE_SECRET_FILE or images.signature.keys.");
}
