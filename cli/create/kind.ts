/** What the forms of `bay create KIND` have in common. */
import type { RemoteClient } from '#api/client/client.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import { UsageError } from '../arguments.ts';
import type { Flags, Values } from '../documents/flags.ts';

/** An object before it has been sent. */
export interface Draft {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** A command line after it has been read. */
export interface Line<T extends Flags> {
  readonly name: string;
  readonly values: Values<T>;
  /** After `--`. */
  readonly command: readonly string[];
  readonly namespace: string | undefined;
  /** For the few kinds that must ask the server before they know what to make. */
  readonly client: () => Promise<RemoteClient>;
}

/** One kind: its own flags, and the object that they describe. */
export interface CreateKind<T extends Flags = Flags> {
  readonly type: ResourceType;
  readonly flags: T;
  /** Of these each must be given. */
  readonly required?: readonly string[];
  make(line: Line<T>): Draft | Promise<Draft>;
}

/** Checks that `make` reads no flag but its own. */
export const kindOf = <const T extends Flags>(kind: CreateKind<T>): CreateKind =>
  kind as unknown as CreateKind;

/** `--verb get,list --verb watch`: a list with commas, as often as one likes. */
export const listOf = (values: readonly string[] | undefined): string[] =>
  (values ?? []).flatMap((value) => value.split(','));

/** @throws UsageError in kubectl's words */
export function oneName(words: readonly string[], command: string): string {
  const [name] = words;
  if (name !== undefined && words.length === 1) return name;
  throw new UsageError(
    `exactly one NAME is required, got ${words.length}; see 'bay help ${command}'`,
  );
}

/** @throws UsageError that names the flags that are missing, in kubectl's words */
export function needFlags(values: object, required: readonly string[] = []): void {
  const missing = required.filter((flag) => !Object.hasOwn(values, flag));
  if (missing.length === 0) return;
  throw new UsageError(`required flag(s) ${missing.map((flag) => `"${flag}"`).join(', ')} not set`);
}
