// Shown: routes that answer with a page, and what a browser sees when one cannot.

import type { FastifyReply, FastifyRequest } from "fastify";
import { describeError, isStockroomError, meanings } from "../errors.ts";
import { pageHeaders } from "./frame.ts";
import { html, type Html } from "./html.ts";

/** What a page's route gives: a page, a way back after a form, or a whole document whose headers it has set itself. */
export type PageAnswer = { readonly title: string; readonly body: Html } | { readonly back: string } | { readonly whole: string };

/** How one module shows its pages. */
export interface Shows {
  /** A whole page; `here` is one of the places of the module's navigation, or none. */
  readonly page: (title: string, here: string, body: Html) => string;
  /** Title of the page that says what was wrong. */
  readonly failed: string;
  /** Where a reader goes on from there. */
  readonly onward: { readonly path: string; readonly name: string };
}

/** Makes a module's page routes. A user's mistake becomes a page with its words and code; a fault is the server's to answer and to log. */
export function makeShown({ page, failed, onward }: Shows) {
  return (here: string, make: (request: FastifyRequest, reply: FastifyReply) => Promise<PageAnswer>) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      try {
        const answer = await make(request, reply);
        if ("whole" in answer) return await reply.send(answer.whole);
        if ("back" in answer) return await reply.headers(pageHeaders).redirect(answer.back, 303);
        return await reply.headers(pageHeaders).send(page(answer.title, here, answer.body));
      } catch (error) {
        if (!isStockroomError(error) || error.kind === "fault") throw error;
        const { message, code } = describeError(error);
        const body = html`<p class="note bad" role="alert">${message}</p>
          <p class="dim">Code ${code}. <a href="${onward.path}">${onward.name}</a></p>`;
        return await reply
          .code(meanings[error.kind].status)
          .headers(pageHeaders)
          .send(page(failed, here, body));
      }
    };
}
