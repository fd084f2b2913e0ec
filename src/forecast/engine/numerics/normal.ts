// The standard normal distribution: density, distribution function, quantile. Scalar functions without state.

const inverseRootTwoPi = 0.3989422804014327;

/** Density of the standard normal at `x`. */
export function normalPdf(x: number): number {
  return inverseRootTwoPi * Math.exp(-0.5 * x * x);
}

/**
 * Probability that a standard normal is at most `x`; relative error about 1e-14 also in the lower tail.
 *
 * Near zero the series x + x^3/3 + x^5/15 + ... (Marsaglia 2004, "Evaluating the normal distribution"), beyond 3 the continued fraction of
 * Laplace for Mills' ratio.
 */
export function normalCdf(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  const size = Math.abs(x);
  if (size > 39) return x < 0 ? 0 : 1;
  if (size < 3) {
    const square = x * x;
    let term = x;
    let sum = x;
    for (let odd = 3; Math.abs(term) > 1e-17 * Math.abs(sum); odd += 2) {
      term *= square / odd;
      sum += term;
    }
    return 0.5 + normalPdf(x) * sum;
  }
  let fraction = 0;
  for (let k = 80; k > 0; k--) fraction = k / (size + fraction);
  const tail = normalPdf(size) / (size + fraction);
  return x < 0 ? tail : 1 - tail;
}

/**
 * Standard normal quantile of a probability; -Infinity at 0, Infinity at 1, NaN outside [0, 1]. Relative error about 1e-16.
 *
 * Source: Wichura 1988, "Algorithm AS 241: The percentage points of the normal distribution", routine PPND16.
 */
export function normalQuantile(probability: number): number {
  if (!(probability >= 0 && probability <= 1)) return Number.NaN;
  const centre = probability - 0.5;
  if (Math.abs(centre) <= 0.425) {
    const r = 0.180625 - centre * centre;
    const above =
      ((((((2509.0809287301227 * r + 33430.57558358813) * r + 67265.7709270087) * r + 45921.95393154987) * r + 13731.69376550946) * r +
        1971.5909503065513) *
        r +
        133.14166789178438) *
        r +
      3.3871328727963665;
    const below =
      ((((((5226.495278852854 * r + 28729.085735721943) * r + 39307.89580009271) * r + 21213.794301586597) * r + 5394.196021424751) * r +
        687.1870074920579) *
        r +
        42.31333070160091) *
        r +
      1;
    return (centre * above) / below;
  }
  const tail = centre < 0 ? probability : 1 - probability;
  if (tail === 0) return centre < 0 ? -Infinity : Infinity;
  let r = Math.sqrt(-Math.log(tail));
  let value: number;
  if (r <= 5) {
    r -= 1.6;
    const above =
      ((((((0.0007745450142783414 * r + 0.022723844989269184) * r + 0.2417807251774506) * r + 1.2704582524523684) * r +
        3.6478483247632045) *
        r +
        5.769497221460691) *
        r +
        4.630337846156546) *
        r +
      1.4234371107496835;
    const below =
      ((((((1.0507500716444169e-9 * r + 0.0005475938084995345) * r + 0.015198666563616457) * r + 0.14810397642748008) * r +
        0.6897673349851) *
        r +
        1.6763848301838038) *
        r +
        2.053191626637759) *
        r +
      1;
    value = above / below;
  } else {
    r -= 5;
    const above =
      ((((((2.0103343992922881e-7 * r + 2.7115555687434876e-5) * r + 0.0012426609473880784) * r + 0.026532189526576124) * r +
        0.29656057182850487) *
        r +
        1.7848265399172913) *
        r +
        5.463784911164114) *
        r +
      6.657904643501103;
    const below =
      ((((((2.0442631033899397e-15 * r + 1.421511758316446e-7) * r + 1.8463183175100548e-5) * r + 0.0007868691311456133) * r +
        0.014875361290850615) *
        r +
        0.1369298809227358) *
        r +
        0.599832206555888) *
        r +
      1;
    value = above / below;
  }
  return centre < 0 ? -value : value;
}
