/** The small types that config.json is made of; each name says what was expected. */

import * as t from 'io-ts';

/** A whole number within bounds; a larger one than JavaScript's comes as bigint and is refused. */
export const whole = (least: number, most: number, what = 'a whole number') =>
  new t.Type<number, number, unknown>(
    `${what} from ${least} to ${most}`,
    (value): value is number => typeof value === 'number',
    (value, context) =>
      typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
        ? t.success(value)
        : t.failure(value, context),
    t.identity,
  );

/** A whole number of 64 bits. */
export const word = (least: bigint, most: bigint) =>
  new t.Type<bigint, bigint, unknown>(
    `a whole number from ${least} to ${most}`,
    (value): value is bigint => typeof value === 'bigint',
    (value, context) => {
      const known = typeof value === 'bigint' || Number.isSafeInteger(value);
      const number = known ? BigInt(value as number | bigint) : most + 1n;
      return number >= least && number <= most ? t.success(number) : t.failure(value, context);
    },
    t.identity,
  );

/** Text that a rule lets through. */
export const text = (what: string, rule: (value: string) => boolean) =>
  new t.Type<string, string, unknown>(
    what,
    t.string.is,
    (value, context) =>
      typeof value === 'string' && rule(value) ? t.success(value) : t.failure(value, context),
    t.identity,
  );

const clean = (value: string): boolean => !value.includes('\0');

/** What system calls take: the kernel would cut it at a NUL. */
export const Text = text('text without NUL', clean);
export const Word = text('text that is not empty, without NUL', (s) => s !== '' && clean(s));
/** The kernel's PATH_MAX. */
const mostPathBytes = 4095;
export const Path = text(
  'a path',
  (s) => s !== '' && clean(s) && Buffer.byteLength(s) <= mostPathBytes,
);
export const AbsolutePath = text(
  'an absolute path',
  (s) => s.startsWith('/') && Path.is(s) && clean(s) && Buffer.byteLength(s) <= mostPathBytes,
);
export const Environment = text('NAME=value', (s) => /^[^=\0]+=[^\0]*$/s.test(s));

/** Beyond it programs and kernels disagree on the sign (CVE-2024-40635). */
export const Id = whole(0, 2 ** 31 - 1, 'an id');
export const U32 = whole(0, 2 ** 32 - 1);
export const U16 = whole(0, 2 ** 16 - 1);
export const I32 = whole(-(2 ** 31), 2 ** 31 - 1);
export const U64 = word(0n, 2n ** 64n - 1n);
export const I64 = word(-(2n ** 63n), 2n ** 63n - 1n);

export const oneOf = <T extends string>(...known: readonly T[]): t.Type<T> =>
  t.keyof(
    Object.fromEntries(known.map((name) => [name, null])) as Record<T, null>,
    `one of ${known.join(', ')}`,
  );

/** Go writes null for what is empty. */
export const nullable = <C extends t.Mixed>(codec: C) => t.union([codec, t.null, t.undefined]);
export const list = <C extends t.Mixed>(codec: C) =>
  nullable(t.array(codec, `a list of ${codec.name}`));
export const flag = nullable(t.boolean);
