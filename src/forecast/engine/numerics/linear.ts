// Dense linear algebra in small: Cholesky factors and least squares.
//
// Owns: solving. Does not own: what is regressed on what, nor how good the fit is.
//   Matrices are flat Float64Arrays. Symmetric ones are n x n; a design matrix is column after column: entry (row, column) is `x[column * rows + row]`.
// Positional parameters stay in inner loops: an object for every call cost 11 % of CPU (decisions/typescript.md).

/**
 * Replaces the lower triangle of a symmetric positive definite n x n matrix by its Cholesky factor L, A = L L', in place.
 *
 * False when a pivot is not above `tolerance` times its diagonal entry: A is then not positive definite, and its content is spoilt. The upper
 * triangle is left alone. Cost: n^3 / 6 multiplications (Golub & Van Loan 2013, algorithm 4.2.1).
 */
export function cholesky(a: Float64Array, n: number, tolerance = 1e-14): boolean {
  for (let j = 0; j < n; j++) {
    const row = j * n;
    const diagonal = a[row + j];
    let pivot = diagonal;
    for (let k = 0; k < j; k++) pivot -= a[row + k] * a[row + k];
    if (!(pivot > tolerance * Math.abs(diagonal))) return false;
    const root = Math.sqrt(pivot);
    a[row + j] = root;
    const scale = 1 / root;
    for (let i = j + 1; i < n; i++) {
      const other = i * n;
      let sum = a[other + j];
      for (let k = 0; k < j; k++) sum -= a[other + k] * a[row + k];
      a[other + j] = sum * scale;
    }
  }
  return true;
}

/** Solves L L' x = b in place of `b`, given the factor that `cholesky` left in the lower triangle of `l`. */
export function solveCholesky(l: Float64Array, n: number, b: Float64Array): void {
  for (let i = 0; i < n; i++) {
    let sum = b[i];
    for (let k = 0; k < i; k++) sum -= l[i * n + k] * b[k];
    b[i] = sum / l[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = b[i];
    for (let k = i + 1; k < n; k++) sum -= l[k * n + i] * b[k];
    b[i] = sum / l[i * n + i];
  }
}

/** A least-squares fit. */
export interface LeastSquares {
  /** One per column; 0 for a column that adds nothing to those before it. */
  readonly coefficients: Float64Array;
  /** y - X b; length: rows. */
  readonly residuals: Float64Array;
  /** Sum of squared residuals. */
  readonly squares: number;
  /** Columns that carry a coefficient, ascending. */
  readonly kept: readonly number[];
  /** Upper triangle R of X = QR over the kept columns, kept.length x kept.length, entry (i, j) at `[i * kept.length + j]`; (X'X)^-1 = R^-1 R^-T. */
  readonly r: Float64Array;
}

/**
 * Least squares by Householder QR (Golub & Van Loan 2013, section 5.3), in the order of the columns.
 *
 * A column of which less than `tolerance` of its length is left after those before it gets coefficient 0 and is not in `kept`: constant and
 * collinear columns do no harm. `x` is `rows * columns` numbers, column after column; all must be finite. `weights`, one per row, are those of
 * the squares. `ridge` (one per column) adds ridge[j] * b[j]^2 to what is minimised. Inputs are not changed. Cost: 2 rows columns^2.
 */
export function leastSquares(
  x: Float64Array,
  rows: number,
  columns: number,
  y: Float64Array,
  options: { readonly weights?: Float64Array; readonly ridge?: Float64Array; readonly tolerance?: number } = {},
): LeastSquares {
  const { weights, ridge, tolerance = 1e-9 } = options;
  // A ridge is one more row a column: sqrt(ridge) b = 0.
  const height = ridge === undefined ? rows : rows + columns;
  const a = new Float64Array(height * columns);
  const b = new Float64Array(height);
  for (let i = 0; i < rows; i++) b[i] = weights === undefined ? y[i] : y[i] * Math.sqrt(weights[i]);
  for (let j = 0; j < columns; j++) {
    const base = j * height;
    for (let i = 0; i < rows; i++) a[base + i] = weights === undefined ? x[j * rows + i] : x[j * rows + i] * Math.sqrt(weights[i]);
    if (ridge !== undefined) a[base + rows + j] = Math.sqrt(ridge[j]);
  }
  const kept: number[] = [];
  const factors: Float64Array[] = [];
  for (let j = 0; j < columns && kept.length < height; j++) {
    const base = j * height;
    const step = kept.length;
    let whole = 0;
    for (let i = 0; i < height; i++) whole += a[base + i] * a[base + i];
    let left = 0;
    for (let i = step; i < height; i++) left += a[base + i] * a[base + i];
    if (!(left > tolerance * tolerance * whole)) continue;
    const length = Math.sqrt(left);
    const head = a[base + step];
    const diagonal = head > 0 ? -length : length;
    // The reflector v stands where the column was; v'v / 2 = length (length + |head|).
    a[base + step] = head - diagonal;
    const scale = 1 / (length * (length + Math.abs(head)));
    for (let c = j + 1; c < columns; c++) reflect(a, base, a, c * height, step, height, scale);
    reflect(a, base, b, 0, step, height, scale);
    const column = new Float64Array(step + 1);
    for (let i = 0; i < step; i++) column[i] = a[base + i];
    column[step] = diagonal;
    factors.push(column);
    kept.push(j);
  }
  const rank = kept.length;
  const r = new Float64Array(rank * rank);
  for (let j = 0; j < rank; j++) for (let i = 0; i <= j; i++) r[i * rank + j] = factors[j][i];
  const coefficients = new Float64Array(columns);
  for (let i = rank - 1; i >= 0; i--) {
    let sum = b[i];
    for (let j = i + 1; j < rank; j++) sum -= r[i * rank + j] * coefficients[kept[j]];
    coefficients[kept[i]] = sum / r[i * rank + i];
  }
  const residuals = new Float64Array(rows);
  let squares = 0;
  for (let i = 0; i < rows; i++) {
    let sum = y[i];
    for (const j of kept) sum -= x[j * rows + i] * coefficients[j];
    residuals[i] = sum;
    squares += (weights === undefined ? 1 : weights[i]) * sum * sum;
  }
  return { coefficients, residuals, squares, kept, r };
}

/** Applies I - scale v v' to the part from `step` on of one column. */
function reflect(v: Float64Array, vBase: number, target: Float64Array, base: number, step: number, height: number, scale: number): void {
  let sum = 0;
  for (let i = step; i < height; i++) sum += v[vBase + i] * target[base + i];
  sum *= scale;
  for (let i = step; i < height; i++) target[base + i] -= sum * v[vBase + i];
}
