// Weigh: how many pixels an original holds, from its first bytes and without a decoder. For the gate only, which wants a quick and near answer;
// what is allowed is judged by the pixel library itself.

/** Pixels of one frame; for formats whose header is not plain, a guess from the bytes. Takes microseconds. */
export function estimateCost(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = sizeOf(bytes, view);
  // A modern codec holds about a byte in every four pixels of a photo.
  return size === undefined ? bytes.byteLength * 4 : Math.max(1, size.width * size.height);
}

function sizeOf(bytes: Uint8Array, view: DataView): { readonly width: number; readonly height: number } | undefined {
  if (bytes.byteLength < 30) return undefined;
  if (view.getUint32(0) === 0x89504e47) return { width: view.getUint32(16), height: view.getUint32(20) };
  if (view.getUint32(0) === 0x47494638) return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  if (view.getUint16(0) === 0xffd8) return jpegSize(bytes, view);
  if (view.getUint32(0) === 0x52494646 && view.getUint32(8) === 0x57454250 && view.getUint32(12) === 0x56503858) {
    return { width: 1 + (view.getUint32(24, true) & 0xffffff), height: 1 + (view.getUint32(26, true) >>> 8) };
  }
  return undefined;
}

/** Walks the segments to the one that begins the frame (SOF0 to SOF15, but for the tables among those numbers). */
function jpegSize(bytes: Uint8Array, view: DataView): { readonly width: number; readonly height: number } | undefined {
  let at = 2;
  while (at + 9 < bytes.byteLength) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    }
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}
