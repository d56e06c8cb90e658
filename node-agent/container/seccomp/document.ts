/** The JSON of a profile file, checked and typed. Pure. */

import { isLeft } from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { actionNames, largestErrno } from './actions.ts';
import { architectures } from './architectures.ts';
import { filterFlagNames, operators } from './profile.ts';

/** The profile says what it may not; `problems` name the fields: `syscalls[3].args[0].op`. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}

const oneOf = <T extends string>(what: string, known: readonly T[]): t.Type<T> =>
  t.keyof(Object.fromEntries(known.map((name) => [name, null])) as Record<T, null>, what);

const whole = (what: string, largest: bigint) =>
  new t.Type<bigint, bigint, unknown>(
    what,
    (value): value is bigint => typeof value === 'bigint',
    (value, context) => {
      const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
      const number = isWhole ? BigInt(value as bigint | number) : -1n;
      return number < 0n || number > largest ? t.failure(value, context) : t.success(number);
    },
    (value) => value,
  );

// Go writes null for empty lists.
const nullable = <C extends t.Mixed>(codec: C) => t.union([codec, t.null, t.undefined]);

const ActionName = oneOf('an action', actionNames);
const Word = whole('a whole number of at most 64 bits', 2n ** 64n - 1n);
const Errno = nullable(whole(`an error number up to ${largestErrno}`, BigInt(largestErrno)));
const Names = t.array(t.string);
const ArchitectureName = oneOf('an architecture', Object.keys(architectures));
const Flag = oneOf('a flag', filterFlagNames);

const Argument = t.intersection([
  t.type({ index: whole('an argument from 0 to 5', 5n), op: oneOf('an operator', operators) }),
  t.partial({ value: Word, valueTwo: Word }),
]);

const Conditional = t.partial({
  caps: nullable(Names),
  arches: nullable(Names),
  minKernel: nullable(t.string),
});

const Syscall = t.intersection([
  t.type({ action: ActionName }),
  t.partial({
    names: nullable(Names),
    name: nullable(t.string),
    errnoRet: Errno,
    args: nullable(t.array(Argument)),
    includes: nullable(Conditional),
    excludes: nullable(Conditional),
  }),
]);

const Document = t.intersection([
  t.type({ defaultAction: ActionName }),
  t.partial({
    defaultErrnoRet: Errno,
    architectures: nullable(t.array(ArchitectureName)),
    archMap: nullable(
      t.array(
        t.intersection([
          t.type({ architecture: ArchitectureName }),
          t.partial({ subArchitectures: nullable(t.array(ArchitectureName)) }),
        ]),
      ),
    ),
    flags: nullable(t.array(Flag)),
    listenerPath: t.string,
    listenerMetadata: t.string,
    syscalls: nullable(t.array(Syscall)),
  }),
]);

/** `linux.seccomp` of the OCI runtime-spec with Docker's additions. */
export type Document = t.TypeOf<typeof Document>;
/** One of its rules. */
export type Syscall = t.TypeOf<typeof Syscall>;

/** Numbers that JavaScript would round come as bigint: masks use all 64 bits. */
export function parseJson(text: string): unknown {
  const parse = JSON.parse as (
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ) => unknown;
  return parse(text, (_, value, { source = '' }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^\d+$/.test(source)
      ? BigInt(source)
      : value,
  );
}

/** `syscalls[3].args[0].op`; steps into the members of an intersection or union are no fields. */
function pathOf(context: t.Context): string {
  const steps = context.filter(({ key }, index) => {
    const parent = context[index - 1]?.type as { readonly _tag?: string } | undefined;
    const composite = parent?._tag === 'IntersectionType' || parent?._tag === 'UnionType';
    return key !== '' && !composite;
  });
  return steps
    .map(({ key }) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`))
    .join('')
    .slice(1);
}

function show(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'bigint') return String(value);
  const plain = (_: string, part: unknown) => (typeof part === 'bigint' ? String(part) : part);
  return JSON.stringify(value, plain) ?? String(value);
}

/** Of the members of a union only the one that was meant has something to say. */
function problemOf({ context, value }: t.ValidationError): string | undefined {
  const expected = context.at(-1)?.type.name ?? '';
  if (expected === 'null' || expected === 'undefined') return;
  return `${pathOf(context) || 'the profile'}: expected ${expected}, found ${show(value)}`;
}

/** @throws ProfileError naming every field that is wrong */
export function decodeDocument(content: unknown): Document {
  const decoded = Document.decode(content);
  if (!isLeft(decoded)) return decoded.right;
  const problems = decoded.left.map(problemOf).filter((text) => text !== undefined);
  throw new ProfileError([...new Set(problems)]);
}
