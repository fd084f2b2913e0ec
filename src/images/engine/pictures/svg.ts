// SVG: lets through drawings and nothing else.
//
// Owns: the decision whether an SVG may be shown or rendered. Does not own: rendering.
//   S1. Refused, not repaired: scripts, event attributes, foreign content, references out of the file, entities, style sheets from elsewhere.
//       A repaired file would be one more text that two parsers may read differently.
//   S2. The bytes are UTF-8 and well-formed XML with namespaces, so that the browser and librsvg read what was checked.
//   S4. What costs a renderer out of proportion is bounded: text, filters, layers with an opacity or a mask of their own, also when used many times.
//   S3. `<use>` may not multiply: the drawing has at most `maxElements` elements after every use was written out.

import { SaxesParser, type SaxesTagNS } from "saxes";
import type { PictureLimits } from "./limits.ts";
import { notAPicture } from "./problems.ts";
import { sniffPicture } from "./sniff.ts";

const maxElements = 100_000;
// A renderer cannot be stopped: what costs it more than its size in the file is weighed beforehand, in plain elements. Measured at 4 megapixels:
// a blur 0.9 s, a layer of its own 9 ms, a text of 1,000 letters 0.13 s and more than in proportion above.
const elementsALetter = 10;
const elementsALayer = 400;
const elementsAFilter = 25_000;
const maxTextRun = 1_000;
const maxHeavySteps = 4;
const maxFilterSteps = 40;
const maxOctaves = 4;
const heavySteps = /^fe(?:gaussianblur|dropshadow|turbulence|morphology|convolvematrix|diffuselighting|specularlighting)$/;
const maxDepth = 128;
const maxHeavyRules = 50;
const svgNamespace = "http://www.w3.org/2000/svg";

const forbiddenElements = new Set([
  "script",
  "foreignobject",
  "iframe",
  "embed",
  "object",
  "handler",
  "listener",
  "audio",
  "video",
  "canvas",
  "html",
  "body",
  "link",
  "meta",
  "base",
  "form",
]);

/** Bitmaps inside an SVG, for the caller to check like any original. */
export interface SvgFacts {
  readonly embedded: readonly Uint8Array[];
}

/**
 * Throws 400 `InstantiationError` unless the SVG draws and does nothing else. Costs about 10 ms a megabyte.
 *
 * Hyperlinks (`<a href="https://...">`) pass: nothing follows them before a person does.
 */
export function checkSvg(bytes: Uint8Array, limits: PictureLimits): SvgFacts {
  if (bytes.byteLength > limits.maxSvgBytes) {
    throw notAPicture(`Expected an SVG of at most ${limits.maxSvgBytes} bytes but it has ${bytes.byteLength}.`);
  }
  const text = readUtf8(bytes);
  const embedded: Uint8Array[] = [];
  const uses = new UseCount();
  const rules: HeavyRule[] = [];
  let depth = 0;
  let styleText: string | undefined;
  let textDepth = 0;
  const work = { textRun: 0, filterSteps: 0, heavySteps: 0 };
  const parser = new SaxesParser({ xmlns: true, position: false });
  parser.on("error", (error) => refuse(`well-formed XML but ${error.message.slice(0, 80)}`));
  parser.on("xmldecl", ({ encoding }) => {
    if (encoding !== undefined && !/^(?:utf-?8|us-ascii|ascii)$/i.test(encoding))
      refuse(`UTF-8 but the file says ${encoding.slice(0, 20)}`);
  });
  parser.on("doctype", (doctype) => {
    if (doctype.includes("[") || /ENTITY/i.test(doctype)) refuse("no entities of its own");
  });
  parser.on("processinginstruction", ({ target }) => {
    if (target.toLowerCase() !== "xpacket") refuse(`no <?${target.slice(0, 20)}?>`);
  });
  parser.on("opentag", (tag) => {
    depth += 1;
    if (depth > maxDepth) refuse(`at most ${maxDepth} nested elements`);
    const name = tag.local.toLowerCase();
    if (depth === 1 && (name !== "svg" || (tag.uri !== svgNamespace && tag.uri !== ""))) refuse("an <svg> element");
    if (forbiddenElements.has(name) || tag.uri === "http://www.w3.org/1999/xhtml") refuse(`no <${tag.local.slice(0, 20)}>`);
    checkAttributes(tag, name, embedded);
    uses.open(tag, name);
    uses.add(elementCost(tag, name, work));
    if (name === "text") {
      textDepth += 1;
      work.textRun = 0;
    }
    if (name === "style") styleText = "";
  });
  parser.on("closetag", (tag) => {
    depth -= 1;
    uses.close();
    if (tag.local.toLowerCase() === "text") textDepth -= 1;
    if (tag.local.toLowerCase() === "style" && styleText !== undefined) {
      checkStyle(styleText, embedded);
      rules.push(...heavyRules(styleText));
      styleText = undefined;
    }
  });
  const gather = (text: string): void => {
    if (styleText !== undefined) styleText += text;
    if (textDepth === 0) return;
    work.textRun += text.length;
    if (work.textRun > maxTextRun) refuse(`at most ${maxTextRun} characters in one text`);
    uses.add(text.length * elementsALetter);
  };
  parser.on("text", gather);
  parser.on("cdata", gather);
  parser.write(text).close();
  uses.style(rules);
  uses.check();
  return { embedded };
}

/** A rule of a style sheet that makes whatever it picks dear to draw. */
interface HeavyRule {
  readonly tag: string | undefined;
  readonly id: string | undefined;
  readonly classes: readonly string[];
  readonly weight: number;
}

/** Properties by which an element gets a layer or a filter of its own. */
const layerProperty = /(?:^|[;\s{])(?:opacity|mask|mask-image|clip-path|mix-blend-mode|isolation)\s*:/i;
const filterProperty = /(?:^|[;\s{])(?:-webkit-)?filter\s*:/i;

/** The rules of a style sheet that cost something; of a selector the last part counts, so that it picks rather too many than too few. */
function heavyRules(style: string): HeavyRule[] {
  const found: HeavyRule[] = [];
  // Without the frames of @media and @supports, which pick nothing themselves.
  const plain = style.replace(/\/\*[\s\S]*?\*\//g, "").replace(/@[\w-]+[^{};]*[{;]/g, "");
  for (const [, selectors = "", declarations = ""] of plain.matchAll(/([^{}]*)\{([^{}]*)\}/g)) {
    const weight = (filterProperty.test(declarations) ? elementsAFilter : 0) + (layerProperty.test(declarations) ? elementsALayer : 0);
    if (weight === 0) continue;
    if (found.length > maxHeavyRules) refuse(`at most ${maxHeavyRules} rules with filters, masks and layers`);
    for (const selector of selectors.split(",")) {
      const last =
        selector
          .trim()
          .split(/[\s>+~]+/)
          .at(-1) ?? "";
      const simple = last.replace(/\[[^\]]*\]|::?[\w-]+(?:\([^)]*\))?/g, "");
      const tag = /^[a-z][\w-]*/i.exec(simple)?.[0].toLowerCase();
      const id = /#([\w-]+)/.exec(simple)?.[1];
      const classes = [...simple.matchAll(/\.([\w-]+)/g)].map((match) => match[1] ?? "");
      found.push({ tag, id, classes, weight });
    }
  }
  return found;
}

function readUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw notAPicture("Expected an SVG in UTF-8 but its bytes are not.", {}, cause);
  }
}

function refuse(expected: string): never {
  throw notAPicture(`Expected an SVG with ${expected}. Only drawings without scripts and references are served.`);
}

const addressing = new Set([
  "href",
  "src",
  "from",
  "to",
  "values",
  "by",
  "data",
  "action",
  "formaction",
  "poster",
  "srcset",
  "srcdoc",
  "ping",
]);

function checkAttributes(tag: SaxesTagNS, element: string, embedded: Uint8Array[]): void {
  for (const { local, prefix, value, uri } of Object.values(tag.attributes)) {
    const name = local.toLowerCase();
    if (prefix === "xmlns" || name === "xmlns") continue;
    if (name.startsWith("on") && /^on[a-z]/.test(name)) refuse(`no event attributes but it has ${local.slice(0, 20)}`);
    if (name === "base" && uri === "http://www.w3.org/XML/1998/namespace") refuse("no xml:base");
    if (name === "attributename" && /^(?:(?:xlink:)?href|on.*)$/i.test(value.trim())) refuse("no animated references");
    if (addressing.has(name)) checkAddress(value, name, element, embedded);
    if (name === "style" || /url\s*\(|@import|expression\s*\(|\\/i.test(value)) checkStyle(value, embedded);
  }
}

/** How many plain elements this one costs a renderer beside itself; counts the steps of filters. */
function elementCost(tag: SaxesTagNS, element: string, work: { filterSteps: number; heavySteps: number }): number {
  if (element.startsWith("fe")) work.filterSteps += 1;
  if (heavySteps.test(element)) work.heavySteps += 1;
  if (work.heavySteps > maxHeavySteps || work.filterSteps > maxFilterSteps)
    refuse(`at most ${maxHeavySteps} blurs and their like in its filters`);
  let layered = false;
  let filtered = false;
  for (const { local, value } of Object.values(tag.attributes)) {
    const name = local.toLowerCase();
    if (name === "numoctaves" && !(Number(value) <= maxOctaves)) refuse(`at most ${maxOctaves} octaves`);
    filtered ||= name === "filter" && value !== "none";
    filtered ||= name === "style" && /(?:^|[;\s])filter\s*:/i.test(value);
    layered ||= /^(?:opacity|mask|clip-path|mix-blend-mode)$/.test(name) && value !== "1" && value !== "none";
    layered ||= name === "style" && /(?:^|[;\s])(?:opacity|mask|clip-path|mix-blend-mode)\s*:/i.test(value);
  }
  return (filtered ? elementsAFilter : 0) + (layered ? elementsALayer : 0);
}

/** What a browser drops from an address before it looks at its scheme. */
// oxlint-disable-next-line no-control-regex -- control characters are just what browsers drop
const bare = (address: string): string => address.replace(/[\u0000-\u0020\u007f-\u00a0\u200b-\u200f\u2028\u2029\ufeff]/g, "");

function checkAddress(value: string, name: string, element: string, embedded: Uint8Array[]): void {
  const address = bare(value);
  if (name !== "href" && name !== "src") {
    if (/(?:javascript|vbscript|data|file|https?):/i.test(address) || address.startsWith("//")) refuse(`no address in ${name}`);
    return;
  }
  if (address === "" || address.startsWith("#")) return;
  if (element === "a" && name === "href" && /^(?:https?:|mailto:)/i.test(address)) return;
  const picture = /^data:image\/(?:png|jpe?g|gif|webp);base64,([a-z0-9+/=]*)$/i.exec(address);
  const payload = picture?.[1];
  if (payload === undefined || (element !== "image" && element !== "feimage")) refuse("no references out of the file");
  const bytes = Buffer.from(payload, "base64");
  const kind = sniffPicture(bytes);
  if (kind === undefined || kind === "svg") refuse("no data but bitmaps inside it");
  embedded.push(bytes);
}

function checkStyle(style: string, embedded: Uint8Array[]): void {
  // A backslash begins an escape by which any of the words below could be hidden; comments can split them.
  if (style.includes("\\")) refuse("no escapes in its styles");
  const plain = style.replace(/\/\*[\s\S]*?\*\//g, "");
  if (/@import|expression\s*\(|-moz-binding|behavior\s*:/i.test(plain)) refuse("no imported styles");
  if (/\/\*/.test(plain)) refuse("no open comments in its styles");
  for (const match of plain.matchAll(/url\s*\(([^)]*)\)?/gi)) {
    const address = bare((match[1] ?? "").trim().replace(/^(["'])([\s\S]*)\1$/, "$2"));
    // A typeface that lies in the file itself: no renderer fetches anything for it.
    if (
      /^data:(?:font\/[\w.+-]+|application\/(?:x-)?(?:font-[\w-]+|vnd\.ms-fontobject|octet-stream))(?:;charset=[\w-]+)?;base64,[a-z0-9+/=]*$/i.test(
        address,
      )
    )
      continue;
    if (!address.startsWith("#")) checkAddress(address, "src", "image", embedded);
  }
  if (/(?:image|image-set|src)\s*\(\s*["']/i.test(plain)) refuse("no references out of the file");
}

/** Counts the elements there are once every `<use>` was written out: a chain of uses doubles at each link. */
class UseCount {
  readonly #own = new Map<string, { elements: number; readonly refers: string[] }>();
  readonly #all: { elements: number; readonly refers: string[] } = { elements: 0, refers: [] };
  readonly #open: (string | undefined)[] = [];
  /** What a selector may ask of each element, and the named elements it stands in. */
  readonly #elements: {
    readonly tag: string;
    readonly id: string | undefined;
    readonly classes: readonly string[];
    readonly within: readonly string[];
  }[] = [];

  open(tag: SaxesTagNS, name: string): void {
    const attributes = Object.values(tag.attributes);
    const id = attributes.find((each) => each.local === "id")?.value;
    this.#open.push(id);
    if (id !== undefined && !this.#own.has(id)) this.#own.set(id, { elements: 0, refers: [] });
    const targets = attributes.flatMap(({ local, value }) => {
      if (local === "href" && name !== "a") return value.trim().startsWith("#") ? [value.trim().slice(1)] : [];
      return [...value.matchAll(/url\s*\(\s*["']?#([^"')]+)/gi)].map((match) => (match[1] ?? "").trim());
    });
    const classes = (attributes.find((each) => each.local === "class")?.value ?? "").split(/\s+/).filter(Boolean);
    const within = [...new Set(this.#open.filter((each) => each !== undefined))];
    this.#elements.push({ tag: name, id, classes, within });
    this.#all.elements += 1;
    this.#all.refers.push(...targets);
    for (const open of new Set(this.#open)) {
      const own = open === undefined ? undefined : this.#own.get(open);
      if (own === undefined) continue;
      own.elements += 1;
      own.refers.push(...targets);
    }
    if (this.#all.elements > maxElements) refuse(`at most ${maxElements} elements`);
  }

  /** Weight beyond the element itself, for it and all it stands in. */
  add(elements: number): void {
    if (elements === 0) return;
    this.#all.elements += elements;
    for (const open of new Set(this.#open)) {
      const own = open === undefined ? undefined : this.#own.get(open);
      if (own !== undefined) own.elements += elements;
    }
    if (this.#all.elements > maxElements) refuse("less text, fewer layers or fewer filters");
  }

  close(): void {
    this.#open.pop();
  }

  /** Charges every element that a style sheet makes dear, wherever the sheet stands. */
  style(rules: readonly HeavyRule[]): void {
    if (rules.length === 0) return;
    for (const { tag, id, classes, within } of this.#elements) {
      const picked = rules.filter(
        (rule) =>
          (rule.tag === undefined || rule.tag === tag) &&
          (rule.id === undefined || rule.id === id) &&
          rule.classes.every((each) => classes.includes(each)),
      );
      const weight = Math.max(0, ...picked.map((rule) => rule.weight));
      if (weight === 0) continue;
      this.#all.elements += weight;
      for (const each of within) {
        const own = this.#own.get(each);
        if (own !== undefined) own.elements += weight;
      }
      if (this.#all.elements > maxElements) refuse("less text, fewer layers or fewer filters");
    }
  }

  check(): void {
    const known = new Map<string, number>();
    const inside = new Set<string>();
    const count = (node: { readonly elements: number; readonly refers: readonly string[] }): number => {
      let total = node.elements;
      for (const target of node.refers) {
        total += countBelow(target);
        if (total > maxElements) refuse(`at most ${maxElements} elements once its uses are written out`);
      }
      return total;
    };
    const countBelow = (id: string): number => {
      const before = known.get(id);
      if (before !== undefined) return before;
      const node = this.#own.get(id);
      // A reference to nothing draws nothing; one to itself is an error that renderers skip.
      if (node === undefined || inside.has(id)) return 0;
      if (inside.size > maxDepth) refuse(`at most ${maxDepth} uses of uses`);
      inside.add(id);
      const weight = count(node);
      inside.delete(id);
      known.set(id, weight);
      return weight;
    };
    count(this.#all);
  }
}
