// Opens the writer a target asks for.

import path from "node:path";
import { pathToFileURL } from "node:url";
import { StockroomError } from "../../../../platform/errors.ts";
import { openSession, type Credentials } from "../session.ts";
import type { SapTarget } from "../settings.ts";
import { unsureAnswer, type Answer, type SapWriter } from "./contract.ts";
import { openFileWriter } from "./file.ts";
import { openODataWriter } from "./odata.ts";
import { openSoapWriter } from "./soap.ts";

/** What a customer's own module exports: over JCo, node-rfc or anything else. It keeps R1 to R3 of contract.ts. */
export type OpenWriter = (
  target: SapTarget & { readonly kind: "module" },
  credentials: Credentials | undefined,
) => Promise<SapWriter> | SapWriter;

/** Throws `input` `SAP_WRITER_MODULE` when a customer's module does not export `openWriter`. */
export async function openWriter(target: SapTarget, credentials: Credentials | undefined): Promise<SapWriter> {
  const session = (): ReturnType<typeof openSession> =>
    openSession({
      credentials,
      headers: "headers" in target ? target.headers : {},
      tries: target.tries,
      pauseMs: target.pauseMs,
      timeoutMs: target.timeoutMs,
    });
  if (target.kind === "odata") return openODataWriter(target, session());
  if (target.kind === "soap") return openSoapWriter(target, session());
  if (target.kind === "file") return openFileWriter(target);
  const module: unknown = await import(pathToFileURL(path.resolve(target.module)).href).catch((cause: unknown) => {
    throw unfit(target.module, `it cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  });
  if (typeof module !== "object" || module === null || !("openWriter" in module) || typeof module.openWriter !== "function") {
    throw unfit(target.module, "it does not");
  }
  // A customer's module: what its functions do can only be trusted; what they answer is looked at.
  const writer = await (module.openWriter as OpenWriter)(target, credentials);
  if (typeof writer?.write !== "function") throw unfit(target.module, "what that gives has no function write(rows, request)");
  return checked(target.module, writer);
}

function unfit(module: string, why: string, cause?: unknown): StockroomError {
  return new StockroomError(
    "input",
    "SAP_WRITER_MODULE",
    `Expected ${module} to export a function openWriter(target, credentials) but ${why}. See docs/how-to/forecast-sap.md.`,
    { facts: { module }, cause },
  );
}

/** A writer whose answers are none of R1 leaves their rows unsure: it was called, and has perhaps done its work. */
function checked(module: string, writer: SapWriter): SapWriter {
  return {
    async write(rows, request) {
      const given: unknown = await writer.write(rows, request);
      if (!Array.isArray(given)) throw unsureAnswer(module, "it gave no list of answers");
      return given.filter(isAnswer).map((answer) => ({ ...answer, messages: Array.isArray(answer.messages) ? answer.messages : [] }));
    },
    ...(writer.knowsRepeats === undefined ? {} : { knowsRepeats: async (request) => (await writer.knowsRepeats?.(request)) === true }),
    ...(writer.readBack === undefined ? {} : { readBack: async (rows, signal) => await writer.readBack?.(rows, signal) }),
    ...(writer.forget === undefined ? {} : { forget: async (request) => await writer.forget?.(request) }),
    close: async () => await writer.close?.(),
  };
}

const isAnswer = (value: unknown): value is Answer =>
  typeof value === "object" &&
  value !== null &&
  "seq" in value &&
  typeof value.seq === "number" &&
  "taken" in value &&
  typeof value.taken === "boolean";
