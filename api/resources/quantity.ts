/**
 * Kubernetes' quantities (`500m`, `1.5Gi`, `2e3`) as exact numbers.
 *
 * A quantity is a whole number of nano units: finer digits are rounded up, away from zero, as apimachinery's
 * `resource.Quantity` does. It remembers which family of suffixes it was written with, because its canonical text
 * stays in that family.
 */

export interface Quantity {
  /** The amount in 10^-9 units. */
  readonly nano: bigint;
  readonly format: 'DecimalSI' | 'BinarySI' | 'DecimalExponent';
}

/** The text is not a quantity; the message is Kubernetes'. */
export class InvalidQuantity extends Error {
  override readonly name = 'InvalidQuantity';
}

const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const NANO = 1_000_000_000n;
const PATTERN = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/;
/** Amounts beyond the signed 64-bit range are capped, as apimachinery caps them. */
const MAX = (2n ** 63n - 1n) * NANO;
const MAX_DIGITS = 128;

const wrongForm = (): InvalidQuantity =>
  new InvalidQuantity(
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  );
const wrongSuffix = (): InvalidQuantity => new InvalidQuantity("unable to parse quantity's suffix");

/** The suffix as a factor: `times` × 10^`tens`. */
function factorOf(suffix: string): { times: bigint; tens: number; format: Quantity['format'] } {
  const binary = suffix === '' ? -1 : BINARY.indexOf(suffix);
  if (binary > 0) return { times: 1024n ** BigInt(binary), tens: 0, format: 'BinarySI' };
  const decimal = DECIMAL.indexOf(suffix);
  if (decimal >= 0) return { times: 1n, tens: (decimal - 3) * 3, format: 'DecimalSI' };
  const exponent = /^[eE]([-+]?\d{1,4})$/.exec(suffix);
  if (exponent === null) throw wrongSuffix();
  return { times: 1n, tens: Number(exponent[1]), format: 'DecimalExponent' };
}

function divideUp(amount: bigint, by: bigint): bigint {
  const whole = amount / by;
  return whole * by === amount ? whole : whole + 1n;
}

function scaled(digits: bigint, tens: number): bigint {
  if (tens >= 0) return digits === 0n ? 0n : digits * 10n ** BigInt(Math.min(tens, 200));
  if (tens < -400) return digits === 0n ? 0n : 1n;
  return divideUp(digits, 10n ** BigInt(-tens));
}

/** The same few texts come again and again (`100m`, `1Gi`); strangers may send any, so it is bounded. */
const parsedTexts = new Map<string, Quantity>();
const PARSED_TEXTS = 1000;

/**
 * Reads a quantity; a number means as many whole units (JSON and YAML may write `cpu: 2`).
 * @throws InvalidQuantity
 */
export function parseQuantity(text: string | number): Quantity {
  const key = String(text);
  const known = parsedTexts.get(key);
  if (known !== undefined) return known;
  const quantity = readQuantity(key);
  if (parsedTexts.size >= PARSED_TEXTS) parsedTexts.clear();
  parsedTexts.set(key, quantity);
  return quantity;
}

function readQuantity(text: string): Quantity {
  const match = PATTERN.exec(text.trim());
  if (match === null) throw wrongForm();
  const [, sign, whole = '', fraction = '', suffix = ''] = match;
  if (whole === '' && fraction === '') throw wrongForm();
  if (whole.length + fraction.length > MAX_DIGITS) throw wrongForm();
  const { times, tens, format } = factorOf(suffix);
  const digits = BigInt(`${whole}${fraction}`) * times;
  const nano = scaled(digits, tens + 9 - fraction.length);
  const capped = nano > MAX ? MAX : nano;
  return { nano: sign === '-' ? -capped : capped, format };
}

function binaryText(units: bigint): string {
  let amount = units;
  let step = 0;
  while (amount !== 0n && amount % 1024n === 0n && step < BINARY.length - 1) {
    amount /= 1024n;
    step += 1;
  }
  return `${amount}${BINARY[step]}`;
}

function decimalText(nano: bigint, format: Quantity['format']): string {
  let amount = nano;
  let step = 0;
  while (amount !== 0n && amount % 1000n === 0n && step < DECIMAL.length - 1) {
    amount /= 1000n;
    step += 1;
  }
  if (amount === 0n) return '0';
  if (format === 'DecimalSI') return `${amount}${DECIMAL[step]}`;
  const exponent = (step - 3) * 3;
  return exponent === 0 ? String(amount) : `${amount}e${exponent}`;
}

/** The canonical text: no fraction, the largest suffix that keeps it whole (`1.5Gi` → `1536Mi`, `0.5` → `500m`). */
export function formatQuantity(quantity: Quantity): string {
  const { nano, format } = quantity;
  const small = nano > -1024n * NANO && nano < 1024n * NANO;
  if (format !== 'BinarySI' || small || nano % NANO !== 0n) {
    return decimalText(nano, format === 'BinarySI' ? 'DecimalSI' : format);
  }
  return binaryText(nano / NANO);
}

type Amount = Quantity | string | number;

const quantityOf = (amount: Amount): Quantity =>
  typeof amount === 'object' ? amount : parseQuantity(amount);

function roundedUp(nano: bigint, unit: bigint): number {
  return Number(nano < 0n ? -divideUp(-nano, unit) : divideUp(nano, unit));
}

/** Whole units, rounded up: bytes of memory, numbers of pods. Exact to 2^53. @throws InvalidQuantity */
export function value(amount: Amount): number {
  return roundedUp(quantityOf(amount).nano, NANO);
}

/** Thousandths, rounded up: CPU millis. Exact to 2^53. @throws InvalidQuantity */
export function milliValue(amount: Amount): number {
  return roundedUp(quantityOf(amount).nano, 1_000_000n);
}

/** -1, 0 or 1 as `a` is less than, equal to or more than `b`. @throws InvalidQuantity */
export function compareQuantities(a: Amount, b: Amount): number {
  const [x, y] = [quantityOf(a).nano, quantityOf(b).nano];
  if (x === y) return 0;
  return x < y ? -1 : 1;
}

/** The sum, written in `a`'s family of suffixes (in `b`'s if `a` is zero). @throws InvalidQuantity */
export function addQuantities(a: Amount, b: Amount): Quantity {
  const [x, y] = [quantityOf(a), quantityOf(b)];
  return { nano: x.nano + y.nano, format: x.nano === 0n ? y.format : x.format };
}

/** `a` less `b`. @throws InvalidQuantity */
export function subtractQuantities(a: Amount, b: Amount): Quantity {
  const y = quantityOf(b);
  return addQuantities(a, { nano: -y.nano, format: y.format });
}

/** The canonical text of a text: `0.5` → `500m`. @throws InvalidQuantity */
export function canonicalQuantity(text: string | number): string {
  return formatQuantity(parseQuantity(text));
}
