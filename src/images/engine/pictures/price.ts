// Price: what a whole plan is expected to cost, found by walking through it without making a pixel.
//
// Owns: the budget, the walk's sums, the refusal. Does not own: the figures (costs.ts), the steps themselves: they are the same functions that make the
// picture later, on a pipeline that does nothing.
//   W1. No plan starts that is expected to take more than the budget; no single URL takes more than `mostCpuMs` or `mostBytes` (where a process of its
//       own does the work, it is ended there: service/isolated).
//   W2. Sizes are upper bounds where only pixels can tell.

import type { Sharp } from "sharp";
import type { Draft, Pixels, Walk } from "./contract.ts";
import type { EditName, JsonValue } from "../plan.ts";
import {
  type Cost,
  decodeCost,
  editCost,
  keptCost,
  nothing,
  rawCost,
  resizeCost,
  scaledWebpCost,
  together,
  trimmedPixels,
} from "./costs.ts";
import { followSize, type Size } from "./geometry.ts";
import type { Header } from "./header.ts";
import { badEdit, notAPicture } from "./problems.ts";

/** What one URL may take of a core, and of memory beside what an idle process holds. */
export const mostCpuMs = 3_000;
export const mostBytes = 500_000_000;

/** What may be expected: less than the bounds, because expectations err, and because a process holds about 90 MB before its first picture. */
const budget: Cost = { cpuMs: 2_200, bytes: 370_000_000 };

/** Past these a picture is made in a process of its own, which can be ended. */
const inProcess: Cost = { cpuMs: 400, bytes: 110_000_000 };

/** What a plan is expected to take, and whether it should be made in a process of its own. */
export interface Price extends Cost {
  /** All but the writing. */
  readonly beforeWriting: Cost;
  readonly isolated: boolean;
}

/** A pipeline on which every call does nothing. */
export function silentPipeline(): Sharp {
  const silent: object = new Proxy({}, { get: (_target, name) => (name === "then" ? undefined : () => silent) });
  return silent as Sharp;
}

export const openWalk = (): Walk => ({ cost: nothing, beforeWriting: nothing, pending: [], draws: false });

/** Adds one cost to the walk: CPU on top, bytes beside what is held. */
export function spend(walk: Walk, cost: Cost): void {
  walk.cost = together(walk.cost, cost);
}

/** Whether so much more may still be spent. */
export const fits = (spent: Cost, more: Cost): boolean =>
  spent.cpuMs + more.cpuMs <= budget.cpuMs && spent.bytes + more.bytes <= budget.bytes;

const pixelsOf = ({ width, height }: Size, frames: number): number => width * height * frames;

/** Everything from where pixels were made last to where they are made next. */
export function stageCost(draft: Draft, pending: readonly [EditName, JsonValue][]): Cost {
  const { shape, frames, header } = draft;
  const followed = followSize(shape);
  const source = pixelsOf(shape.source, frames);
  const largest = Math.max(pixelsOf(followed, frames), ...followed.steps.map((step) => pixelsOf(step, frames)));
  let cost =
    shape.kind === "webp" && shape.resize !== undefined && followed.onLoad !== undefined
      ? scaledWebpCost(source, pixelsOf(followed.onLoad, frames))
      : decodeCost(shape.kind, source, traits(header));
  if (shape.resize !== undefined)
    cost = together(cost, resizeCost(shape.kind === "jpeg" ? source / 4 : source, pixelsOf(followed, frames)));
  if (shape.affine !== undefined || shape.angle !== undefined || shape.extend !== undefined) cost = together(cost, resizeCost(0, largest));
  // A picture that lies on its side is kept whole to be turned.
  if (shape.kind !== "raw" && draft.turned && header.orientation > 1)
    cost = together(cost, keptCost(shape.orientBefore === true || shape.trims === true ? source : largest));
  const before = shape.rotateBefore === true ? source : largest;
  for (const [name, value] of pending)
    cost = together(cost, editCost(name, value, name === "trim" ? trimmedPixels(source) : Math.max(before, 1)));
  return cost;
}

export const traits = ({ metadata }: Header): { progressive: boolean; deep: boolean } => ({
  progressive: metadata.isProgressive,
  deep: metadata.depth !== undefined && metadata.depth !== "uchar" && metadata.depth !== "char",
});

/** Takes the place of making pixels while a plan is only walked through. */
export function walkPixels(draft: Draft, walk: Walk, size: Size): Pixels {
  const stage = together(stageCost(draft, walk.pending), rawCost(pixelsOf(size, draft.frames)));
  const held = rawCost(pixelsOf(size, draft.frames)).bytes;
  // What a stage held is given back when its pixels stand, which then are held.
  walk.cost = { cpuMs: walk.cost.cpuMs + stage.cpuMs, bytes: Math.max(walk.cost.bytes, stage.bytes, held) };
  walk.pending = [];
  checkWalk(draft, walk.cost);
  draft.shape = { source: { width: size.width, height: size.height }, kind: "raw", orientSwaps: false };
  draft.channels = 4;
  draft.layers.length = 0;
  draft.overlays.length = 0;
  draft.inPlace = false;
  return { width: size.width, height: size.height, data: Buffer.alloc(0), channels: 4 };
}

/** Throws 400 when the plan is past its budget already. */
export function checkWalk(draft: Draft, cost: Cost): void {
  if (fits(nothing, cost)) return;
  const alone = decodeCost(draft.header.kind, pixelsOf(draft.header, draft.frames), traits(draft.header));
  throw fits(nothing, alone) ? tooCostly(cost) : tooHeavy(draft.header, alone);
}

/** Throws 400 `InstantiationError` for another picture (an overlay, an operand) that alone costs more than half of what a URL may take. */
export function checkOther(header: Header): Cost {
  const cost = decodeCost(header.kind, pixelsOf(header, 1), traits(header));
  if (cost.cpuMs > budget.cpuMs / 2 || cost.bytes > budget.bytes / 2) throw tooHeavy(header, cost);
  return cost;
}

export const priceOf = ({ cost, beforeWriting, draws }: Walk): Price => ({
  ...cost,
  beforeWriting,
  isolated: draws || cost.cpuMs > inProcess.cpuMs || cost.bytes > inProcess.bytes,
});

const figures = ({ cpuMs, bytes }: Cost): string => `${(cpuMs / 1000).toFixed(1)} s of one core and ${Math.ceil(bytes / 1e6)} MB`;

/** 400: the edits are possible and would hold the server for too long. */
export function tooCostly(cost: Cost): Error {
  return badEdit(
    "ImageEdits::TooCostly",
    `Expected edits that take at most ${budget.cpuMs / 1000} s of one core and ${budget.bytes / 1e6} MB but these are expected to take ${figures(cost)}. ` +
      "Ask for a smaller size, or for less.",
    { cpuMs: Math.round(cost.cpuMs), bytes: Math.round(cost.bytes) },
  );
}

function tooHeavy({ width, height, kind }: Header, cost: Cost): Error {
  return notAPicture(
    `Expected a picture that can be decoded with ${budget.bytes / 1e6} MB but a ${kind} of ${width} x ${height} takes ${figures(cost)}. Upload a smaller one.`,
    { width, height, kind },
  );
}
