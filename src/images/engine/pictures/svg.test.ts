import { describe, expect, it } from "vitest";
import { pictureLimits } from "./limits.ts";
import { sniffPicture } from "./sniff.ts";
import { checkSvg } from "./svg.ts";

const svg = (inner: string, attributes = ""): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="10" height="10" ${attributes}>${inner}</svg>`;
const check = (text: string | Uint8Array): unknown => checkSvg(typeof text === "string" ? Buffer.from(text) : text, pictureLimits);
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

describe("style sheets", () => {
  const blur = '<filter id="f"><feGaussianBlur stdDeviation="2"/></filter>';
  it("are charged for every element they pick, wherever they stand", () => {
    const few: readonly string[] = [
      `${blur}<style>.s{filter:url(#f)}</style><rect class="s"/>${"<rect/>".repeat(500)}`,
      `<style>rect{mix-blend-mode:multiply}</style>${"<rect/>".repeat(100)}`,
      `<style>.none{mask:url(#m)}rect{fill:red}</style>${"<rect/>".repeat(5_000)}`,
    ];
    for (const inner of few) expect(() => check(svg(inner))).not.toThrow();
    const many: readonly string[] = [
      `${blur}<style>.s{filter:url(#f)}</style>${'<rect class="s"/>'.repeat(5)}`,
      `${blur}${'<rect class="a s"/>'.repeat(5)}<style>g .a.s:hover{fill:red;filter:url(#f)}</style>`,
      `<style>rect{mix-blend-mode:multiply}</style>${"<rect/>".repeat(300)}`,
      `<style>*{opacity:.5}</style>${"<rect/>".repeat(300)}`,
      `<style>@media screen{g > rect{clip-path:url(#c)}}</style>${"<rect/>".repeat(300)}`,
      `<style>.b{mask:url(#m)}</style><g id="a">${'<rect class="b"/>'.repeat(20)}</g>${'<use href="#a"/>'.repeat(30)}`,
    ];
    for (const inner of many) expect(() => check(svg(inner))).toThrow(/Expected an SVG/);
  });
});

describe("typefaces", () => {
  const styled = (source: string): Buffer =>
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><style>@font-face{font-family:a;src:${source}}</style><text font-family="a">x</text></svg>`,
    );
  it("may lie in the file", () => {
    const inside = [
      'url("data:font/woff2;base64,d09GMgABAAAAAA==") format("woff2")',
      "url(data:application/font-woff;charset=utf-8;base64,d09GRg==)",
      "url('data:application/x-font-ttf;base64,AAEAAAA=')",
      "url(data:application/octet-stream;base64,AAEAAAA=)",
    ];
    for (const source of inside) expect(() => checkSvg(styled(source), pictureLimits)).not.toThrow();
    for (const source of [
      "url(https://x.example/a.woff)",
      "url(data:text/css;base64,QQ==)",
      "url(//x.example/a)",
      "url(data:font/woff2,abc)",
    ])
      expect(() => checkSvg(styled(source), pictureLimits)).toThrow(/no/);
  });
});

describe("checkSvg", () => {
  it.each([
    ["shapes", svg('<rect width="5" height="5" fill="red"/><text x="1" y="2">a &amp; b</text>')],
    ["a declaration", `<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n${svg("<g/>")}`],
    [
      "the old document type",
      `<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">${svg("<g/>")}`,
    ],
    [
      "a gradient by id",
      svg(
        '<defs><linearGradient id="a"><stop offset="0" stop-color="red"/></linearGradient></defs><rect fill="url(#a)" width="9" height="9"/>',
      ),
    ],
    ["a use", svg('<defs><g id="a"><path d="M0 0h1"/></g></defs><use xlink:href="#a"/><use href="#a" x="3"/>')],
    [
      "styles",
      svg("<style>.a { fill: #f00; clip-path: url( '#c' ) } /* plain */</style><style><![CDATA[ .b > .c { fill: red } ]]></style>"),
    ],
    ["a bitmap inside", svg(`<image width="1" height="1" xlink:href="data:image/png;base64,${png}"/>`)],
    ["a hyperlink", svg('<a href="https://example.org/"><rect width="1" height="1"/></a>')],
    ["an animation", svg('<rect width="1" height="1"><animate attributeName="x" from="0" to="5" dur="1s"/></rect>')],
    [
      "a shadow",
      svg(
        '<filter id="f"><feGaussianBlur stdDeviation="2"/><feOffset/><feMerge><feMergeNode/><feMergeNode in="SourceGraphic"/></feMerge></filter><rect filter="url(#f)"/>',
      ),
    ],
    ["a paragraph", svg(`<text>${"some words ".repeat(50)}</text>`.repeat(10))],
    ["foreign metadata", svg('<metadata xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:RDF rdf:about=""/></metadata>')],
  ])("lets %s through", (_, text) => {
    expect(check(text)).toBeDefined();
  });

  it.each([
    ["a script", svg("<script>alert(1)</script>")],
    ["a script in another case", svg("<SCRIPT>alert(1)</SCRIPT>")],
    ["a script with a prefix", svg('<s:script xmlns:s="http://www.w3.org/2000/svg">alert(1)</s:script>')],
    ["an event", svg('<rect onload="alert(1)"/>')],
    ["an event on the root", svg("", 'onload="alert(1)"')],
    ["an event in capitals", svg('<rect ONCLICK="alert(1)"/>')],
    ["foreign content", svg("<foreignObject><p>hi</p></foreignObject>")],
    ["HTML by its namespace", svg('<h:img xmlns:h="http://www.w3.org/1999/xhtml" src="x"/>')],
    ["an iframe", svg('<iframe src="https://example.org"/>')],
    ["a javascript link", svg('<a href="javascript:alert(1)"><rect/></a>')],
    ["a javascript link with control characters", svg('<a href="java&#10;script:alert(1)"><rect/></a>')],
    ["a data link", svg('<a href="data:text/html,hi"><rect/></a>')],
    ["an image from elsewhere", svg('<image href="http://169.254.169.254/latest/meta-data"/>')],
    ["an image without a scheme", svg('<image xlink:href="//example.org/a.png"/>')],
    ["an image from the disk", svg('<image href="file:///etc/passwd"/>')],
    ["an image by a path", svg('<image href="../../secret.png"/>')],
    ["an SVG within", svg('<image href="data:image/svg+xml;base64,PHN2Zy8+"/>')],
    ["an SVG called PNG", svg(`<image href="data:image/png;base64,${Buffer.from(svg("<script/>")).toString("base64")}"/>`)],
    ["a use from elsewhere", svg('<use href="https://example.org/a.svg#b"/>')],
    ["a filter picture", svg('<filter><feImage href="https://example.org/a.png"/></filter>')],
    ["a style from elsewhere", svg('<style>@import "https://example.org/a.css";</style>')],
    ["a style's picture", svg("<style>rect { fill: url(https://example.org/a.svg#b) }</style>")],
    ["a style's picture with an escape", svg("<style>rect { fill: u\\72l(https://example.org) }</style>")],
    ["a style's picture behind a comment", svg("<style>rect { fill: url/**/(https://example.org) }</style>")],
    ["an attribute's picture", svg('<rect style="background: url(//example.org/a)"/>')],
    ["a fill from elsewhere", svg('<rect fill="url(https://example.org/a.svg#b)"/>')],
    ["an animated reference", svg('<a><set attributeName="href" to="javascript:alert(1)"/></a>')],
    ["an animated address", svg('<a><animate attributeName="x" values="0;javascript:alert(1)"/></a>')],
    ["a base", svg('<g xml:base="https://example.org/"/>')],
    ["a style sheet instruction", `<?xml-stylesheet href="https://example.org/a.css"?>${svg("")}`],
    ["an entity bomb", `<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>${svg("<text>&b;</text>")}`],
    ["an external entity", `<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>${svg("<text>&x;</text>")}`],
    ["an unknown entity", svg("<text>&nbsp;</text>")],
    ["a parameter entity", `<!DOCTYPE svg [<!ENTITY % p SYSTEM "http://example.org/x.dtd"> %p;]>${svg("")}`],
    ["broken XML", "<svg xmlns='http://www.w3.org/2000/svg'><rect></svg>"],
    ["an open end", "<svg xmlns='http://www.w3.org/2000/svg'><rect/>"],
    ["another root", "<html><svg xmlns='http://www.w3.org/2000/svg'/></html>"],
    ["another namespace", "<svg xmlns='http://www.w3.org/1999/xhtml'/>"],
    ["another encoding", `<?xml version="1.0" encoding="UTF-16"?>${svg("")}`],
    ["UTF-7", `<?xml version="1.0" encoding="UTF-7"?>${svg("+ADw-script+AD4-")}`],
    ["a book of text", svg(`<text>${"a".repeat(6000)}</text>`)],
    ["a chain of filters", svg(`<filter>${'<feGaussianBlur stdDeviation="20"/>'.repeat(20)}</filter>`)],
    ["endless turbulence", svg('<filter><feTurbulence numOctaves="1000"/></filter>')],
    ["a thousand layers", svg('<g opacity=".5"/>'.repeat(1000))],
    ["a thousand layers by style", svg('<g style="fill:red;opacity:.5"/>'.repeat(1000))],
    ["a long text by uses", svg(`<text id="t">${"a".repeat(900)}</text>${'<use href="#t"/>'.repeat(30)}`)],
    ["many filtered elements", svg(`<filter id="f"><feGaussianBlur/></filter>${'<g filter="url(#f)"/>'.repeat(5)}`)],
    ["filters by a style sheet", svg(`<style>a{filter:url(#f)} g{ filter : url(#f)}</style>${"<g/>".repeat(5)}`)],
    ["depth", svg("<g>".repeat(500) + "</g>".repeat(500))],
  ])("refuses %s", (_, text) => {
    expect(() => check(text)).toThrow(expect.objectContaining({ code: "InstantiationError", kind: "input" }));
  });

  it("refuses UTF-16 bytes, bytes that are no UTF-8 and too many bytes", () => {
    expect(() => check(Buffer.from(`\uFEFF${svg("")}`, "utf16le"))).toThrow(/UTF-8/);
    expect(() => check(Buffer.concat([Buffer.from(svg("")), Buffer.from([0xff])]))).toThrow(/UTF-8/);
    expect(() => checkSvg(Buffer.from(svg("<g/>".repeat(1000))), { ...pictureLimits, maxSvgBytes: 1000 })).toThrow(/1000 bytes/);
  });

  it("refuses uses that multiply, and stands chains and circles of them", () => {
    const doubling = Array.from({ length: 40 }, (_, i) => `<g id="a${i + 1}"><use href="#a${i}"/><use href="#a${i}"/></g>`).join("");
    expect(() => check(svg(`<g id="a0"><rect/></g>${doubling}<use href="#a40"/>`))).toThrow(/uses/);
    const patterns = Array.from(
      { length: 40 },
      (_, i) => `<pattern id="p${i + 1}"><rect fill="url(#p${i})"/><rect fill="url('#p${i}')"/></pattern>`,
    ).join("");
    expect(() => check(svg(`<pattern id="p0"><rect/></pattern>${patterns}<rect fill="url(#p40)"/>`))).toThrow(/uses/);
    const long = Array.from({ length: 9000 }, (_, i) => `<g id="a${i + 1}"><use href="#a${i}"/></g>`).join("");
    expect(() => check(svg(`<g id="a0"><rect/></g>${long}<use href="#a9000"/>`))).toThrow(/uses/);
    expect(check(svg('<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g><use href="#a"/>'))).toBeDefined();
  });
});

describe("sniffPicture", () => {
  it.each([
    ["\xff\xd8\xff\xe0", "jpeg"],
    ["\x89PNG\r\n\x1a\n", "png"],
    ["GIF89a....", "gif"],
    ["RIFF....WEBPVP8 ", "webp"],
    ["II*\0", "tiff"],
    ["MM\0*", "tiff"],
    ["\0\0\0\x1cftypavif\0\0\0\0mif1", "avif"],
    ["\0\0\0\x18ftypmif1\0\0\0\0avif....", "avif"],
    ["\0\0\0\x18ftypheic\0\0\0\0mif1....", "heif"],
    ["<svg xmlns='x'>", "svg"],
    ["\xef\xbb\xbf<?xml version='1.0'?><!-- a --><svg/>", "svg"],
    ["<!DOCTYPE svg [<!ENTITY a 'b'>]><svg/>", "svg"],
    ["%PDF-1.7", undefined],
    ["<html><svg/></html>", undefined],
    ["#!/bin/sh", undefined],
    ["\0\0\0\x18ftypisom\0\0\0\0mp42....", undefined],
    ["SIMPLE  = T", undefined],
    ["P6 1 1 255 ", undefined],
    ["\x1f\x8b\x08", undefined],
    ["", undefined],
  ])("%j is %s", (start, kind) => {
    expect(sniffPicture(Buffer.from(start, "latin1"))).toBe(kind);
  });
});
