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
