/** One object in the watch cache: its bytes as they are served, parsed only when somebody asks. */
import type { KubeObject } from '../resources/meta.ts';
import type { Stored } from './storage.ts';
import {
  replaceApiVersion,
  respliceVersion,
  spliceVersion,
  unspliceVersion,
  type Versioned,
} from './stored-object.ts';

const noLabels: Readonly<Record<string, string>> = Object.freeze({});

/** Immutable to its readers: a change of the object is another `Entry`. */
export class Entry {
  readonly key: string;
  /** The revision of the last write; of the deletion in a DELETED event. */
  readonly revision: number;
  #versioned: Versioned;
  /** Weak: 10,000 parsed pods take 110 MB, their bytes 50 MB. */
  #object: WeakRef<KubeObject> | undefined;
  /** What the bytes were made from, if that is known: the same as parsing them, once it is settled. */
  #source: WeakRef<KubeObject> | undefined;
  #memos: Map<unknown, unknown> | undefined;

  private constructor(key: string, revision: number, versioned: Versioned) {
    this.key = key;
    this.revision = revision;
    this.#versioned = versioned;
  }

  /** Copies the value. Throws `SyntaxError` if the value is not the JSON of an object. */
  static from(stored: Stored): Entry {
    return new Entry(stored.key, stored.revision, spliceVersion(stored.value, stored.revision));
  }

  /** The value was encoded from this object, which nobody changes any more: as long as it lives nothing is parsed. */
  madeFrom(object: KubeObject): void {
    this.#source = new WeakRef(object);
  }

  /** The same state under another revision: what a DELETED event shows. */
  at(revision: number): Entry {
    return new Entry(this.key, revision, respliceVersion(this.#versioned, revision));
  }

  /** The bytes as stored (a copy, made on each call). */
  get value(): Buffer {
    return unspliceVersion(this.#versioned);
  }

  /** The length of `body()` in bytes. */
  get size(): number {
    return this.#versioned.bytes.length;
  }

  /** The object's JSON with `metadata.resourceVersion`; shared, not to be written to. */
  body(apiVersion?: string): Buffer {
    const { bytes } = this.#versioned;
    return apiVersion === undefined ? bytes : replaceApiVersion(bytes, apiVersion);
  }

  /** The parsed object with `metadata.resourceVersion`; deeply frozen and shared. */
  object(): KubeObject {
    const held = this.#object?.deref();
    if (held !== undefined) return held;
    const object = this.#settled() ?? freeze(JSON.parse(this.#versioned.bytes.toString()));
    this.#object = new WeakRef(object);
    return object;
  }

  /**
   * What `look` sees in the object, without keeping it parsed: of one just written nothing has to be made. `look` must not
   * change the object nor hand out parts of it.
   */
  peek<T extends string | number | boolean | undefined>(look: (object: KubeObject) => T): T {
    return look(this.#object?.deref() ?? this.#source?.deref() ?? this.object());
  }

  #settled(): KubeObject | undefined {
    const source = this.#source?.deref();
    this.#source = undefined;
    if (source === undefined || !isPlain(source)) return undefined;
    const metadata = { ...source.metadata, resourceVersion: String(this.revision) };
    return freeze({ ...source, metadata });
  }

  /** The object's labels, extracted once and kept: selectors over many entries do not parse again. */
  get labels(): Readonly<Record<string, string>> {
    return this.memo(labelsOf, labelsOf);
  }

  /** What `make` says of the object, worked out once for this entry. `key` names the question. */
  memo<T>(key: unknown, make: (object: KubeObject) => T): T {
    this.#memos ??= new Map();
    if (!this.#memos.has(key)) this.#memos.set(key, make(this.object()));
    return this.#memos.get(key) as T;
  }

  /** Makes the bytes a part of a larger buffer that holds a copy of them from `offset` on. */
  moveTo(buffer: Buffer, offset: number): void {
    const { bytes, at, length } = this.#versioned;
    this.#versioned = { bytes: buffer.subarray(offset, offset + bytes.length), at, length };
  }

  /** Makes the bytes a buffer of their own, so that this entry does not keep its neighbours' bytes alive. */
  detach(): void {
    const { bytes, at, length } = this.#versioned;
    if (bytes.buffer.byteLength === bytes.length) return;
    const own = Buffer.allocUnsafeSlow(bytes.length);
    bytes.copy(own);
    this.#versioned = { bytes: own, at, length };
  }
}

function labelsOf(object: KubeObject): Readonly<Record<string, string>> {
  return object.metadata.labels ?? noLabels;
}

/** Whether JSON gives it back as it is: a field without a value would be gone. */
function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isPlain);
  if (typeof value !== 'object' || value === null) return value !== undefined;
  for (const name in value) {
    if (!isPlain(value[name as keyof typeof value])) return false;
  }
  return true;
}

/** All but sets of fields, which are as large as all the rest and which nobody changes in place. */
function freeze<T extends object>(value: T): T {
  for (const name of Object.keys(value)) {
    const part: unknown = value[name as keyof T];
    if (typeof part !== 'object' || part === null || name === 'fieldsV1') continue;
    // What is frozen is a part of an object that was there before.
    if (!Object.isFrozen(part)) freeze(part);
  }
  return Object.freeze(value);
}
