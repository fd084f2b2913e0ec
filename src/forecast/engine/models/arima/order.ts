// The order of a seasonal ARIMA model and its parameters.
//
// Owns: how many parameters there are, their bounded form, the polynomials they multiply out to. Does not own: their estimation.
//   The model, in the signs of Box & Jenkins 1970 for the AR and of R's `arima` for the MA part, with B the backshift and m the period:
//   (1 - ar(B)) (1 - sar(B^m)) (1 - B)^d (1 - B^m)^D (y_t - x_t b) = (1 + ma(B)) (1 + sma(B^m)) e_t,   e_t ~ N(0, s2).
//   A parameter vector is [ar | ma | sar | sma], in that order everywhere.

/** ARIMA(p,d,q)(P,D,Q)[period]; without a season the period is 1 and P, D, Q are 0. */
export interface ArimaOrder {
  readonly p: number;
  readonly d: number;
  readonly q: number;
  readonly P: number;
  readonly D: number;
  readonly Q: number;
  readonly period: number;
}

/** The longest AR or MA factor that `unbound` and `roots` are ready for. */
const MAX_FACTOR = 32;

/** Number of AR and MA parameters. */
export function countParameters({ p, q, P, Q }: ArimaOrder): number {
  return p + q + P + Q;
}

/** Observations that differencing takes away: d + D * period. */
export function lostByDifferencing({ d, D, period }: ArimaOrder): number {
  return d + D * period;
}

/** The order as its literature writes it. */
export function titleOf(order: ArimaOrder, extras: readonly string[] = []): string {
  const { p, d, q, P, D, Q, period } = order;
  const season = P + D + Q > 0 ? `(${P},${D},${Q})[${period}]` : "";
  return `ARIMA(${p},${d},${q})${season}${extras.map((extra) => ` with ${extra}`).join("")}`;
}

/** Names of the parameters in their order: ar1, ma1, sar1, sma1, ... */
export function parameterNames({ p, q, P, Q }: ArimaOrder): string[] {
  const names: string[] = [];
  for (const [name, count] of [["ar", p] as const, ["ma", q] as const, ["sar", P] as const, ["sma", Q] as const]) {
    for (let i = 1; i <= count; i++) names.push(`${name}${i}`);
  }
  return names;
}

/** The polynomials of a model multiplied out; made once per order and filled again for each parameter vector. */
export interface Polynomials {
  /** Length of the state: max(p + mP, q + mQ + 1). */
  readonly size: number;
  /** phi[i] belongs to lag i + 1: w_t = sum phi[i] w_(t-1-i) + ...; length: size. */
  readonly phi: Float64Array;
  /** theta[i] belongs to lag i, theta[0] = 1; length: size. */
  readonly theta: Float64Array;
  /** Lags with an AR coefficient that may be other than zero, ascending. */
  readonly phiLags: Int32Array;
  /** The same of the MA part, without lag 0. */
  readonly thetaLags: Int32Array;
}

/** Room for the polynomials of an order. */
export function makePolynomials({ p, q, P, Q, period }: ArimaOrder): Polynomials {
  const size = Math.max(p + period * P, q + period * Q + 1);
  const lags = (short: number, long: number): Int32Array => {
    const found = new Set<number>();
    for (let j = 0; j <= long; j++) for (let i = 0; i <= short; i++) found.add(i + j * period);
    found.delete(0);
    return Int32Array.from(found).sort();
  };
  const theta = new Float64Array(size);
  theta[0] = 1;
  return { size, phi: new Float64Array(size), theta, phiLags: lags(p, P), thetaLags: lags(q, Q) };
}

/** Multiplies the factors out into `into`. */
export function expand({ p, q, P, Q, period }: ArimaOrder, parameters: Float64Array, into: Polynomials): void {
  const { phi, theta } = into;
  phi.fill(0);
  theta.fill(0);
  theta[0] = 1;
  const ma = p;
  const sar = p + q;
  const sma = p + q + P;
  for (let i = 1; i <= p; i++) phi[i - 1] += parameters[i - 1];
  for (let j = 1; j <= P; j++) {
    phi[j * period - 1] += parameters[sar + j - 1];
    for (let i = 1; i <= p; i++) phi[j * period + i - 1] -= parameters[sar + j - 1] * parameters[i - 1];
  }
  for (let i = 1; i <= q; i++) theta[i] += parameters[ma + i - 1];
  for (let j = 1; j <= Q; j++) {
    theta[j * period] += parameters[sma + j - 1];
    for (let i = 1; i <= q; i++) theta[j * period + i] += parameters[sma + j - 1] * parameters[ma + i - 1];
  }
}

/** The coefficients of (1 - B)^d (1 - B^m)^D as 1 - delta[0] B - delta[1] B^2 - ...; length: d + D * period. */
export function differencingCoefficients({ d, D, period }: ArimaOrder): Float64Array {
  let product = Float64Array.of(1);
  const times = (lag: number): void => {
    const next = new Float64Array(product.length + lag);
    for (let i = 0; i < product.length; i++) {
      next[i] += product[i];
      next[i + lag] -= product[i];
    }
    product = next;
  };
  for (let i = 0; i < d; i++) times(1);
  for (let i = 0; i < D; i++) times(period);
  // Minus zero is not wanted in a coefficient.
  return product.subarray(1).map((each) => (each === 0 ? 0 : -each));
}

// Each factor is searched as tanh^-1 of its partial autocorrelations, each of which is free in (-1, 1): every point is a stationary and
// invertible model, and every such model is a point. Jones 1980, "Maximum likelihood fitting of ARMA models to time series with missing
// observations", Technometrics 22, 389-395; the recursion is Durbin's and Levinson's.

/** Beyond this a partial autocorrelation is 1 in double precision, or as good as. */
const RIM = 8;

const scratch = new Float64Array(MAX_FACTOR);

function boundFactor(free: Float64Array, at: number, count: number, sign: number, out: Float64Array): void {
  for (let k = 0; k < count; k++) {
    const partial = Math.tanh(Math.max(-RIM, Math.min(RIM, free[at + k])));
    for (let i = 0; i < k; i++) scratch[i] = out[at + i] - partial * out[at + k - 1 - i];
    for (let i = 0; i < k; i++) out[at + i] = scratch[i];
    out[at + k] = partial;
  }
  if (sign < 0) for (let i = 0; i < count; i++) out[at + i] = -out[at + i];
}

/** Turns a free vector into parameters of a stationary, invertible model. */
export function bound({ p, q, P, Q }: ArimaOrder, free: Float64Array, out: Float64Array): void {
  boundFactor(free, 0, p, 1, out);
  boundFactor(free, p, q, -1, out);
  boundFactor(free, p + q, P, 1, out);
  boundFactor(free, p + q + P, Q, -1, out);
}

/**
 * Whether all roots of the factors lie outside the circle of radius `radius`, one factor at a time, in powers of their own lag.
 *
 * By the Schur-Cohn test: scaled by the radius, every partial autocorrelation of a factor is within (-1, 1).
 */
export function clearOfCircle({ p, q, P, Q }: ArimaOrder, parameters: Float64Array, radius: number): boolean {
  return (
    factorClear(parameters, 0, p, 1, radius) &&
    factorClear(parameters, p, q, -1, radius) &&
    factorClear(parameters, p + q, P, 1, radius) &&
    factorClear(parameters, p + q + P, Q, -1, radius)
  );
}

function factorClear(parameters: Float64Array, at: number, count: number, sign: number, radius: number): boolean {
  const a = new Float64Array(count);
  for (let i = 0, power = radius; i < count; i++, power *= radius) a[i] = sign * parameters[at + i] * power;
  for (let k = count - 1; k >= 0; k--) {
    const partial = a[k];
    if (!(Math.abs(partial) < 1)) return false;
    const scale = 1 / (1 - partial * partial);
    for (let i = 0; i < k; i++) scratch[i] = (a[i] + partial * a[k - 1 - i]) * scale;
    for (let i = 0; i < k; i++) a[i] = scratch[i];
  }
  return true;
}
