// Blend: lays one small picture over pixels that are already there.
//
// Owns: the "over" of two 8-bit pictures. Does not own: other ways of compositing (sharp).
//   B1. The same as sharp's composite to within one of 255 steps, and touches only the pixels under the layer: sharp gives the whole picture an
//       alpha channel before it shrinks it, which makes a watermark cost half as much again as the picture.

/** RGBA pixels and where their upper left corner lies; may reach outside. */
export interface Layer {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
}

/** Lays `layer` over `base` in place; `base` has 1 to 4 channels, the second or fourth being its alpha. */
export function blend(
  base: Uint8Array,
  { width, height, channels }: { readonly width: number; readonly height: number; readonly channels: number },
  layer: Layer,
): void {
  const hasAlpha = channels === 2 || channels === 4;
  const colours = hasAlpha ? channels - 1 : channels;
  const fromX = Math.max(0, -layer.left);
  const toX = Math.min(layer.width, width - layer.left);
  const fromY = Math.max(0, -layer.top);
  const toY = Math.min(layer.height, height - layer.top);
  for (let y = fromY; y < toY; y++) {
    let over = (y * layer.width + fromX) * 4;
    let under = ((y + layer.top) * width + layer.left + fromX) * channels;
    for (let x = fromX; x < toX; x++, over += 4, under += channels) {
      const alpha = layer.data[over + 3] ?? 0;
      if (alpha === 0) continue;
      const below = hasAlpha ? (base[under + colours] ?? 0) : 255;
      // Both in 255ths of 255: the layer's share, and what still shines through.
      const share = alpha * 255;
      const through = below * (255 - alpha);
      const whole = share + through;
      for (let c = 0; c < colours; c++) {
        base[under + c] = Math.round(((layer.data[over + c] ?? 0) * share + (base[under + c] ?? 0) * through) / whole);
      }
      if (hasAlpha) base[under + colours] = Math.round(whole / 255);
    }
  }
}

/** Whether a layer shows anything but greys. */
export function isColoured({ data }: Layer): boolean {
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] !== 0 && (data[at] !== data[at + 1] || data[at] !== data[at + 2])) return true;
  }
  return false;
}

/** Grey pixels, with or without transparency, as coloured ones that look the same. */
export function inColours(grey: Uint8Array, channels: 1 | 2): { readonly data: Buffer; readonly channels: 3 | 4 } {
  const pixels = grey.length / channels;
  const wide = channels === 1 ? 3 : 4;
  const data = Buffer.allocUnsafe(pixels * wide);
  for (let pixel = 0, from = 0, to = 0; pixel < pixels; pixel++, from += channels, to += wide) {
    const value = grey[from] ?? 0;
    data[to] = data[to + 1] = data[to + 2] = value;
    if (channels === 2) data[to + 3] = grey[from + 1] ?? 0;
  }
  return { data, channels: wide };
}
