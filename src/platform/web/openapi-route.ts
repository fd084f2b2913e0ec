// The declaration of the OpenAPI document's own route; openapi.ts makes the document.

import { z } from "zod";
import { defineRoute } from "./route.ts";

export const getOpenApi = defineRoute({
  name: "getOpenApi",
  method: "GET",
  path: "/api/openapi.json",
  summary: "This interface as OpenAPI 3.1",
  needs: "viewer",
  answer: z.looseObject({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) }),
});
