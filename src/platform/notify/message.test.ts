import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deliveryId, htmlOf, payloadOf, slackOf, subjectOf, teamsOf, textOf } from "./message.ts";
import { channelsOf } from "./topics.ts";

const notice = {
  id: "classify.compare/GB-WEEE/7",
  topic: "mlops",
  severity: "warning" as const,
  title: "GB-WEEE: the challenger lost",
  body: "It scored 0.71.\n\nThe champion stays.",
  facts: { line: "GBR/GB-WEEE", score: 0.71 },
  at: "2026-10-01T02:03:04.000Z",
};

describe("deliveryId", () => {
  it("is stable: receivers drop repeats by it, across releases", () => {
    expect(deliveryId("a", "ops")).toBe("ntc_ce1625aabfab14a877043722ad0b3e37");
  });

  it("differs for every notice and channel, and fits a header and a signed content", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (id, channel) => {
        expect(deliveryId(id, channel)).toMatch(/^ntc_[0-9a-f]{32}$/);
        expect(deliveryId(id, channel)).not.toBe(deliveryId(`${id}x`, channel));
        expect(deliveryId(id, channel)).not.toBe(deliveryId(id, `${channel}x`));
      }),
    );
  });
});

describe("the words of a notice", () => {
  it("hide nothing in what people read, and change nothing of what programs read", () => {
    const odd = { ...notice, title: "invoice\u202Efdp.exe", body: "first\nsec\u200Bond\u0007", facts: { "na\u2066me": "va\u00ADlue" } };
    expect(subjectOf(odd)).toContain("invoice\\u{202E}fdp.exe");
    for (const text of [textOf(odd), htmlOf(odd), JSON.stringify(slackOf(odd)), JSON.stringify(teamsOf(odd))]) {
      expect(text).not.toMatch(/[\u202E\u200B\u2066\u00AD]/);
      expect(text).toMatch(/sec\\{1,2}u\{200B\}ond/);
    }
    expect(JSON.parse(payloadOf(odd)).data.title).toBe(odd.title);
  });

  it("say the facts in each form", () => {
    expect(subjectOf(notice)).toBe("[warning] GB-WEEE: the challenger lost");
    expect(textOf(notice)).toBe(
      "It scored 0.71.\n\nThe champion stays.\n\nline: GBR/GB-WEEE\nscore: 0.71\n\n" +
        "Stockroom, topic mlops, 2026-10-01T02:03:04.000Z. Notice classify.compare/GB-WEEE/7.",
    );
    expect(htmlOf(notice)).toContain("<p>It scored 0.71.</p><p>The champion stays.</p>");
    expect(JSON.parse(payloadOf(notice))).toEqual({
      type: "notice.posted",
      timestamp: notice.at,
      data: {
        id: notice.id,
        topic: "mlops",
        severity: "warning",
        title: notice.title,
        body: notice.body,
        facts: notice.facts,
      },
    });
  });

  it("fit what Teams takes, however long they are", () => {
    for (const text of [
      "ä".repeat(100_000),
      "東".repeat(100_000),
      "a\n".repeat(100_000),
      '\u0001"'.repeat(50_000),
      "\uD800".repeat(50_000),
    ]) {
      const facts = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`${at} ${text.slice(0, 40)}`, text.slice(0, 200)]));
      const long = { ...notice, id: text, topic: text, title: text, body: text, facts };
      const message = JSON.stringify(teamsOf(long));
      expect(Buffer.byteLength(message)).toBeLessThan(28_000);
      expect(message).toContain("…");
    }
    expect(teamsOf(notice).attachments[0].content.body.map(({ inlines }) => inlines[0].text)).toEqual([
      "[warning] GB-WEEE: the challenger lost",
      "It scored 0.71.",
      "The champion stays.",
      "line: GBR/GB-WEEE",
      "score: 0.71",
      "Stockroom, topic mlops, 2026-10-01T02:03:04.000Z. Notice classify.compare/GB-WEEE/7.",
    ]);
  });

  it("never let a title break out of the subject, the page or the message", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 120 }), (text) => {
        const hostile = { ...notice, title: text, body: text, facts: { [text]: text } };
        expect(subjectOf(hostile)).not.toMatch(/[\r\n\0]/);
        expect(subjectOf(hostile).length).toBeLessThanOrEqual(220);
        const tags = htmlOf(hostile).match(/<[^>]*>?/g) ?? [];
        for (const tag of tags) expect(tag).toMatch(/^<\/?(h2|p|br|table|tr|th|td|small)( align="left"| cellpadding="4")?>$/);
        const sections = slackOf(hostile).blocks.flatMap((block) => (block.type === "section" ? [block.text.text] : []));
        expect(sections.join("")).not.toMatch(/[<>]/);
        // Runs of text have no markup at all.
        const [{ content }] = teamsOf(hostile).attachments;
        for (const { type, inlines } of content.body) {
          expect(type).toBe("RichTextBlock");
          for (const run of inlines) expect([run.type, /[\n\r]/.test(run.text)]).toEqual(["TextRun", false]);
        }
      }),
    );
  });
});

describe("channelsOf", () => {
  const topics = {
    mlops: ["slack", "slack"],
    "stakeholders.": ["mail"],
    "stakeholders.GBR.": ["gbr"],
    "stakeholders.GBR": ["one"],
    "*": ["log"],
  };

  it.each([
    ["mlops", ["slack"]],
    ["stakeholders.FRA", ["mail"]],
    ["stakeholders.GBR", ["one"]],
    ["stakeholders.GBR.weee", ["gbr"]],
    ["stakeholders", ["log"]],
    ["mlops.more", ["log"]],
    ["toString", ["log"]],
    ["__proto__", ["log"]],
  ])("%s goes to %j", (topic, channels) => {
    expect(channelsOf(topic, topics)).toEqual(channels);
  });

  it("logs what nobody asked for, and keeps silent only where told to", () => {
    expect(channelsOf("mlops", {})).toEqual(["log"]);
    expect(channelsOf("mlops", { mlops: [] })).toEqual([]);
  });
});
