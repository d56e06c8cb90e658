/** What sigstore's services do, in memory: an authority that certifies identities, a certificate log, a transparency log. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import * as der from '#api/pki/der.ts';

export interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export const ecPair = (): Pair => generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const pem = (key: KeyObject): string =>
  key.export({ type: 'spki', format: 'pem' }).toString();
const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });
const hash = (...parts: readonly Uint8Array[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest();

/** As sigstore signs: ECDSA and RSA over SHA-256, Ed25519 over the bytes. */
export function signed(bytes: Buffer, { privateKey }: Pair): Buffer {
  return sign(privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256', bytes, privateKey);
}

const certificatePem = (raw: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${raw.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`;

const ecdsa = der.sequence(der.oid('1.2.840.10045.4.3.2'));
const name = (text: string): Buffer =>
  der.sequence(der.set(der.sequence(der.oid('2.5.4.3'), der.utf8(text))));
const extension = (id: string, value: Buffer, critical = false): Buffer =>
  der.sequence(der.oid(id), ...(critical ? [der.boolean(true)] : []), der.octets(value));

interface Certified {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly from: Date;
  readonly to: Date;
  readonly extensions: readonly Buffer[];
}

function tbs({ subject, issuer, publicKey, from, to, extensions }: Certified): Buffer {
  return der.sequence(
    der.context(0, 'constructed', der.integer(Buffer.from([2]))),
    der.integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ecdsa,
    name(issuer),
    der.sequence(der.time(from), der.time(to)),
    name(subject),
    spki(publicKey),
    der.context(3, 'constructed', der.sequence(...extensions)),
  );
}

const YEAR_MS = 365 * 86_400_000;

export interface Holder {
  readonly issuer: string;
  readonly subject: string;
  readonly from?: Date;
  readonly minutes?: number;
  /** An authority's instead of a signer's, or for another use. */
  readonly usage?: string;
}

/** Gives certificates as Fulcio does; a certificate log promises to take them. */
export class Fulcio {
  readonly key = ecPair();
  readonly log = ecPair();
  readonly #root: Buffer;

  constructor() {
    const extensions = [
      extension('2.5.29.19', der.sequence(der.boolean(true)), true),
      extension('2.5.29.15', der.bits(Buffer.from([0x06]), 1), true),
    ];
    const now = Date.now();
    const body = tbs({
      subject: 'test root',
      issuer: 'test root',
      publicKey: this.key.publicKey,
      from: new Date(now - YEAR_MS),
      to: new Date(now + YEAR_MS),
      extensions,
    });
    this.#root = this.#finish(body);
  }

  get root(): string {
    return certificatePem(this.#root);
  }

  #finish(body: Buffer): Buffer {
    return der.sequence(body, ecdsa, der.bits(signed(body, this.key)));
  }

  certify(publicKey: KeyObject, holder: Holder): { readonly raw: Buffer; readonly pem: string } {
    const { issuer, subject, minutes = 10, usage = '1.3.6.1.5.5.7.3.3' } = holder;
    const from = holder.from ?? new Date(Date.now() - 60_000);
    const isMail = !subject.includes('://');
    const names = der.context(isMail ? 1 : 6, 'primitive', Buffer.from(subject));
    const extensions = [
      extension('2.5.29.15', der.bits(Buffer.from([0x80]), 7), true),
      extension('2.5.29.37', der.sequence(der.oid(usage))),
      extension('2.5.29.17', der.sequence(names), true),
      extension('1.3.6.1.4.1.57264.1.1', Buffer.from(issuer)),
      extension('1.3.6.1.4.1.57264.1.8', der.utf8(issuer)),
    ];
    const facts = { subject: 'sigstore', issuer: 'test root', publicKey, from };
    const given = { ...facts, to: new Date(from.getTime() + minutes * 60_000) };
    const before = tbs({ ...given, extensions });
    const promise = extension('1.3.6.1.4.1.11129.2.4.2', der.octets(this.#promise(before)));
    // The same certificate with the promise in it: serial number and all.
    const head = fields(before).slice(0, -1);
    const all = der.context(3, 'constructed', der.sequence(...extensions, promise));
    const raw = this.#finish(der.sequence(...head, all));
    return { raw, pem: certificatePem(raw) };
  }

  /** RFC 6962 3.2, in a list of one. */
  #promise(precertificate: Buffer): Buffer {
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(Date.now()));
    const { length } = precertificate;
    const entry = Buffer.concat([
      hash(spki(this.key.publicKey)),
      Buffer.from([length >> 16, (length >> 8) & 255, length & 255]),
      precertificate,
    ]);
    const text = Buffer.concat([
      Buffer.from([0, 0]),
      time,
      Buffer.from([0, 1]),
      entry,
      Buffer.alloc(2),
    ]);
    const signature = signed(text, this.log);
    const sct = Buffer.concat([
      Buffer.from([0]),
      hash(spki(this.log.publicKey)),
      time,
      Buffer.from([0, 0, 4, 3, signature.length >> 8, signature.length & 255]),
      signature,
    ]);
    const two = (n: number) => Buffer.from([n >> 8, n & 255]);
    return Buffer.concat([two(sct.length + 2), two(sct.length), sct]);
  }
}

/** The values a sequence holds. */
function fields(whole: Buffer): Buffer[] {
  const sizeOf = (at: Buffer): [number, number] => {
    const first = at[1] ?? 0;
    const count = first < 0x80 ? 0 : first & 0x7f;
    return [2 + count, count === 0 ? first : at.readUIntBE(2, count)];
  };
  let rest = whole.subarray(sizeOf(whole)[0]);
  const found: Buffer[] = [];
  while (rest.length > 0) {
    const [header, length] = sizeOf(rest);
    found.push(rest.subarray(0, header + length));
    rest = rest.subarray(header + length);
  }
  return found;
}

export interface RekorEntry {
  readonly body: Buffer;
  readonly integratedTime: number;
  readonly logIndex: number;
  readonly logId: Buffer;
  readonly promise: Buffer;
  readonly proof: {
    readonly treeSize: number;
    readonly root: Buffer;
    readonly hashes: readonly Buffer[];
    readonly checkpoint: string;
  };
}

/** Takes entries as Rekor does. */
export class Rekor {
  readonly key = ecPair();
  readonly #leaves: Buffer[] = [];

  constructor(others = 5) {
    for (let i = 0; i < others; i++)
      this.#leaves.push(hash(Buffer.from([0]), Buffer.from(`other ${i}`)));
  }

  add(value: object, at = new Date()): RekorEntry {
    const body = Buffer.from(JSON.stringify(value));
    const logIndex = this.#leaves.push(hash(Buffer.from([0]), body)) - 1;
    // Others come after it.
    this.#leaves.push(hash(Buffer.from([0]), randomBytes(8)));
    const logId = hash(spki(this.key.publicKey));
    const integratedTime = Math.floor(at.getTime() / 1000);
    const fields = {
      body: body.toString('base64'),
      integratedTime,
      logID: logId.toString('hex'),
      logIndex,
    };
    const promise = signed(Buffer.from(JSON.stringify(fields)), this.key);
    const root = this.#root(0, this.#leaves.length);
    const treeSize = this.#leaves.length;
    const text = `rekor.test - 1\n${treeSize}\n${root.toString('base64')}\n`;
    const line = Buffer.concat([logId.subarray(0, 4), signed(Buffer.from(text), this.key)]);
    const checkpoint = `${text}\n\u2014 rekor.test ${line.toString('base64')}\n`;
    const hashes = this.#path(logIndex, 0, treeSize);
    return {
      body,
      integratedTime,
      logIndex,
      logId,
      promise,
      proof: { treeSize, root, hashes, checkpoint },
    };
  }

  /** RFC 6962 2.1: the largest power of two below the size splits the tree. */
  #split(size: number): number {
    return 2 ** Math.floor(Math.log2(size - 1));
  }

  #root(from: number, to: number): Buffer {
    if (to - from === 1) return this.#leaves[from] as Buffer;
    const middle = from + this.#split(to - from);
    return hash(Buffer.from([1]), this.#root(from, middle), this.#root(middle, to));
  }

  #path(index: number, from: number, to: number): Buffer[] {
    if (to - from === 1) return [];
    const middle = from + this.#split(to - from);
    return index < middle
      ? [...this.#path(index, from, middle), this.#root(middle, to)]
      : [...this.#path(index, middle, to), this.#root(from, middle)];
  }
}
