// Sums of decimals as text, exact: a replica that is added to for years must not gather binary fractions.

const shape = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

interface Decimal {
  readonly units: bigint;
  /** Digits after the point. */
  readonly scale: number;
}

function parse(text: string): Decimal | undefined {
  const match = shape.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  if (whole === "" && fraction === "") return undefined;
  const shift = Number(exponent);
  const scale = fraction.length - shift;
  const units = BigInt(`${whole}${fraction}`) * (scale < 0 ? 10n ** BigInt(-scale) : 1n);
  return { units: sign === "-" ? -units : units, scale: Math.max(0, scale) };
}

/** The sum of two decimals with the places of the longer one; empty counts as nothing, and the sum of two empty texts is empty. `undefined`: one is no number. */
export function addDecimals(a: string, b: string): string | undefined {
  if (a === "" || b === "") {
    const only = a === "" ? b : a;
    return only === "" || parse(only) !== undefined ? only : undefined;
  }
  const [left, right] = [parse(a), parse(b)];
  if (left === undefined || right === undefined) return undefined;
  const scale = Math.max(left.scale, right.scale);
  const units = left.units * 10n ** BigInt(scale - left.scale) + right.units * 10n ** BigInt(scale - right.scale);
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return units < 0n ? `-${text}` : text;
}

/** Whether two decimals are the same number. */
export function sameDecimal(a: string, b: string): boolean {
  const plain = b.replace(/^\+/, "");
  const sum = addDecimals(a, plain.startsWith("-") ? plain.slice(1) : `-${plain}`);
  return sum !== undefined && /^-?0*\.?0*$/.test(sum);
}
