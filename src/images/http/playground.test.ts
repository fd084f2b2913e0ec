import { createHash } from "node:crypto";
import { Script } from "node:vm";
import { expect, it } from "vitest";
import { makePlayground, type PlaygroundOptions } from "./playground.ts";

const sources = {
  buckets: ["photos", "ill"],
  list: async (bucket: string) => (bucket === "ill" ? Promise.reject(new Error("away")) : ["cat.jpg", "a\u202eb.png"]),
};
const open = (more: Partial<PlaygroundOptions> = {}) => makePlayground({ sources, prefix: "", ...more });
const inside = (body: string, tag: "script" | "style"): readonly string[] =>
  [...body.matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, "g"))].map(([, text = ""]) => text);

it.each(["/", "/playground", "/playground/", "/playground?x=1"])(
  "answers %s with a page whose script and style its policy names, and no others (P1)",
  async (target) => {
    const { headers, body } = (await open()(target)) ?? { headers: {}, body: "" };
    const policy = headers["content-security-policy"] ?? "";
    for (const tag of ["script", "style"] as const) {
      const texts = inside(body, tag);
      expect(texts).toHaveLength(1);
      expect(policy).toContain(
        `${tag}-src 'sha256-${createHash("sha256")
          .update(texts[0] ?? "")
          .digest("base64")}'`,
      );
    }
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(policy).not.toContain("unsafe");
    // What a policy of hashes would not let through: handlers and styles in attributes.
    expect(body).not.toMatch(/ (?:on\w+|style)=/);
    expect(() => new Script(inside(body, "script")[0] ?? "")).not.toThrow();
    expect(body).not.toMatch(/(?:src|href)="https?:|url\(/);
  },
);

it("hands its script the prefix as data, whatever is in it", async () => {
  const hostile = `/a"><script>alert(1)</script>`;
  const { body } = (await open({ prefix: hostile })("/playground")) ?? { body: "" };
  expect(inside(body, "script")).toHaveLength(1);
  expect(body).toContain('<meta name="prefix" content="/a&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;" />');
});

it("lists the pictures of the sources that answer, and shows what their names hide", async () => {
  const { body } = (await open()("/playground/pictures")) ?? { body: "null" };
  const { pictures, signed } = JSON.parse(body) as {
    pictures: { bucket: string; key: string; shown: string; first: boolean }[];
    signed: boolean;
  };
  expect([pictures.map(({ key }) => key), signed]).toEqual([["cat.jpg", "a\u202eb.png"], false]);
  expect(pictures[1]?.shown).not.toContain("\u202e");
});

it("signs only where it is told to, and what was asked, whole", async () => {
  expect(await open()("/playground/sign?target=/a.jpg")).toBeUndefined();
  const signing = open({ sign: (target) => `${target}#signed` });
  const signed = async (query: string): Promise<unknown> => JSON.parse((await signing(`/playground/sign${query}`))?.body ?? "null");
  expect(await signed(`?target=${encodeURIComponent("/a b.jpg?width=3&x=%2F")}`)).toEqual({ target: "/a b.jpg?width=3&x=%2F#signed" });
  expect(await signed("")).toEqual({ target: "/#signed" });
});

it("answers nothing else", async () => {
  for (const target of ["/playgrounds", "/playground/x", "/cat.jpg", "/health"]) expect(await open()(target)).toBeUndefined();
});
