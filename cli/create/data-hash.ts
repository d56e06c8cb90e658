/** `--append-hash`: a name that changes with the content. */
import { createHash } from 'node:crypto';
import { toJson } from '../documents/go-text.ts';
import type { Draft } from './kind.ts';

/** Digits and vowels that could spell a word are others. */
const letters: Readonly<Record<string, string>> = { '0': 'g', '1': 'h', '3': 'k', a: 'm', e: 't' };

/** The same object under its name with a hash, made of the fields that kubectl hashes. */
export function withHash<T extends Draft>(object: T, fields: readonly string[]): T {
  const content = { ...object, name: object.metadata.name } as Record<string, unknown>;
  const hashed = Object.fromEntries(fields.map((field) => [field, content[field]]));
  const hex = createHash('sha256').update(toJson(hashed, 0)).digest('hex').slice(0, 10);
  const hash = [...hex].map((letter) => letters[letter] ?? letter).join('');
  return { ...object, metadata: { ...object.metadata, name: `${object.metadata.name}-${hash}` } };
}
