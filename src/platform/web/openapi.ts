// OpenAPI: the document of what is mounted, made from the declarations (route.ts) by the framework's own plugin.

import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from "fastify-type-provider-zod";
import { getOpenApi } from "./openapi-route.ts";
import { serve } from "./route.ts";

/** That a list is read-only says nothing to a reader of JSON. */
const zodToJsonConfig = {
  override: ({ jsonSchema }: { readonly jsonSchema: { readOnly?: boolean | undefined } }): void => {
    delete jsonSchema.readOnly;
  },
};
const transform = createJsonSchemaTransform({ zodToJsonConfig });
const transformObject = createJsonSchemaTransformObject({ zodToJsonConfig });

/** Every named schema is one of an answer; the plugin makes a second of each for requests, which nothing names. */
function withoutInputs<Document extends object>(document: Document): Document {
  if (!("components" in document)) return document;
  const components = document.components as { readonly schemas?: Readonly<Record<string, unknown>> }; // oxlint-disable-line typescript/no-unsafe-type-assertion
  const schemas = Object.entries(components.schemas ?? {}).filter(([name]) => !name.endsWith("Input"));
  return { ...document, components: { ...components, schemas: Object.fromEntries(schemas) } };
}

/** Collects what is mounted from now on, and serves the document of it. */
export async function mountOpenApi(server: FastifyInstance, version: string): Promise<void> {
  await server.register(swagger, {
    exposeHeadRoutes: true,
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Stockroom",
        version,
        description: "Classification, forecasts and their installation. docs/reference/http.md tells more.",
      },
      components: {
        securitySchemes: {
          token: { type: "http", scheme: "bearer" },
          session: { type: "apiKey", in: "cookie", name: "stockroom_session" },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
    transform: (document) => {
      const { schema, url } = transform(document);
      const { body, name } = document.route.config?.route ?? {};
      // The framework streams such a body and knows nothing of it.
      const binary = body !== undefined && "kind" in body ? { consumes: [...body.types], body: { type: "string", format: "binary" } } : {};
      return { schema: { ...schema, ...binary, ...(name === undefined ? {} : { operationId: name }) }, url };
    },
    transformObject: (document) => withoutInputs(transformObject(document)),
  });
  serve(server, getOpenApi, () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the plugin's own type is a union with the format of 2014
    return server.swagger() as unknown as { openapi: string; paths: Record<string, unknown> };
  });
}
