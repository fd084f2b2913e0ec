// Frame: what all pages of the modules look like, and the headers under which a browser may show them.
//
//   F1. Nothing is fetched from anywhere else; what stands in a page is allowed by its hash. The frame itself has one style sheet and no script.

import { createHash } from "node:crypto";
import { currentCaller } from "./caller.ts";
import { Html, html } from "./html.ts";

const style = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --ink: light-dark(#1d4f91, #9cc3ff); --warn: light-dark(#8a4b00, #ffc36b); --good: light-dark(#1b6b3a, #8fe0ac); font: 15px/1.5 system-ui, sans-serif; }
* { box-sizing: border-box; }
body { max-width: 75rem; margin: 1.5rem auto 4rem; padding: 0 1rem; }
a { color: var(--ink); } a:focus-visible, button:focus-visible, select:focus-visible, input:focus-visible, summary:focus-visible { outline: 3px solid var(--ink); outline-offset: 2px; }
nav { display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; padding-bottom: 0.7rem; border-bottom: 1px solid var(--line); }
nav a { text-decoration: none; } nav a[aria-current] { font-weight: 600; color: inherit; }
h1 { font-size: 1.4rem; margin: 1.3rem 0 0.3rem; } h2 { font-size: 1.1rem; margin: 2rem 0 0.4rem; }
p { margin: 0.4rem 0; } .dim, small { opacity: 0.75; } .warn { color: var(--warn); } .good { color: var(--good); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: start; vertical-align: top; padding: 0.35rem 1rem 0.35rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
caption { text-align: start; } caption h3 { font-size: 1rem; margin: 0.8rem 0 0.2rem; }
thead th { font-size: 0.87rem; font-weight: 600; opacity: 0.8; vertical-align: bottom; overflow-wrap: normal; }
td.n, th.n { text-align: end; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.n small { display: inline-block; min-width: 3.8rem; text-align: end; }
tfoot td, tfoot th { font-weight: 600; border-bottom: 0; }
.edge { border-inline-start: 1px solid var(--line); padding-inline-start: 1rem; }
.moved { background: light-dark(#fff3d6, #4a3a12); }
.tag { display: inline-block; padding: 0 0.5rem; border: 1px solid var(--line); border-radius: 1rem; font-size: 0.87rem; white-space: nowrap; }
.note { padding: 0.6rem 0.9rem; border-inline-start: 4px solid var(--ink); background: var(--soft); margin: 1rem 0; overflow-wrap: anywhere; }
.note.bad { border-color: var(--warn); }
code, .mono { font: 0.9em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
button, select, input { font: inherit; padding: 0.35rem 0.7rem; border: 1px solid #8888; border-radius: 0.4rem; max-width: 100%; }
button { cursor: pointer; } button.first { background: var(--ink); border-color: var(--ink); color: light-dark(#fff, #10233d); font-weight: 600; }
form, details { margin: 0.6rem 0; } .answers form { margin: 0; }
form { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: end; }
label { display: grid; font-size: 0.87rem; gap: 0.1rem; }
article { border: 1px solid var(--line); border-radius: 0.6rem; padding: 0.9rem 1.1rem 1.1rem; margin: 1rem 0; }
article:focus { outline: 3px solid var(--ink); outline-offset: 2px; }
article header { display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; align-items: center; font-size: 0.9rem; }
article h3 { font-size: 1.1rem; margin: 0.5rem 0 0.1rem; overflow-wrap: anywhere; } article p { overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: 0.1rem 1.2rem; margin: 0.5rem 0; font-size: 0.9rem; } .facts div { display: flex; gap: 0.4rem; min-width: 0; overflow-wrap: anywhere; } .facts dt { opacity: 0.7; } .facts dd { margin: 0; min-width: 0; }
.said { display: grid; grid-template-columns: max-content 1fr; gap: 0.3rem 1rem; margin: 0.8rem 0; } .said dt { opacity: 0.75; } .said dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.answers { display: flex; flex-wrap: wrap; gap: 0.7rem 1.5rem; align-items: end; } .answers select { width: 24rem; }
meter { width: 7rem; height: 0.9rem; vertical-align: -0.1rem; }
svg.chart { display: block; width: 100%; height: 15rem; margin: 0.8rem 0 0.2rem; overflow: visible; } svg.chart path { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; } svg.chart .past { stroke: light-dark(#39434f, #c3cbd5); } svg.chart .ahead { stroke: var(--ink); } svg.chart .grid { stroke: var(--line); stroke-width: 1; } svg.chart text { fill: currentColor; opacity: 0.75; font-size: 12px; }
.key { display: inline-block; width: 1.6rem; border-top: 3px solid light-dark(#39434f, #c3cbd5); vertical-align: 0.25rem; } .key.ahead { border-color: var(--ink); }
.tiles { display: flex; flex-wrap: wrap; gap: 0.6rem; padding: 0; margin: 1rem 0; list-style: none; } .tiles li { border: 1px solid var(--line); border-radius: 0.6rem; padding: 0.5rem 0.9rem; } .tiles b { display: block; font-size: 1.25rem; } .tiles span { font-size: 0.87rem; opacity: 0.75; }
details summary { cursor: pointer; color: var(--ink); }
@media (max-width: 40rem) { .said { grid-template-columns: 1fr; } .said dd { margin-bottom: 0.3rem; } }
`;

/** A style sheet or script that stands in the page, and how a policy names it. */
export interface Inline {
  readonly element: Html;
  readonly source: string;
}

/** `text` is ours, never a caller's: it goes into the page as it is, because its hash is over every space in it. */
export const inline = (kind: "style" | "script", text: string): Inline => ({
  element: new Html(`<${kind}>${text}</${kind}>`),
  source: `'sha256-${createHash("sha256").update(text).digest("base64")}'`,
});

/** Headers of a page that may do what `allowed` says and nothing else. The referrer stays within, because without one a browser calls the origin of our own forms `null`. */
export const headersOf = (allowed: readonly string[]): Readonly<Record<string, string>> => ({
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": ["default-src 'none'", ...allowed, "frame-ancestors 'none'", "base-uri 'none'"].join("; "),
  "referrer-policy": "same-origin",
});

const frameStyle = inline("style", style);

/** Headers of every page in the frame. */
export const pageHeaders = headersOf([`style-src ${frameStyle.source}`, "form-action 'self'"]);

/** A page the navigation leads to. */
export interface Place {
  readonly path: string;
  readonly name: string;
}

/** A whole document of nothing but what is given. */
export function documentOf(title: string, head: readonly Html[], body: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Stockroom</title>
        ${head}
      </head>
      <body>
        ${body}
      </body>
    </html> `.toString();
}

/** A whole page in the frame. `here` is one of the places, or none. */
export function framed(title: string, here: string, places: readonly Place[], body: Html): string {
  const links = places.map(({ path, name }) => html`<a href="${path}" ${path === here ? html` aria-current="page"` : ""}>${name}</a> `);
  const caller = currentCaller();
  const account = caller?.session !== undefined && html`<a href="/sign-in"><bdi>${caller.name ?? "the server's token"}</bdi></a>`;
  const all = html`<nav aria-label="Pages">${links}${account}</nav>
    <main>
      <h1>${title}</h1>
      ${body}
    </main>`;
  return documentOf(title, [frameStyle.element], all);
}

/** A moment in the words of the app's log: UTC, to the minute. */
export function moment(iso: string): Html {
  const known = new Date(iso);
  if (Number.isNaN(known.getTime())) return html`${iso}`;
  const text = known.toISOString();
  return html`<time datetime="${text}">${text.slice(0, 10)} ${text.slice(11, 16)}</time>`;
}
