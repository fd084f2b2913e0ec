// Commands: `stockroom images explain` and `stockroom images url`. They open nothing and ask nobody.

import { readFileSync } from "node:fs";
import { z } from "zod";
import { duration } from "../../platform/config/index.ts";
import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { readNames, readPairs, readWhole, repeated } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { ModuleTools, PlatformDeps } from "../../platform/module.ts";
import { imageSrcset, imageUrl } from "../engine/requests/index.ts";
import type { Compat } from "../engine/plan.ts";
import type { ImageUrlParts } from "../engine/requests/index.ts";
import { explainRequest } from "../service/handler.ts";
import type { Environment, ImageSettings } from "../service/settings.ts";
import { readNamedSource } from "../store/sources/open.ts";

/** These commands open no app. */
type ImageTools = Pick<ModuleTools<PlatformDeps<ImageSettings>, ImageSettings>, "settings" | "print">;

/** `explain` and `url`, to be mounted under `stockroom images`. */
export function makeAppCommands(tools: ImageTools): Record<string, Command> {
  return { explain: explainCommand(tools), url: urlCommand(tools) };
}

const usage = (message: string): StockroomError => new StockroomError("input", "USAGE", message);

/** The settings file and the environment as they would be in force. */
function inForce(
  tools: ImageTools,
  more: Environment,
): { readonly settings: ImageSettings; readonly folder: string; readonly environment: Environment } {
  const { own, folder, env } = tools.settings();
  return { settings: own, folder, environment: { ...env, ...more } };
}

const explainCommand = (tools: ImageTools): Command =>
  defineCommand({
    meta: {
      name: "explain",
      description: `Say what a picture URL means, or the error it is answered with, as JSON
Examples:
  stockroom images explain '/fit-in/300x200/filters:grayscale()/cat.jpg'
  stockroom images explain '/cat.jpg?width=300' --env SOURCE_BUCKETS=photos --env AUTO_WEBP=Yes --header 'Accept=image/webp'`,
    },
    args: {
      target: { type: "positional", required: true, description: "Path and query, or a whole URL", valueHint: "/PATH?QUERY" },
      env: {
        type: "string",
        description: "A classic setting beside those of the environment; may be given again",
        valueHint: "NAME=VALUE",
      },
      header: { type: "string", description: "A header of the request; may be given again", valueHint: "NAME=VALUE" },
      source: { type: "string", description: "A source as `up images` has it; may be given again", valueHint: "NAME=PLACE" },
      strict: { type: "boolean", description: "As the classic handler would, also where ours is better" },
    },
    run: async ({ args, rawArgs }) => {
      const { settings, environment } = inForce(tools, readPairs("--env", repeated(rawArgs, "env")));
      const headers = readPairs("--header", repeated(rawArgs, "header"));
      const target = args.target.replace(/^https?:\/\/[^/?#]*/i, "");
      const [path = "", ...query] = target.split("?");
      const { sources, ...rest } = settings;
      // In the server's own order: those of the command line come first.
      const given = repeated(rawArgs, "source").map((text) => readNamedSource(text, tools.settings().cwd)[0]);
      const named = [...new Set([...given, ...Object.keys(sources)])];
      const classic = (environment["SOURCE_BUCKETS"] ?? "").trim() !== "";
      const meaning = await explainRequest(
        { path: path === "" ? "/" : path, query: query.join("?"), headers },
        {
          ...rest,
          ...(args["strict"] === true ? { compat: "strict" as const } : {}),
          environment,
          // Which bucket is the first one is not known when nobody names any; the meaning of the rest is.
          ...(classic ? {} : { buckets: named.length > 0 ? named : ["default"] }),
        },
      );
      tools.print.json(meaning);
    },
  });

const urlCommand = (tools: ImageTools): Command =>
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
    if (format === undefined) throw usage("Expected --format beside --quality: a quality belongs to a format. Add it.");
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
  throw usage(`Expected --edits as a JSON object such as '{"resize":{"width":300}}' but received "${text.slice(0, 80)}". Correct it.`);
}

const date = z.union([z.iso.date(), z.iso.datetime({ local: true, offset: true })]);

/** When a URL ends: a span from now, with its unit, or a date to come. Throws `input` `USAGE`. */
export function readExpires(text: string, nowMs: number): Date {
  const span = /[a-z]$/.test(text) ? duration().safeParse(text).data : undefined;
  const at = span === undefined ? Date.parse(date.safeParse(text).data ?? "") : nowMs + span;
  if (Number.isNaN(at))
    throw usage(`Expected --expires as 90s, 15m, 12h, 7d or a date such as 2030-01-31 but received "${text}". Correct it.`);
  if (at <= nowMs) throw usage(`Expected --expires as a time to come but "${text}" is over. Correct it.`);
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
  throw usage("Expected a key to sign with but there is none. Set SIGNATURE_SECRET, SIGNATURE_SECRET_FILE or images.signature.keys.");
}
