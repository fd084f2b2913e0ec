// Forms: what a browser sends of a page of ours, and the cookies beside it.
//
//   F1. A form is small, and each field comes once.

import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";
import { StockroomError } from "../errors.ts";

const formBytes = 16 * 1024;

/** Lets the routes of a scope take forms: their body is a plain object of texts. */
export function takeForms(scope: FastifyInstance): void {
  scope.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string", bodyLimit: formBytes }, (_request, body, done) => {
    const fields = [...new URLSearchParams(String(body))];
    const twice = fields.find(([name], index) => fields.findIndex(([other]) => other === name) !== index);
    if (twice === undefined) done(null, Object.fromEntries(fields));
    else done(new StockroomError("input", "FORM_BAD", `Expected each field once but "${twice[0]}" came twice. Load the page again.`));
  });
}

/** A cookie's value as it came; of several of one name the first. */
export function cookieOf({ headers }: Pick<IncomingMessage, "headers">, name: string): string | undefined {
  const found = (headers.cookie ?? "").split(";").find((cookie) => cookie.trim().startsWith(`${name}=`));
  return found?.trim().slice(name.length + 1);
}
