// The reference of routes: what each takes and answers, and whom it needs, as it is declared.

import { z } from "zod";
import { mountAll } from "../../test/kit/routes.ts";
import { statusesOf, type Bytes, type RouteSpec } from "../../src/platform/web/route.ts";
import { unwrap, type Schema } from "../../src/platform/documents/index.ts";
import { generated, inCell, table, type Page } from "./page.ts";

/** What a value is, in a word or in those it may be. */
function typeOf(schema: Schema, depth = 0): string {
  const { at, meta } = unwrap(schema);
  const { id } = meta;
  if (typeof id === "string" && depth > 0) return id;
  if (at instanceof z.ZodEnum) return at.options.map((option) => `"${String(option)}"`).join(" or ");
  if (at instanceof z.ZodLiteral) return [...at.values].map((value) => JSON.stringify(value)).join(" or ");
  if (at instanceof z.ZodBoolean) return "true or false";
  if (at instanceof z.ZodNumber) return at.isInt ? "whole number" : "number";
  if (at instanceof z.ZodArray) return `list of ${typeOf(at.element, depth + 1)}`;
  if (at instanceof z.ZodString || at instanceof z.ZodStringFormat || at instanceof z.ZodCustomStringFormat) return "text";
  if (at instanceof z.ZodUnion) return [...new Set(at.options.map((option) => typeOf(option, depth + 1)))].join(" or ");
  if (at instanceof z.ZodObject) return depth > 1 ? "object" : `{ ${Object.keys(at.shape).join(", ")} }`;
  if (at instanceof z.ZodRecord) return `map of ${typeOf(at.valueType, depth + 1)}`;
  if (at instanceof z.ZodNull) return "null";
  return "any";
}

const isBytes = (part: z.ZodType | Bytes): part is Bytes => "kind" in part && part.kind === "bytes";

function fieldsOf(schema: z.ZodType | undefined): string {
  if (schema === undefined) return "";
  const { at } = unwrap(schema);
  if (!(at instanceof z.ZodObject))
    return at instanceof z.ZodUnion ? at.options.map((option) => fieldsOf(option as z.ZodType)).join("; or ") : `\`${typeOf(schema)}\``; // oxlint-disable-line typescript/no-unsafe-type-assertion -- options of our own schemas
  return Object.entries(at.shape)
    .map(([name, inner]) => `\`${name}${z.safeParse(inner, undefined).success ? "?" : ""}\` ${inCell(typeOf(inner, 1))}`)
    .join(", ");
}

function sectionOf({ name, method, path, summary, needs, params, query, body, answer, ...spec }: RouteSpec): string {
  const answers =
    answer === "nothing" ? "nothing" : isBytes(answer) ? answer.types.map((type) => `\`${type}\``).join(", ") : fieldsOf(answer);
  const rows = [
    ["path", fieldsOf(params)],
    ["query", fieldsOf(query)],
    ["body", body === undefined ? "" : isBytes(body) ? `bytes: ${body.types.map((type) => `\`${type}\``).join(", ")}` : fieldsOf(body)],
    ["answers", `${statusesOf({ name, method, path, summary, needs, answer, ...spec }).join(", ")}: ${answers}`],
  ].filter(([, says]) => says !== "");
  return [
    `### ${method} ${path.replaceAll("*", String.raw`\*`)}`,
    `${inCell(summary)}. ${needs === "anyone" ? "For anyone." : `Needs \`${needs}\`.`} Called \`${name}\`.`,
    table(
      ["", ""],
      rows.map(([part = "", says = ""]) => [part, says.replaceAll(/(?<!\\)\|/g, String.raw`\|`)]),
    ),
  ].join("\n\n");
}

/** The page, and the routes that say nothing of themselves. */
export async function routesPage(): Promise<{ readonly page: Page; readonly problems: readonly string[] }> {
  const { server, mounted } = await mountAll();
  await server.close();
  const routes = mounted.flatMap(({ route }) => (route === undefined ? [] : [route]));
  const pages = mounted.filter(({ route, method }) => route === undefined && method === "GET");
  const groups = Map.groupBy(routes, ({ owner }) => owner ?? "platform");
  const text = [
    "# Every route",
    generated("the declarations of the routes"),
    `What a field means and how lists go on stands in [http.md](http.md), [classify-http.md](classify-http.md) and [forecast-http.md](forecast-http.md); the same as OpenAPI 3.1 is \`GET /api/openapi.json\`.
A field with a question mark may be left out. Whoever has a role has those before it as [roles-routes.md](roles-routes.md) shows. Pictures are answered below \`/images/\` by other rules: [images-urls.md](images-urls.md).`,
    ...[...groups].flatMap(([owner, list]) => [`## ${owner.charAt(0).toUpperCase()}${owner.slice(1)}`, ...list.map(sectionOf)]),
    `## Pages\n\n${table(
      ["page", "needs"],
      pages.map(({ url, needs }) => [`\`${url}\``, needs ?? ""]),
    )}`,
  ].join("\n\n");
  return {
    page: { name: "routes.md", text: `${text}\n` },
    problems: routes.flatMap(({ name, summary }) => (summary === "" ? [`${name} has no summary`] : [])),
  };
}
