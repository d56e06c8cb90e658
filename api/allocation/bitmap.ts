/** Which of a row of numbers are taken, in the bytes of Kubernetes' RangeAllocation (Go's `big.Int`, largest first). */
export class Bitmap {
  #bits: bigint;

  private constructor(bits: bigint) {
    this.#bits = bits;
  }

  /** From a RangeAllocation's `data`. */
  static decode(base64: string): Bitmap {
    const hex = Buffer.from(base64, 'base64').toString('hex');
    return new Bitmap(hex === '' ? 0n : BigInt(`0x${hex}`));
  }

  encode(): string {
    if (this.#bits === 0n) return '';
    const hex = this.#bits.toString(16);
    return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64');
  }

  has(index: number): boolean {
    return ((this.#bits >> BigInt(index)) & 1n) === 1n;
  }

  add(index: number): void {
    this.#bits |= 1n << BigInt(index);
  }

  remove(index: number): void {
    this.#bits &= ~(1n << BigInt(index));
  }
}
