// Page: the status of the app on one plain page, for people without the console. No script, nothing fetched from elsewhere.

import type { FastifyInstance } from "fastify";
import { escape } from "../platform/web/html.ts";
import type { AnyModule } from "../platform/module.ts";
import type { ServerDeps } from "./deps.ts";

export function mountPage(
  server: FastifyInstance,
  { workflows, notices }: ServerDeps,
  { version, pages }: { readonly version: string; readonly pages: readonly NonNullable<AnyModule["page"]>[] },
): void {
  server.get("/", async (_request, reply) => {
    const [active, recent, letters, news] = await Promise.all([
      Promise.all((["running", "retrying", "queued"] as const).map((state) => workflows.list({ state, limit: 20 }))),
      workflows.list({ limit: 20 }),
      workflows.deadLetters({ state: "waiting", limit: 20 }),
      notices.list({ limit: 20 }),
    ]);
    const page = [
      pages.map(({ path, name, about }) => `<p><a href="${escape(path)}">${escape(name)}</a>: ${escape(about)}.</p>`).join(""),
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
    return await reply.type("text/html; charset=utf-8").send(frame(version, page.join("\n")));
  });
}

function table(heading: string, none: string, columns: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return `<h2>${heading}</h2><p>${none}</p>`;
  const head = columns.map((column) => `<th scope="col">${column}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${escape(cell)}</td>`).join("")}</tr>`).join("\n");
  return `<h2>${heading}</h2><table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table>`;
}

const frame = (version: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Stockroom</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: 0.3rem 1rem 0.3rem 0; border-bottom: 1px solid #8884; overflow-wrap: anywhere; }
</style></head><body>
<h1>Stockroom <small>${escape(version)}</small></h1>
${body}
</body></html>
`;
