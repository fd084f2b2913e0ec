// Pieces: what a run keeps for itself between steps, as sealed objects; and a panel as bytes.

import { StockroomError } from "../../../platform/errors.ts";
import type { Body } from "../../../platform/bytes.ts";
import { unlessGone } from "../../../platform/objects/gone.ts";
import type { ObjectStore } from "../../../platform/objects/contract.ts";
import type { Actor } from "../../../platform/vault/contract.ts";
import type { Category, Panel } from "../../engine/contract.ts";
import type { ChunkStore } from "../run/contract.ts";
import { pieceMissing } from "../run/pieces.ts";
import { prefixes } from "../../store/keys.ts";

const largestPiece = 2 ** 31 - 1;

/** Where the pieces of a content lie; they outlive the run for what is asked of it later. */
export const piecesPrefix = (group: string, content: string): string => `${prefixes.runs}${group}/${content.slice(0, 32)}/`;

/** A run's pieces under one prefix of the store. */
export function objectChunks(objects: ObjectStore, actor: Actor, prefix: string): ChunkStore {
  return {
    has: async (name) => (await objects.head(`${prefix}${name}`)) !== undefined,
    put: async (name, bytes) => {
      await objects.put(actor, `${prefix}${name}`, bytes, { announce: false });
    },
    get: async (name) => {
      const piece = await unlessGone(objects.read(actor, `${prefix}${name}`, { maxBytes: largestPiece }));
      if (piece === undefined) throw pieceMissing(name);
      return piece;
    },
  };
}

interface PanelHead {
  readonly grid: Panel["grid"];
  readonly itemIds: readonly string[];
  readonly dimensions: readonly (Omit<Category, "codes"> & { readonly codes: readonly number[] })[];
  readonly metadata: readonly (Omit<Category, "codes"> & { readonly codes: readonly number[] })[];
  readonly seasons: readonly number[];
  readonly series: number;
  readonly values: number;
  readonly regressors: readonly { readonly name: string; readonly length: number }[];
  readonly shared: readonly { readonly name: string; readonly length: number }[];
}

const chunkBytes = 1 << 20;

/** The panel as bytes: the length of its head, the head as JSON, then its arrays as they lie in memory (little-endian on every machine Node runs on). */
export async function* packPanel(panel: Panel): Body {
  const plain = (categories: readonly Category[]): PanelHead["dimensions"] =>
    categories.map(({ name, levels, codes }) => ({ name, levels, codes: [...codes] }));
  const head: PanelHead = {
    grid: panel.grid,
    itemIds: panel.itemIds,
    dimensions: plain(panel.dimensions),
    metadata: plain(panel.metadata),
    seasons: panel.seasons,
    series: panel.offsets.length - 1,
    values: panel.values.length,
    regressors: panel.regressors.map(({ name, values }) => ({ name, length: values.length })),
    shared: panel.shared.map(({ name, values }) => ({ name, length: values.length })),
  };
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(8);
  length.writeDoubleLE(text.length);
  yield length;
  yield text;
  for (const array of [
    panel.offsets,
    panel.values,
    ...panel.regressors.map((one) => one.values),
    ...panel.shared.map((one) => one.values),
  ]) {
    const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
    // Copied piece by piece: shared memory cannot be handed to ciphers.
    for (let at = 0; at < bytes.length; at += chunkBytes) yield Uint8Array.from(bytes.subarray(at, at + chunkBytes));
  }
}

/** Gives the bytes of a body piece by piece, as many as are asked for. Throws `fault` `FORECAST_PANEL_BROKEN` when there are fewer. */
function makeFiller(body: Body): (target: Uint8Array) => Promise<void> {
  const iterator = body[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  return async (target) => {
    let at = 0;
    while (at < target.length) {
      if (rest.length === 0) {
        const next = await iterator.next();
        if (next.done === true) {
          throw new StockroomError(
            "fault",
            "FORECAST_PANEL_BROKEN",
            "Expected a whole panel in the store but its bytes end early. Run the group again.",
          );
        }
        rest = next.value;
      }
      const take = Math.min(rest.length, target.length - at);
      target.set(rest.subarray(0, take), at);
      rest = rest.subarray(take);
      at += take;
    }
  };
}

async function readHead(fill: (target: Uint8Array) => Promise<void>): Promise<PanelHead> {
  const length = Buffer.alloc(8);
  await fill(length);
  const text = Buffer.alloc(length.readDoubleLE());
  await fill(text);
  return JSON.parse(text.toString("utf8"));
}

const categoriesOf = (list: PanelHead["dimensions"]): Category[] =>
  list.map(({ name, levels, codes }) => ({ name, levels, codes: Int32Array.from(codes) }));

/** What a panel is called by: its grid, its series and the names of its numbers, without the numbers. */
export type PanelNames = Pick<Panel, "grid" | "itemIds" | "dimensions" | "metadata" | "seasons"> & {
  readonly regressors: readonly { readonly name: string }[];
  readonly shared: readonly { readonly name: string }[];
};

/** Reads the head of `packPanel`'s bytes alone; the rest is not pulled. Throws `fault` `FORECAST_PANEL_BROKEN`. */
export async function unpackNames(body: Body): Promise<PanelNames> {
  const iterator = body[Symbol.asyncIterator]();
  try {
    const head = await readHead(makeFiller({ [Symbol.asyncIterator]: () => iterator }));
    return { ...head, dimensions: categoriesOf(head.dimensions), metadata: categoriesOf(head.metadata) };
  } finally {
    await iterator.return?.();
  }
}

/** Reads `packPanel`'s bytes into shared memory. Throws `fault` `FORECAST_PANEL_BROKEN` when they are cut short. */
export async function unpackPanel(body: Body): Promise<Panel> {
  const fill = makeFiller(body);
  const head = await readHead(fill);
  const shared = async (bytes: number): Promise<SharedArrayBuffer> => {
    const buffer = new SharedArrayBuffer(bytes);
    await fill(new Uint8Array(buffer));
    return buffer;
  };
  const offsets = new Int32Array(await shared(4 * (head.series + 1)));
  const values = new Float64Array(await shared(8 * head.values));
  const numbers = async (list: PanelHead["shared"]): Promise<{ name: string; values: Float32Array }[]> => {
    const read: { name: string; values: Float32Array }[] = [];
    for (const one of list) read.push({ name: one.name, values: new Float32Array(await shared(4 * one.length)) });
    return read;
  };
  const regressors = await numbers(head.regressors);
  const sharedRegressors = await numbers(head.shared);
  return {
    grid: head.grid,
    itemIds: head.itemIds,
    dimensions: categoriesOf(head.dimensions),
    metadata: categoriesOf(head.metadata),
    offsets,
    values,
    regressors,
    shared: sharedRegressors,
    seasons: head.seasons,
  };
}
