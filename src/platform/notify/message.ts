// Message: a notice in the words of each channel. Pure: a notice goes in, text comes out.
//
//   M1. What is shown as HTML or Slack markup is escaped; a title can neither add a header nor a link.
//   M3. Nothing hides in what people read (text.ts); the JSON of webhooks is for programs and keeps every character.
//   M2. The delivery id is a function of the notice's id and the channel alone (N2).

import { createHash } from "node:crypto";
import { visible } from "../text.ts";
import { escape } from "../web/html.ts";
import type { Notice } from "./contract.ts";

/** A notice with the time it was posted, ISO 8601. */
export interface PostedNotice extends Notice {
  readonly at: string;
}

const titleMaxChars = 200;

/**
 * Names one delivery of a notice: what receivers drop repeats by.
 *
 * A digest, because a notice's id may hold dots (which part a webhook's signed content) or letters that headers may not.
 */
export function deliveryId(noticeId: string, channel: string): string {
  return `ntc_${createHash("sha256").update(`${noticeId}\n${channel}`).digest("hex").slice(0, 32)}`;
}

/** The title on one line, at most 200 characters. */
export function subjectOf(notice: Notice): string {
  const flat = visible(notice.title.replaceAll(/[\s\p{Cc}]+/gu, " ").trim());
  const mark = notice.severity === "info" ? "" : `[${notice.severity}] `;
  return `${mark}${flat.length > titleMaxChars ? `${flat.slice(0, titleMaxChars - 1)}…` : flat}`;
}

/** Plain text for mail: the body, then the facts, then where it comes from. */
export function textOf(notice: PostedNotice): string {
  const facts = Object.entries(notice.facts).map(([name, value]) => `${visible(name)}: ${visible(String(value), "\n")}`);
  return [shown(notice.body.trim()), facts.join("\n"), footer(notice)].filter((part) => part !== "").join("\n\n");
}

/** The same as HTML without style sheets, pictures or links: it looks alike in every reader and fetches nothing. */
export function htmlOf(notice: PostedNotice): string {
  const paragraphs = notice.body
    .trim()
    .split(/\n\s*\n/)
    .map((text) => `<p>${escapeHtml(text).replaceAll("\n", "<br>")}</p>`);
  const facts = Object.entries(notice.facts).map(
    ([name, value]) => `<tr><th align="left">${escapeHtml(name)}</th><td>${escapeHtml(String(value))}</td></tr>`,
  );
  const table = facts.length === 0 ? "" : `<table cellpadding="4">${facts.join("")}</table>`;
  return `<h2>${escapeHtml(subjectOf(notice))}</h2>${paragraphs.join("")}${table}<p><small>${escapeHtml(footer(notice))}</small></p>`;
}

/** The JSON that webhooks carry, in the shape Standard Webhooks proposes. */
export function payloadOf(notice: PostedNotice): string {
  const { id, topic, severity, title, body, facts, at } = notice;
  return JSON.stringify({ type: "notice.posted", timestamp: at, data: { id, topic, severity, title, body, facts } });
}

/** What Slack shows: a heading, the body, the facts, the notice's id. */
export function slackOf(notice: PostedNotice) {
  const facts = Object.entries(notice.facts).map(([name, value]) => `*${escapeSlack(name)}*: ${escapeSlack(String(value))}`);
  const subject = subjectOf(notice);
  const section = (text: string) => ({ type: "section" as const, text: { type: "mrkdwn" as const, text: clip(text, 3_000) } });
  return {
    text: escapeSlack(subject),
    blocks: [
      { type: "header" as const, text: { type: "plain_text" as const, text: clip(subject, 150) } },
      ...(notice.body.trim() === "" ? [] : [section(escapeSlack(notice.body.trim()))]),
      ...(facts.length === 0 ? [] : [section(facts.join("\n"))]),
      { type: "context" as const, elements: [{ type: "mrkdwn" as const, text: clip(escapeSlack(footer(notice)), 2_000) }] },
    ],
  };
}

/** Of a message's lines as JSON: Teams takes 28 KB a message, with the subject, the footer and what it wraps around ours. */
const teamsMaxBytes = { body: 14_000, facts: 6_000 } as const;

/**
 * What Teams shows of a workflow "when a webhook request is received": an Adaptive Card of plain runs of text, in which nothing is a link, a mention or
 * markup. Runs take no line breaks, so that a line is a block of its own.
 */
export function teamsOf(notice: PostedNotice) {
  const facts = Object.entries(notice.facts).map(([name, value]) => `${visible(name)}: ${visible(String(value))}`);
  const body = [
    teamsBlock(subjectOf(notice), { size: "large", weight: "bolder" }),
    ...teamsBlocks(shown(notice.body.trim()).split("\n"), teamsMaxBytes.body),
    ...teamsBlocks(facts, teamsMaxBytes.facts),
    teamsBlock(clip(visible(footer(notice)), 1_000), { isSubtle: true }),
  ];
  const content = { $schema: "http://adaptivecards.io/schemas/adaptive-card.json", type: "AdaptiveCard" as const, version: "1.4", body };
  return { type: "message" as const, attachments: [{ contentType: "application/vnd.microsoft.card.adaptive", content }] };
}

function teamsBlock(text: string, look: { readonly size?: "large"; readonly weight?: "bolder"; readonly isSubtle?: boolean } = {}) {
  return { type: "RichTextBlock" as const, inlines: [{ type: "TextRun" as const, text, ...look }] };
}

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** A block for each line that says something; where they take more bytes, the last one ends in an ellipsis. */
function teamsBlocks(lines: readonly string[], maxBytes: number): ReturnType<typeof teamsBlock>[] {
  const around = jsonBytes(teamsBlock("\u2026")) + 1;
  const blocks: ReturnType<typeof teamsBlock>[] = [];
  let left = maxBytes;
  for (const line of lines) {
    if (line.trim() === "") continue;
    left -= around;
    let kept = "";
    for (const letter of line) {
      left -= jsonBytes(letter) - 2;
      if (left < around) return [...blocks, teamsBlock(`${kept}\u2026`)];
      kept += letter;
    }
    blocks.push(teamsBlock(line));
  }
  return blocks;
}

const footer = (notice: PostedNotice): string => `Stockroom, topic ${notice.topic}, ${notice.at}. Notice ${notice.id}.`;

const clip = (text: string, maxChars: number): string => (text.length > maxChars ? `${text.slice(0, maxChars - 1)}…` : text);

/** Text of others with nothing hidden in it; lines stay lines. */
const shown = (text: string): string => visible(text.replaceAll(/\r\n?/g, "\n"), "\n\t");

function escapeHtml(text: string): string {
  return escape(shown(text));
}

/** Slack reads `<...>` as links and mentions; these three are all it asks to have escaped. */
function escapeSlack(text: string): string {
  return shown(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
