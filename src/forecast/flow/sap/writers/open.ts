// Opens the writer a target asks for.

import path from "node:path";
import { pathToFileURL } from "node:url";
import { StockroomError } from "../../../../base/errors.ts";
import { openSession, type Credentials } from "../session.ts";
import type { SapTarget } from "../settings.ts";
import type { SapWriter } from "./contract.ts";
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
  const module: unknown = await import(pathToFileURL(path.resolve(target.module)).href);
  if (typeof module === "object" && module !== null && "openWriter" in module && typeof module.openWriter === "function") {
    // A customer's module: its shape beyond the name can only be trusted.
    return await (module.openWriter as OpenWriter)(target, credentials);
  }
  throw new StockroomError(
    "input",
    "SAP_WRITER_MODULE",
    `Expected ${target.module} to export a function openWriter(target, credentials) but it does not. See docs/forecast-sap.md.`,
    { facts: { module: target.module } },
  );
}
