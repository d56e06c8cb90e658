/**
 * The CRC-32 of two runs of bytes from those of each, without the bytes: appending `n` bytes multiplies the first
 * one's remainder by x^8n modulo the polynomial. Polynomials over GF(2) in reflected order: the highest bit is x^0.
 */
const polynomial = 0xedb88320;
const one = 0x80000000;

function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = one; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ polynomial;
  }
  return product >>> 0;
}

/** x^(8·2^k) modulo the polynomial, for each bit of a length in bytes. */
const powers: readonly number[] = (() => {
  const all = [one >>> 8];
  while (all.length < 32) {
    const last = all.at(-1) as number;
    all.push(multiply(last, last));
  }
  return all;
})();

/** The CRC of A followed by B, where B is `length` bytes (below 4 GiB). */
export function combineCrc(a: number, b: number, length: number): number {
  let shifted = a;
  for (let bit = 0, rest = length; rest > 0; bit++, rest >>>= 1) {
    if ((rest & 1) !== 0) shifted = multiply(powers[bit] as number, shifted);
  }
  return (shifted ^ b) >>> 0;
}
