/**
 * How an object stands in the store: JSON without `metadata.resourceVersion` (the store's own revision is that), with
 * the head `{"kind":…,"apiVersion":…,"metadata":{` as kube-apiserver writes it. The fixed head is what lets the version
 * be put in at a known place, so that reads are served without parsing.
 */
import type { KubeObject } from '../resources/meta.ts';

const head = /^\{"kind":"[^"\\]*","apiVersion":"([^"\\]*)","metadata":\{/;
/** Longer than any head: kind and apiVersion are DNS names. */
const headLengthMax = 1024;
const closingBrace = 0x7d;

/** The bytes to store. Drops `metadata.resourceVersion`; the order of all other fields stays. */
export function encodeStored(object: KubeObject): Buffer {
  const { kind, apiVersion, metadata, ...rest } = object;
  const { resourceVersion: _, ...kept } = metadata;
  return Buffer.from(JSON.stringify({ kind, apiVersion, metadata: kept, ...rest }));
}

/**
 * The object of a stored value, with its revision as `metadata.resourceVersion`.
 *
 * Throws `SyntaxError` if the value is not JSON.
 */
export function decodeStored(stored: {
  readonly value: Buffer;
  readonly revision: number;
}): KubeObject {
  const object = JSON.parse(stored.value.toString()) as KubeObject;
  object.metadata.resourceVersion = String(stored.revision);
  return object;
}

/** A value with its revision spliced in: what an API response carries. */
export interface Versioned {
  readonly bytes: Buffer;
  /** Where `"resourceVersion":…` starts in `bytes`. */
  readonly at: number;
  /** Its length, with the comma if one follows. */
  readonly length: number;
}

/**
 * Splices `"resourceVersion":"<revision>"` in right after `"metadata":{`. A value with another head (written by a
 * program that orders fields differently) is re-encoded first.
 *
 * Throws `SyntaxError` if such a value is not the JSON of an object.
 */
export function spliceVersion(value: Buffer, revision: number): Versioned {
  const length = headOf(value)?.length;
  if (length === undefined) return spliceVersion(reencode(value), revision);
  return join(value.subarray(0, length), value.subarray(length), revision);
}

/** The same object at another revision. */
export function respliceVersion(versioned: Versioned, revision: number): Versioned {
  const { bytes, at, length } = versioned;
  return join(bytes.subarray(0, at), bytes.subarray(at + length), revision);
}

/** The bytes as they are in the store: `spliceVersion` undone. */
export function unspliceVersion({ bytes, at, length }: Versioned): Buffer {
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
}

/** Bytes that start with a canonical head, with another `apiVersion` in it. */
export function replaceApiVersion(bytes: Buffer, apiVersion: string): Buffer {
  const found = headOf(bytes);
  if (found === undefined || found.apiVersion === apiVersion) return bytes;
  const end = found.length - '","metadata":{'.length;
  const start = end - found.apiVersion.length;
  return Buffer.concat([
    bytes.subarray(0, start),
    Buffer.from(apiVersion, 'latin1'),
    bytes.subarray(end),
  ]);
}

function headOf(bytes: Buffer): { length: number; apiVersion: string } | undefined {
  const found = head.exec(bytes.toString('latin1', 0, headLengthMax));
  return found === null ? undefined : { length: found[0].length, apiVersion: found[1] ?? '' };
}

function join(before: Buffer, after: Buffer, revision: number): Versioned {
  const comma = after[0] === closingBrace ? '' : ',';
  const field = `"resourceVersion":"${revision}"${comma}`;
  // Not from Node's shared pool: one long-lived object would keep a whole pool page of others alive.
  const bytes = Buffer.allocUnsafeSlow(before.length + field.length + after.length);
  before.copy(bytes);
  bytes.write(field, before.length, 'latin1');
  after.copy(bytes, before.length + field.length);
  return { bytes, at: before.length, length: field.length };
}

function reencode(value: Buffer): Buffer {
  const object: unknown = JSON.parse(value.toString());
  if (!isKubeObject(object)) throw new SyntaxError('the value is not an object with metadata');
  return encodeStored(object);
}

function isKubeObject(value: unknown): value is KubeObject {
  if (typeof value !== 'object' || value === null || !('metadata' in value)) return false;
  const plain = value as Partial<KubeObject>;
  return (
    /^[^"\\]+$/.test(`${plain.kind}${plain.apiVersion}`) &&
    typeof plain.kind === 'string' &&
    typeof plain.apiVersion === 'string' &&
    typeof plain.metadata === 'object' &&
    plain.metadata !== null
  );
}
