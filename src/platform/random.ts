// Random: seeded numbers, so that the same seed gives the same bytes on every machine and any number of threads.
//
// Not for secrets: keys and tokens come from node:crypto.

/** A stream of uniform numbers with a state of its own. */
export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  next(): number;
  /** Uniform whole number in [0, below). */
  below(below: number): number;
  /** Standard normal (polar method of Marsaglia). */
  normal(): number;
  /** A new stream that does not disturb this one; the same `name` always gives the same stream. */
  fork(name: string): Random;
}

/** FNV-1a over UTF-16 code units; good enough to derive a seed from a name. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

/**
 * Makes a seeded stream: sfc32 (Chris Doty-Humphrey, PractRand), seeded through splitmix32.
 *
 * The stream is a function of `seed` alone and is part of "same input, same seed, same bytes out".
 */
export function makeRandom(seed: number): Random {
  let mix = seed >>> 0;
  const spread = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) | 0;
  };
  let a = spread();
  let b = spread();
  let c = spread();
  let counter = 1;
  const word = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) word();
  const next = (): number => ((word() >>> 5) * 0x4000000 + (word() >>> 6)) / 0x20000000000000;
  return {
    next,
    below: (below) => Math.floor(next() * below),
    normal: () => {
      for (;;) {
        const x = 2 * next() - 1;
        const y = 2 * next() - 1;
        const square = x * x + y * y;
        if (square > 0 && square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square);
      }
    },
    fork: (name) => makeRandom(hashText(`${seed}/${name}`)),
  };
}
