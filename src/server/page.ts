// Page: the status of the app on one plain page, for people without the console. No script, nothing fetched from elsewhere.

import type { FastifyInstance } from "fastify";
import { framed, pageHeaders } from "../platform/web/frame.ts";
import { html, type Html } from "../platform/web/html.ts";
import { servePage } from "../platform/web/route.ts";
import type { AnyModule } from "../platform/module.ts";
import type { ServerDeps } from "./deps.ts";

export function mountPage(
  server: FastifyInstance,
  { workflows, notices }: ServerDeps,
  { version, pages }: { readonly version: string; readonly pages: readonly NonNullable<AnyModule["page"]>[] },
): void {
  servePage(server, { method: "GET", path: "/", needs: "viewer" }, async (_request, reply) => {
    const [active, recent, letters, news] = await Promise.all([
      Promise.all((["running", "retrying", "queued"] as const).map((state) => workflows.list({ state, limit: 20 }))),
      workflows.list({ limit: 20 }),
      workflows.deadLetters({ state: "waiting", limit: 20 }),
      notices.list({ limit: 20 }),
    ]);
    const page = [
      html`${pages.map(({ path, name, about }) => html`<p><a href="${path}">${name}</a>: ${about}.</p>`)}`,
      table(
        "Dead letters",
        "None: nothing waits for a person.",
        ["id", "what", "why", "since"],
        letters.map((letter) => [letter.id, letter.title, `${letter.error.code}: ${letter.error.message}`, letter.at]),
      ),
      table(
        "At work",
        "Nothing runs.",
        ["state", "what", "progress", "since"],
        active
          .flat()
          .map((run) => [
            run.state,
            run.title,
            run.progress === undefined ? "" : `${run.progress.done} of ${run.progress.total} ${run.progress.note}`,
            run.updatedAt,
          ]),
      ),
      table(
        "Last notices",
        "None yet.",
        ["severity", "topic", "what", "at"],
        news.map((notice) => [notice.severity, notice.topic, notice.title, notice.at]),
      ),
      table(
        "Last runs",
        "None yet.",
        ["state", "what", "id", "at"],
        recent.map((run) => [run.state, run.title, run.id, run.updatedAt]),
      ),
    ];
    const places = [{ path: "/", name: "Stockroom" }, ...pages];
    return await reply.headers(pageHeaders).send(framed(`Stockroom ${version}`, "/", places, html`${page}`));
  });
}

function table(heading: string, none: string, columns: readonly string[], rows: readonly (readonly string[])[]): Html {
  if (rows.length === 0)
    return html`<h2>${heading}</h2>
      <p>${none}</p>`;
  const head = columns.map((column) => html`<th scope="col">${column}</th>`);
  const body = rows.map(
    (row) =>
      html`<tr>
        ${row.map((cell) => html`<td>${cell}</td>`)}
      </tr>`,
  );
  return html`<h2>${heading}</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            ${head}
          </tr>
        </thead>
        <tbody>
          ${body}
        </tbody>
      </table>
    </div>`;
}
