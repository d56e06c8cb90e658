/**
 * Sigstore bundles (protobuf-specs, sigstore_bundle.proto; v0.1 to v0.3), as referrers of an image (cosign,
 * specs/BUNDLE_SPEC.md): an envelope around an in-toto statement that names the image, the signer's certificate or a hint
 * at the key, and the transparency log's entry.
 */
import { type Digest, isDigest } from '../digest.ts';
import { bytesIn, type Evidence, type Fields, fieldsIn, jsonFields, listIn } from './evidence.ts';
import type { InclusionProof, LogEntry } from './transparency.ts';

export const BUNDLE_TYPE =
  /^application\/vnd\.dev\.sigstore\.bundle(\.v0\.[1-9]\d*\+json|\+json;version=0\.\d+)$/;
const STATEMENT = 'application/vnd.in-toto+json';
/** What cosign's signatures say; attestations of other kinds approve nothing. */
const SIGNATURE = 'https://sigstore.dev/cosign/sign/v1';

/** undefined: the bundle holds no signature of an image. @throws Error when it is no bundle */
export function bundleEvidence(where: string, bytes: Buffer): Evidence | undefined {
  const bundle = jsonFields(bytes, 'the bundle');
  if (!BUNDLE_TYPE.test(String(bundle['mediaType']))) throw new Error('it is no bundle we know');
  const { payload, payloadType, signatures } = fieldsIn(bundle['dsseEnvelope']);
  const [first, ...more] = listIn(signatures);
  if (payloadType !== STATEMENT || first === undefined || more.length > 0) return undefined;
  const statement = bytesIn(payload);
  const material = fieldsIn(bundle['verificationMaterial']);
  const [entry] = listIn(material['tlogEntries']);
  return {
    where,
    signed: envelopeText(STATEMENT, statement),
    payload: statement,
    signature: bytesIn(fieldsIn(first)['sig']),
    subjects: subjectsOf(statement),
    certificates: certificatesOf(material),
    ...(entry === undefined ? {} : { entry: entryOf(fieldsIn(entry)) }),
  };
}

/** What is signed of an envelope (secure-systems-lab/dsse, protocol.md, "PAE"). */
export function envelopeText(type: string, payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

function subjectsOf(statement: Buffer): readonly Digest[] {
  const { _type, predicateType, subject } = jsonFields(statement, 'its statement');
  const isStatement = /^https:\/\/in-toto\.io\/Statement\/v(0\.1|1)$/.test(String(_type));
  if (!isStatement || predicateType !== SIGNATURE) return [];
  return listIn(subject)
    .map((each) => `sha256:${String(fieldsIn(fieldsIn(each)['digest'])['sha256'])}`)
    .filter((digest) => isDigest(digest));
}

/** v0.3 has the signer's alone; older ones its chain. */
function certificatesOf(material: Fields): readonly Buffer[] {
  const { certificate, x509CertificateChain } = material;
  const chain = listIn(fieldsIn(x509CertificateChain)['certificates']);
  const all = certificate === undefined ? chain : [certificate];
  return all.map((each) => bytesIn(fieldsIn(each)['rawBytes']));
}

/** protobuf's JSON has 64-bit numbers as text. */
function entryOf(entry: Fields): LogEntry {
  const promise = fieldsIn(entry['inclusionPromise'])['signedEntryTimestamp'];
  const proof = entry['inclusionProof'];
  return {
    body: bytesIn(entry['canonicalizedBody']),
    integratedTime: Number(entry['integratedTime'] ?? 0),
    logIndex: Number(entry['logIndex'] ?? 0),
    logId: bytesIn(fieldsIn(entry['logId'])['keyId']).toString('hex'),
    ...(promise === undefined ? {} : { promise: bytesIn(promise) }),
    ...(proof === undefined ? {} : { proof: proofOf(fieldsIn(proof)) }),
  };
}

function proofOf(proof: Fields): InclusionProof {
  return {
    index: Number(proof['logIndex'] ?? 0),
    treeSize: Number(proof['treeSize'] ?? 0),
    rootHash: bytesIn(proof['rootHash']),
    hashes: listIn(proof['hashes']).map(bytesIn),
    checkpoint: String(fieldsIn(proof['checkpoint'])['envelope']),
  };
}
