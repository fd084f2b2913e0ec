import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Html, href, html } from "./html.ts";
import { visible } from "../text.ts";

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", "#96": "`" };
/** What a browser reads where `html` wrote a text. */
const read = (markup: string): string => markup.replaceAll(/&([^;]+);/g, (_all, name: string) => entities[name] ?? "?");

const texts = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(fc.constantFrom("<", ">", '"', "'", "`", "&", "&amp;", "</p>", "<!--", "]]>", " onx=1", "\u202e", "\0", "\ud800"))
    .map((parts) => parts.join("")),
);

describe("html", () => {
  test("never lets a text become markup, and a browser reads the text that was meant", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const markup = html`${text}`.toString();
        expect(markup).not.toMatch(/[<>"'`]/);
        expect(markup).not.toMatch(/&(?!(amp|lt|gt|quot|#39|#96);)/);
        expect(markup.isWellFormed()).toBe(true);
        expect(read(markup)).toBe(visible(text, "\n\r\t"));
        // An attribute is data that goes back with a form: only what HTML cannot hold is taken out of it.
        const attribute = html`<input value="${text}" />`.toString().slice('<input value="'.length, -'" />'.length);
        // oxlint-disable-next-line no-control-regex
        const meant = text.toWellFormed().replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "\ufffd");
        expect(read(attribute)).toBe(meant);
      }),
    );
  });

  test("keeps markup of its own, joins lists, and leaves out what is not there", () => {
    const rows = ["a<", "b"].map((name) => html`<li>${name}</li>`);
    const list = html`<ul title="${'"'}">
      ${rows}${undefined}${false}${0}
    </ul>`;
    // The formatter of sources may put spaces between elements, as HTML allows.
    expect(list.toString().replaceAll(/\s*([<>])\s*/g, "$1")).toBe('<ul title="&quot;"><li>a&lt;</li><li>b</li>0</ul>');
  });

  test("takes nothing for markup that only looks like Html", () => {
    const disguised = JSON.parse('{"toString":"<b>","markup":"<b>"}') as unknown as string;
    expect(() => html`${disguised}`.toString()).toThrow(TypeError);
    expect(html`${new Html("<b>").toString()}`.toString()).toBe("&lt;b&gt;");
  });
});

test("href leaves out what was not chosen and survives any value", () => {
  expect(href("/x", { a: undefined, b: "" })).toBe("/x");
  fc.assert(
    fc.property(texts, (value) => {
      const url = new URL(href("/x", { a: value, b: 1 }), "http://house");
      expect(url.searchParams.get("a") ?? "").toBe(value.toWellFormed());
      expect([url.pathname, url.searchParams.get("b"), url.hash]).toEqual(["/x", "1", ""]);
    }),
  );
});
