import * as fc from "fast-check";
import { expect, test } from "vitest";
import { plainText } from "./html.ts";

test.each([
  ["<p>Gr&uuml;n &amp; wei&szlig;</p><ul><li>one</li><li>two</li></ul>", "Grün & weiß one two"],
  ["Tea<br/>500&nbsp;g &#8364;5 &#x2713;", "Tea 500 g €5 ✓"],
  ["<style>p{color:red}</style><script>x<y</script>Mug<!-- old -->", "Mug"],
  ["5 < 6 & 7 > 3", "5 < 6 & 7 > 3"],
  ["Salt & pepper  mill", "Salt & pepper  mill"],
  ['<a href="x>y">more</a>', "more"],
  ["<a title=\"5' long>more</a>", "more"],
])("%j reads %j", (html, text) => {
  expect(plainText(html)).toBe(text);
});

test("whatever comes, no tag is left and nothing throws", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(plainText(`<b>${text}`).replaceAll("<", "")).not.toMatch(/<\/?[a-z][^<>]*>/iu);
      expect(plainText(`<b>bold</b> ${text.replaceAll(/[<>&]/gu, "")}`)).toMatch(/^bold/);
    }),
  );
});
