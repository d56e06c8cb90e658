/** One signature as it was found beside an image, whatever the form it was stored in, and what it says it is about. */
import type { Digest } from '../digest.ts';
import type { LogEntry } from './transparency.ts';

export interface Evidence {
  /** For errors: where it was found. */
  readonly where: string;
  /** The bytes the signature is made over. */
  readonly signed: Buffer;
  readonly signature: Buffer;
  /** What a log's entry has the hash of: `signed`, or what an envelope holds. */
  readonly payload: Buffer;
  /** Manifests that the payload names. */
  readonly subjects: readonly Digest[];
  /** DER, the signer's first; empty when a key signed. */
  readonly certificates: readonly Buffer[];
  readonly entry?: LogEntry;
}

export type Fields = Readonly<Record<string, unknown>>;

/** The fields of what should be an object; none when it is not. */
export const fieldsIn = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};

/** The members of what should be a list; none when it is not. */
export const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Decodes base64; empty when it is no text. */
export const bytesIn = (value: unknown): Buffer =>
  Buffer.from(typeof value === 'string' ? value : '', 'base64');

/** @throws Error saying that `what` is not JSON */
export function jsonFields(bytes: Buffer | string, what: string): Fields {
  try {
    return fieldsIn(JSON.parse(bytes.toString()));
  } catch {
    throw new Error(`${what} is not JSON`);
  }
}
