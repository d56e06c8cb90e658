/** What is wrong in a document that a stranger wrote, told by field. Pure. */

import { isLeft } from 'fp-ts/lib/Either.js';
import type * as t from 'io-ts';

export interface Problem {
  /** `process.user.uid` */
  readonly path: string;
  readonly message: string;
}

/** A document says what it may not. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];
  constructor(document: string, problems: readonly Problem[]) {
    const lines = problems.map(({ path, message }) => `${path}: ${message}`);
    super(`${document}: ${lines.join('; ')}`);
    this.problems = problems;
  }
}

/** A number as nobody writes an integer (`1e9`, `0.5`): it stays as it was written and is refused where it stands. */
export class OddNumber {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/**
 * JSON in which whole numbers beyond JavaScript's are bigint.
 * @throws ConfigError for what is no JSON, or an object
 */
export function parseDocument(document: string, text: string): unknown {
  const revive: Reviver = (_, value, { source = '' }) => {
    if (typeof value !== 'number') return value;
    if (!/^-?\d+$/.test(source)) return new OddNumber(source);
    return Number.isSafeInteger(value) ? value : BigInt(source);
  };
  let content: unknown;
  try {
    content = (JSON.parse as (text: string, reviver: Reviver) => unknown)(text, revive);
  } catch (cause) {
    const message = `not JSON: ${(cause as Error).message}`;
    throw new ConfigError(document, [{ path: 'line', message }]);
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content;
  throw new ConfigError(document, [{ path: 'content', message: 'expected an object' }]);
}

/** Numbers that JSON has no way for, inside of other things. */
function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof OddNumber ? value.source : value;
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value instanceof OddNumber) return value.source;
  if (typeof value === 'bigint') return String(value);
  const text = JSON.stringify(value, plain) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** Steps into the members of an intersection or union are no fields. */
function pathOf(context: t.Context): string {
  const steps = context.filter(({ key }, index) => {
    const parent = context[index - 1]?.type as { readonly _tag?: string } | undefined;
    return key !== '' && parent?._tag !== 'IntersectionType' && parent?._tag !== 'UnionType';
  });
  return steps
    .map(({ key }) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`))
    .join('')
    .slice(1);
}

/** Of the members of a union only the one that was meant has something to say. */
function problemOf({ context, value }: t.ValidationError): Problem | undefined {
  const expected = context.at(-1)?.type.name ?? '';
  if (expected === 'null' || expected === 'undefined') return;
  return { path: pathOf(context), message: `expected ${expected}, found ${show(value)}` };
}

/** @throws ConfigError naming every field that is wrong */
export function decodeAs<A>(
  codec: t.Decoder<unknown, A>,
  document: string,
  content: unknown,
  at = '',
): A {
  const decoded = codec.decode(content);
  if (!isLeft(decoded)) return decoded.right;
  const problems = decoded.left.map(problemOf).filter((problem) => problem !== undefined);
  const placed = problems.map(({ path, message }) => ({
    path: at === '' ? path : `${at}${path === '' || path.startsWith('[') ? '' : '.'}${path}`,
    message,
  }));
  throw new ConfigError(document, placed);
}
