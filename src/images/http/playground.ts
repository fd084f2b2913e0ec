// Playground: one page to try pictures on. Pick one, move the controls, see its URL, the result, its bytes and its time.
//
// Owns: the page and the two small answers it asks for. Does not own: the making of pictures; the page asks for them like anyone else.
//   P1. The page has no reference to anywhere else, and runs its one script and no other.
//   P2. What is listed and signed is for this machine only (node.ts sees to it).

import { visible } from "../../platform/text.ts";
import { documentOf, headersOf, inline } from "../../platform/web/frame.ts";
import { Html, html } from "../../platform/web/html.ts";
import type { OpenSources } from "../store/sources/open.ts";

export interface PlaygroundOptions {
  readonly sources: Pick<OpenSources, "list" | "buckets">;
  /** Put before every picture's path: `/images` inside the app. */
  readonly prefix: string;
  /** Signs a path and query; absent while signatures are off. */
  readonly sign?: ((target: string) => string) | undefined;
}

const mostPictures = 500;

/** One of the playground's answers. */
export interface PlaygroundAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const json = (value: unknown): PlaygroundAnswer => ({ headers: { "content-type": "application/json" }, body: JSON.stringify(value) });

/** Answers the playground's own paths: `/`, `/playground`, `/playground/pictures`, `/playground/sign?target=...`. */
export function makePlayground({ sources, prefix, sign }: PlaygroundOptions): (target: string) => Promise<PlaygroundAnswer | undefined> {
  return async (target) => {
    const [path = "", query = ""] = target.split("?", 2);
    if (path === "/" || path === "/playground" || path === "/playground/") {
      return { headers: pageHeaders, body: pageOf(prefix) };
    }
    if (path === "/playground/pictures") {
      const buckets = await Promise.all(
        sources.buckets.map(async (bucket, at) => {
          const keys = await sources.list(bucket, mostPictures).catch(() => []);
          return keys.map((key) => ({ bucket, key, shown: visible(key), first: at === 0 }));
        }),
      );
      return json({ pictures: buckets.flat(), signed: sign !== undefined });
    }
    if (path === "/playground/sign" && sign !== undefined) {
      return json({ target: sign(new URLSearchParams(query).get("target") ?? "/") });
    }
    return undefined;
  };
}

const style = inline(
  "style",
  `
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; --line: light-dark(#d9dde3, #343a43); --soft: light-dark(#f4f6f8, #1b1f25); --ink: light-dark(#1c232c, #e6e9ee); --quiet: light-dark(#5d6875, #9aa5b1); --mark: light-dark(#1d5fd1, #7fb0ff); --bad: light-dark(#b3261e, #ff8a80); }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; color: var(--ink); background: light-dark(#fff, #12151a); display: grid; grid-template-columns: 21rem 1fr; min-height: 100vh; }
form { border-right: 1px solid var(--line); background: var(--soft); padding: 1.1rem 1.2rem; display: flex; flex-direction: column; gap: .8rem; max-height: 100vh; overflow: auto; position: sticky; top: 0; }
h1 { font-size: 1.05rem; margin: 0 0 .2rem; }
label { display: grid; grid-template-columns: 6.2rem 1fr 3.4rem; gap: .6rem; align-items: center; }
label > output { text-align: right; font-variant-numeric: tabular-nums; color: var(--quiet); }
label.wide { grid-template-columns: 6.2rem 1fr; }
fieldset { border: 0; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: .3rem 1rem; }
fieldset label { display: flex; gap: .35rem; }
select, input[type=text], button { font: inherit; color: inherit; background: light-dark(#fff, #12151a); border: 1px solid var(--line); border-radius: 6px; padding: .3rem .5rem; width: 100%; min-width: 0; }
input[type=range] { width: 100%; accent-color: var(--mark); }
input[type=checkbox] { accent-color: var(--mark); }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 1px; }
main { padding: 1.1rem 1.4rem; display: flex; flex-direction: column; gap: .9rem; min-width: 0; }
#bar { display: flex; gap: .6rem; align-items: center; }
#url { flex: 1; font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; border: 1px solid var(--line); border-radius: 6px; padding: .45rem .6rem; background: var(--soft); color: var(--mark); text-decoration: none; }
#bar button { width: auto; cursor: pointer; }
#facts { display: flex; flex-wrap: wrap; gap: .2rem 1.6rem; margin: 0; min-height: 3rem; }
#facts div { display: flex; flex-direction: column; }
#facts dt { color: var(--quiet); font-size: .8rem; } #facts dd { margin: 0; font-variant-numeric: tabular-nums; font-size: 1.05rem; }
#stage { flex: 1; min-height: 18rem; border: 1px solid var(--line); border-radius: 8px; display: grid; place-items: center; padding: 1rem; overflow: auto;
  background: repeating-conic-gradient(light-dark(#eef0f3, #1d2127) 0 25%, transparent 0 50%) 0 0 / 20px 20px; }
#stage img { max-width: 100%; height: auto; display: block; }
#stage pre { white-space: pre-wrap; color: var(--bad); max-width: 48rem; margin: 0; }
.busy { opacity: .45; transition: opacity .15s .12s; }
@media (max-width: 52rem) { body { grid-template-columns: 1fr; } form { position: static; max-height: none; border-right: 0; border-bottom: 1px solid var(--line); } }
`,
);

const controls = new Html(`<form id="form" autocomplete="off">
<h1>Picture playground</h1>
<label class="wide">Picture<select id="picture"></select></label>
<label class="wide" id="typed" hidden>Key<input type="text" id="key" placeholder="folder/name.jpg"></label>
<label>Width<input type="range" id="width" min="0" max="2000" step="10" value="800"><output></output></label>
<label>Height<input type="range" id="height" min="0" max="2000" step="10" value="0"><output></output></label>
<label class="wide">Fit<select id="fit"><option value="">as the size says</option><option value="inside">inside (fit-in)</option><option value="smart">smart crop</option><option value="fill">stretch</option></select></label>
<label class="wide">Format<select id="format"><option value="">as the original</option><option>jpeg</option><option>webp</option><option>avif</option><option>png</option></select></label>
<label>Quality<input type="range" id="quality" min="0" max="100" value="0"><output></output></label>
<label>Rotate<input type="range" id="rotate" min="0" max="345" step="15" value="0"><output></output></label>
<label>Blur<input type="range" id="blur" min="0" max="60" value="0"><output></output></label>
<label>Sharpen<input type="range" id="sharpen" min="0" max="10" value="0"><output></output></label>
<label>Round<input type="range" id="round" min="0" max="200" step="5" value="0"><output></output></label>
<fieldset>
<label><input type="checkbox" id="grayscale"> Grayscale</label>
<label><input type="checkbox" id="equalize"> Equalize</label>
<label><input type="checkbox" id="flop"> Mirror</label>
<label><input type="checkbox" id="flip"> Flip</label>
</fieldset>
<label class="wide">More filters<input type="text" id="more" placeholder="tint, e.g. rgb(40,20,0)"></label>
<button type="reset">Start again</button>
</form>
<main>
<div id="bar"><a id="url" target="_blank" rel="noopener">/</a><button type="button" id="copy">Copy</button></div>
<dl id="facts" aria-live="polite"></dl>
<div id="stage"><p>Put pictures into the source's folder and load this page again.</p></div>
</main>
`);

const script = inline(
  "script",
  `
"use strict";
const prefix = document.querySelector("meta[name=prefix]").content;
const at = (id) => document.getElementById(id);
const form = at("form"), stage = at("stage"), facts = at("facts"), link = at("url");
let signed = false, turn = 0, shown, timer;

const shownValue = { width: (v) => v === "0" ? "auto" : v, height: (v) => v === "0" ? "auto" : v, quality: (v) => v === "0" ? "auto" : v, rotate: (v) => v + "°" };
function label() {
  for (const input of form.querySelectorAll("input[type=range]")) input.nextElementSibling.value = (shownValue[input.id] || String)(input.value);
  at("typed").hidden = at("picture").value !== "";
}

function pathOf() {
  const value = (id) => at(id).value, on = (id) => at(id).checked;
  const picked = value("picture") === "" ? { key: value("key"), first: true } : JSON.parse(value("picture"));
  if (!picked.key) return undefined;
  const filters = [];
  const add = (when, text) => { if (when) filters.push(text); };
  add(value("format") !== "", "format(" + value("format") + ")");
  add(value("quality") !== "0", "quality(" + value("quality") + ")");
  add(value("rotate") !== "0", "rotate(" + value("rotate") + ")");
  add(value("blur") !== "0", "blur(" + value("blur") + ")");
  add(value("sharpen") !== "0", "sharpen(0," + value("sharpen") + ")");
  add(value("round") !== "0", "round_corner(" + value("round") + ",255,255,255)");
  add(on("grayscale"), "grayscale()");
  add(on("equalize"), "equalize()");
  add(value("fit") === "fill", "stretch()");
  add(value("more").trim() !== "", value("more").trim());
  const parts = [];
  if (value("fit") === "inside") parts.push("fit-in");
  const w = value("width"), h = value("height");
  if (w !== "0" || h !== "0" || on("flip") || on("flop")) parts.push((on("flop") ? "-" : "") + w + "x" + (on("flip") ? "-" : "") + h);
  if (value("fit") === "smart") parts.push("smart");
  if (filters.length) parts.push("filters:" + filters.join(":"));
  if (!picked.first) parts.push("s3:" + picked.bucket);
  const key = picked.key.split("/").map(encodeURIComponent).join("/");
  return "/" + parts.concat(key).join("/");
}

function fact(name, value) {
  const row = document.createElement("div"), term = document.createElement("dt"), text = document.createElement("dd");
  term.textContent = name; text.textContent = value; row.append(term, text); return row;
}
const bytes = (n) => n < 1000 ? n + " B" : n < 1e6 ? (n / 1000).toFixed(1) + " kB" : (n / 1e6).toFixed(2) + " MB";

async function show() {
  const mine = ++turn;
  let target = pathOf();
  if (target === undefined) return;
  stage.classList.add("busy");
  try {
    if (signed) target = (await (await fetch(prefix + "/playground/sign?target=" + encodeURIComponent(target))).json()).target;
    const url = prefix + target;
    if (mine !== turn) return;
    link.textContent = url; link.href = url;
    const begin = performance.now();
    const answer = await fetch(url, { cache: "no-cache" });
    const blob = await answer.blob();
    const ms = performance.now() - begin;
    if (mine !== turn) return;
    const rows = [fact("Status", String(answer.status)), fact("Bytes", bytes(blob.size)), fact("Time", ms.toFixed(ms < 10 ? 1 : 0) + " ms"), fact("Type", answer.headers.get("content-type") || "-")];
    if (answer.ok) {
      const img = new Image();
      img.alt = "The picture this URL makes";
      img.src = URL.createObjectURL(blob);
      await img.decode().catch(() => undefined);
      if (mine !== turn) return URL.revokeObjectURL(img.src);
      rows.splice(1, 0, fact("Size", img.naturalWidth + " × " + img.naturalHeight));
      if (shown) URL.revokeObjectURL(shown);
      shown = img.src;
      stage.replaceChildren(img);
    } else {
      const pre = document.createElement("pre");
      pre.textContent = await blob.text();
      stage.replaceChildren(pre);
    }
    rows.push(fact("Cache", answer.headers.get("cache-status") || "-"));
    facts.replaceChildren(...rows);
  } catch (error) {
    if (mine === turn) facts.replaceChildren(fact("Status", "no answer: " + error.message));
  } finally {
    if (mine === turn) stage.classList.remove("busy");
  }
}
const soon = () => { label(); clearTimeout(timer); timer = setTimeout(show, 120); };
form.addEventListener("input", soon);
form.addEventListener("reset", () => setTimeout(soon));
form.addEventListener("submit", (event) => event.preventDefault());
at("copy").addEventListener("click", () => navigator.clipboard.writeText(new URL(link.href, location).href));

(async () => {
  const { pictures, signed: isSigned } = await (await fetch(prefix + "/playground/pictures")).json();
  signed = isSigned;
  const many = new Set(pictures.map((one) => one.bucket)).size > 1;
  at("picture").append(...pictures.map((one) => new Option((many ? one.bucket + ": " : "") + one.shown, JSON.stringify(one))), new Option("another key ...", ""));
  soon();
})();
`,
);

/** It loads nothing from elsewhere and shows pictures of this server. */
const pageHeaders = headersOf([
  `style-src ${style.source}`,
  `script-src ${script.source}`,
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "form-action 'none'",
]);

function pageOf(prefix: string): string {
  const icon = html`<link rel="icon" href="data:," />`;
  return documentOf(
    "Pictures",
    [icon, html`<meta name="prefix" content="${prefix}" />`, style.element],
    html`${controls}${script.element}`,
  );
}
