// Small things shown alike everywhere: times, states, figures.

import type { ComponentChildren } from "preact";
import { agoText } from "../../../src/platform/figures.ts";
import { clock } from "../data/taste.ts";
import { to } from "../data/url.ts";

export { agoText, amount, bytesText, counted, grouped, percent } from "../../../src/platform/figures.ts";

const two = (value: number): string => String(value).padStart(2, "0");

/** `2026-10-01 02:03`, in the time that the person chose. */
export function whenText(iso: string, how: "local" | "utc" = clock.value, seconds = false): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  if (how === "utc")
    return at
      .toISOString()
      .slice(0, seconds ? 19 : 16)
      .replace("T", " ");
  const time = `${two(at.getHours())}:${two(at.getMinutes())}${seconds ? `:${two(at.getSeconds())}` : ""}`;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

/** A moment, with how long ago it is. */
export function When({ at, ago = true }: { at: string | undefined; ago?: boolean }) {
  if (at === undefined || at === "") return <span class="dim">–</span>;
  if (Number.isNaN(Date.parse(at))) return <span>{at}</span>;
  return (
    <time dateTime={at} title={`${whenText(at, "utc", true)} UTC`}>
      {whenText(at)}
      {ago && (
        <>
          {" "}
          <span class="dim ago">· {agoText(at)}</span>
        </>
      )}
    </time>
  );
}

/** Milliseconds for people: "340 ms", "12.3 s", "4 min 10 s". */
export function spanText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60 ? `${minutes} min ${Math.round((ms % 60_000) / 1_000)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export type Tone = "good" | "warn" | "bad" | "ink" | "plain";

export const Badge = ({ tone = "plain", children }: { tone?: Tone; children: ComponentChildren }) => (
  <span class={`badge ${tone}`}>{children}</span>
);

const tones: Readonly<Record<string, Tone>> = {
  done: "good",
  delivered: "good",
  idle: "good",
  fine: "good",
  promote: "good",
  first: "good",
  active: "good",
  answered: "good",
  redriven: "good",
  running: "ink",
  queued: "ink",
  retrying: "warn",
  waiting: "warn",
  watch: "warn",
  held: "warn",
  unsure: "warn",
  partly: "warn",
  warning: "warn",
  dead: "bad",
  failed: "bad",
  alarm: "bad",
};

/** A state in its colour, and always in words. */
export const State = ({ of }: { of: string }) => <Badge tone={tones[of] ?? "plain"}>{of}</Badge>;

/** One figure with what it is. */
export function Figure({ title, children, note }: { title: string; children: ComponentChildren; note?: ComponentChildren }) {
  return (
    <div class="figure">
      <span>{title}</span>
      <b>{children}</b>
      {note !== undefined && <span>{note}</span>}
    </div>
  );
}

/** Names and values under each other. Absent values are left out. */
export function Facts({ of }: { of: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of.flatMap(([name, value]) =>
        value === undefined || value === null || value === "" ? [] : [<dt key={`${name}-n`}>{name}</dt>, <dd key={name}>{value}</dd>],
      )}
    </dl>
  );
}

/** A bar of a share from 0 to 1, said in words beside it. */
export const Bar = ({ share, label }: { share: number; label: string }) => (
  <span class="bar" role="img" aria-label={label}>
    <i style={{ width: `${Math.max(0, Math.min(1, share)) * 100}%` }} />
  </span>
);

export const RunLink = ({ id, children }: { id: string; children?: ComponentChildren }) => (
  <a href={to(`/runs/${encodeURIComponent(id)}`)}>{children ?? id}</a>
);

/** Tabs that are places: each a link, so that it can be opened beside and sent. */
export function Tabs({
  here,
  of,
  label,
}: {
  here: string;
  of: readonly { readonly value: string; readonly name: ComponentChildren; readonly href: string }[];
  label: string;
}) {
  return (
    <nav class="tabs" aria-label={label}>
      {of.map(({ value, name, href }) => (
        <a key={value} href={href} {...(value === here ? { "aria-current": "page" as const } : {})}>
          {name}
        </a>
      ))}
    </nav>
  );
}
