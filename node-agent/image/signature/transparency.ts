/**
 * Entries of a transparency log (Rekor), checked without asking it: that the log has promised to take the entry (the signed
 * entry timestamp), that it holds it (RFC 6962 inclusion in a signed checkpoint), and that it is about this signature.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { bytesIn, type Fields, fieldsIn } from './evidence.ts';
import { isSignedBy, spki } from './keys.ts';

export interface LogEntry {
  /** JSON in the log's canonical form. */
  readonly body: Buffer;
  /** Seconds since 1970; 0 when the log does not say. */
  readonly integratedTime: number;
  readonly logIndex: number;
  /** SHA-256 of the log's key, in hexadecimal. */
  readonly logId: string;
  readonly promise?: Buffer;
  readonly proof?: InclusionProof;
}

export interface InclusionProof {
  /** In the tree of the checkpoint; a log's shards count anew. */
  readonly index: number;
  readonly treeSize: number;
  readonly rootHash: Buffer;
  readonly hashes: readonly Buffer[];
  /** A signed note: origin, size, root. */
  readonly checkpoint: string;
}

/** What an entry must be about. */
export interface Logged {
  readonly signature: Buffer;
  /** The bytes that were signed, or for an envelope its payload. */
  readonly payload: Buffer;
  /** Each form of the verifier that entries may hold: DER of a key or a certificate. */
  readonly verifiers: readonly Buffer[];
}

const sha256 = (...parts: readonly Buffer[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest();

/** Why the entry proves nothing; undefined when one of the logs vouches for it. */
export function doubt(
  entry: LogEntry,
  logged: Logged,
  logs: readonly KeyObject[],
): string | undefined {
  const log = logs.find((key) => sha256(spki(key)).toString('hex') === entry.logId);
  if (log === undefined)
    return `the policy does not know the transparency log ${entry.logId.slice(0, 16)}…`;
  if (entry.promise === undefined && entry.proof === undefined) {
    return 'its entry in the transparency log has neither a promise nor a proof';
  }
  if (entry.promise !== undefined && !isPromised(entry, entry.promise, log)) {
    return 'the promise of the transparency log is not signed by it';
  }
  const unproved = entry.proof && disproof(entry.body, entry.proof, log);
  if (unproved !== undefined) return unproved;
  // Without a promise nothing signs the time: a checkpoint does not hold it.
  if (entry.promise === undefined && entry.integratedTime !== 0) {
    return 'nothing signs the time of its entry in the transparency log';
  }
  return mismatch(entry.body, logged);
}

/** Signed is the canonical JSON (RFC 8785) of these four. */
function isPromised(
  { body, integratedTime, logId, logIndex }: LogEntry,
  promise: Buffer,
  log: KeyObject,
) {
  const fields = { body: body.toString('base64'), integratedTime, logID: logId, logIndex };
  return isSignedBy(log, Buffer.from(JSON.stringify(fields)), promise);
}

function disproof(body: Buffer, proof: InclusionProof, log: KeyObject): string | undefined {
  const root = rootFrom(body, proof);
  if (root === undefined || !root.equals(proof.rootHash)) {
    return 'the proof does not lead from its entry to the root of the transparency log';
  }
  const found = readCheckpoint(proof.checkpoint, log);
  if (found === undefined) return 'the checkpoint of the transparency log is not signed by it';
  if (found.size === proof.treeSize && found.root.equals(root)) return undefined;
  return 'the checkpoint of the transparency log is of another tree';
}

/** RFC 9162 2.1.3.2. undefined: the proof has the wrong length. */
function rootFrom(body: Buffer, { index, treeSize, hashes }: InclusionProof): Buffer | undefined {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(treeSize))) return undefined;
  if (index < 0 || index >= treeSize || hashes.length > 64) return undefined;
  let [fn, sn] = [BigInt(index), BigInt(treeSize) - 1n];
  let hash = sha256(Buffer.from([0]), body);
  for (const other of hashes) {
    if (sn === 0n) return undefined;
    if ((fn & 1n) === 1n || fn === sn) {
      hash = sha256(Buffer.from([1]), other, hash);
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      hash = sha256(Buffer.from([1]), hash, other);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n ? hash : undefined;
}

/** A signed note (C2SP signed-note): text, an empty line, lines `— name base64(key hint, signature)`. */
function readCheckpoint(note: string, log: KeyObject): { size: number; root: Buffer } | undefined {
  const end = note.indexOf('\n\n');
  if (end === -1) return undefined;
  const text = note.slice(0, end + 1);
  const [, size = '', root = ''] = text.split('\n');
  const signatures = note.slice(end + 2).matchAll(/^\u2014 \S+ ([A-Za-z0-9+/=]+)$/gmu);
  for (const [, signature = ''] of signatures) {
    const bytes = Buffer.from(signature, 'base64');
    if (isSignedBy(log, Buffer.from(text), bytes.subarray(4))) {
      return { size: Number(size), root: Buffer.from(root, 'base64') };
    }
  }
  return undefined;
}

interface Facts {
  readonly signatures: readonly Buffer[];
  readonly verifiers: readonly Buffer[];
  /** SHA-256 in hexadecimal. */
  readonly payloadHash: string;
}

/** An entry about something else vouches for nothing. */
function mismatch(body: Buffer, { signature, payload, verifiers }: Logged): string | undefined {
  const facts = factsOf(body);
  if (facts === undefined) return 'its entry in the transparency log is of an unknown kind';
  const isSame =
    facts.payloadHash === sha256(payload).toString('hex') &&
    facts.signatures.some((each) => each.equals(signature)) &&
    facts.verifiers.some((each) => verifiers.some((verifier) => verifier.equals(each)));
  return isSame ? undefined : 'its entry in the transparency log is about another signature';
}

/** The kinds that signers of images write: `hashedrekord` for payloads, `dsse` for envelopes (rekor, pkg/types). */
function factsOf(body: Buffer): Facts | undefined {
  let entry: Fields;
  try {
    entry = fieldsIn(JSON.parse(body.toString('utf8')));
  } catch {
    return undefined;
  }
  const spec = fieldsIn(entry['spec']);
  if (entry['kind'] === 'hashedrekord' && entry['apiVersion'] === '0.0.1') {
    const { content, publicKey } = fieldsIn(spec['signature']);
    return {
      signatures: [bytesIn(content)],
      verifiers: [derIn(fieldsIn(publicKey)['content'])],
      payloadHash: String(fieldsIn(fieldsIn(spec['data'])['hash'])['value']),
    };
  }
  if (entry['kind'] === 'dsse' && entry['apiVersion'] === '0.0.1') {
    const signatures = [spec['signatures'] ?? []].flat().map(fieldsIn);
    return {
      signatures: signatures.map((each) => bytesIn(each['signature'])),
      verifiers: signatures.map((each) => derIn(each['verifier'])),
      payloadHash: String(fieldsIn(spec['payloadHash'])['value']),
    };
  }
  return undefined;
}

/** base64 of PEM: a key or a certificate. */
function derIn(value: unknown): Buffer {
  const pem = bytesIn(value).toString('latin1');
  return Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64');
}
