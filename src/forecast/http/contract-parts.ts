// What several declarations of routes are made of.

import { z } from "zod";
import { line as text } from "../../platform/web/fields.ts";
import { bytes, routesOf } from "../../platform/web/route.ts";

export const defineRoute = routesOf("forecast");

/** What may be looked at by whoever comes in. */
export const viewed = { method: "GET", needs: "viewer" } as const;

export const optional = text().optional();
export const record = z.record(z.string(), z.unknown());
/** JSON has no NaN: of nothing it is null. */
export const number = z.number().nullable();

export const ref = z.strictObject({ key: z.string(), version: z.string() });
export const refs = z.record(z.string(), ref);
export const input = ref.extend({ sha256: z.string() }).optional();

export const byId = z.strictObject({ id: text(500) });
export const ofExport = z.strictObject({ id: text(500), "*": z.string() });
export const exportRow = z
  .strictObject({ name: z.string(), key: z.string(), version: z.string(), bytes: z.number(), contentType: z.string() })
  .meta({ id: "ForecastExport" });
export const tables = bytes("text/csv", "application/vnd.apache.parquet", "application/json", "text/html");
