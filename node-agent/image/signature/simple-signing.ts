/**
 * Signatures as layers of the tag `sha256-<hex>.sig` (cosign, specs/SIGNATURE_SPEC.md): each layer is a payload in Red
 * Hat's "simple signing" form, its annotations hold the signature and, for keyless ones, certificates and the log's entry.
 */
import { X509Certificate } from 'node:crypto';
import { type Digest, isDigest } from '../digest.ts';
import { bytesIn, type Evidence, type Fields, fieldsIn, jsonFields } from './evidence.ts';
import { pemBlocks } from './keys.ts';
import type { LogEntry } from './transparency.ts';

export const PAYLOAD_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json';
const TYPES = ['cosign container image signature', 'atomic container signature'];

/** @throws Error when it is none */
export function simpleEvidence(
  where: string,
  payload: Buffer,
  annotations: Readonly<Record<string, string>>,
): Evidence {
  const entry = annotations['dev.sigstore.cosign/bundle'];
  const pems = ['dev.sigstore.cosign/certificate', 'dev.sigstore.cosign/chain'];
  const blocks = pems.flatMap((name) => pemBlocks(annotations[name] ?? ''));
  return {
    where,
    signed: payload,
    payload,
    signature: bytesIn(annotations['dev.cosignproject.cosign/signature']),
    subjects: subjectsOf(payload),
    certificates: blocks.map((block) => new X509Certificate(block).raw),
    ...(entry === undefined ? {} : { entry: entryOf(jsonFields(entry, 'its bundle')) }),
  };
}

function subjectsOf(payload: Buffer): readonly Digest[] {
  const critical = fieldsIn(jsonFields(payload, 'its payload')['critical']);
  if (!TYPES.includes(String(critical['type']))) return [];
  const digest = String(fieldsIn(critical['image'])['docker-manifest-digest']);
  return isDigest(digest) ? [digest] : [];
}

/** `{"SignedEntryTimestamp","Payload":{"body","integratedTime","logIndex","logID"}}` */
function entryOf(bundle: Fields): LogEntry {
  const { body, integratedTime, logIndex, logID } = fieldsIn(bundle['Payload']);
  return {
    body: bytesIn(body),
    integratedTime: Number(integratedTime),
    logIndex: Number(logIndex),
    logId: String(logID),
    promise: bytesIn(bundle['SignedEntryTimestamp']),
  };
}
