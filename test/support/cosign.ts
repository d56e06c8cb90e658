/** Signatures as cosign writes them, beside an image in a registry of a test. */
import { type BadRegistry, types } from './bad-registry.ts';
import { sha256 } from './image-archives.ts';
import {
  type Fulcio,
  type Holder,
  type Pair,
  pem,
  type Rekor,
  type RekorEntry,
  signed,
} from './sigstore.ts';

export const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const simpleType = 'application/vnd.dev.cosign.simplesigning.v1+json';
const statementType = 'application/vnd.in-toto+json';
export const signType = 'https://sigstore.dev/cosign/sign/v1';

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');

/** The payload of cosign's first form, byte by byte as Go writes it. */
export function simplePayload(digest: string, reference: string): Buffer {
  const critical = {
    identity: { 'docker-reference': reference },
    image: { 'docker-manifest-digest': digest },
    type: 'cosign container image signature',
  };
  return Buffer.from(JSON.stringify({ critical, optional: null }));
}

export interface SimpleLayer {
  readonly payload: Buffer;
  readonly annotations: Record<string, string>;
}

/** Signed with a key. */
export function simpleByKey(digest: string, reference: string, pair: Pair): SimpleLayer {
  const payload = simplePayload(digest, reference);
  const signature = base64(signed(payload, pair));
  return { payload, annotations: { 'dev.cosignproject.cosign/signature': signature } };
}

/** The manifest of the tag `sha256-<hex>.sig`, or of a referrer. */
export function simpleManifest(
  layers: readonly SimpleLayer[],
  blob: (type: string, bytes: Buffer) => object,
): object {
  const described = layers.map(({ payload, annotations }) => ({
    ...blob(simpleType, payload),
    annotations,
  }));
  const config = {
    architecture: '',
    created: '0001-01-01T00:00:00Z',
    history: [{ created: '0001-01-01T00:00:00Z' }],
    os: '',
    rootfs: { type: 'layers', diff_ids: layers.map(({ payload }) => `sha256:${sha256(payload)}`) },
    config: {},
  };
  return {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: blob(types.config, Buffer.from(JSON.stringify(config))),
    layers: described,
  };
}

export function attachSimple(
  registry: BadRegistry,
  repository: string,
  digest: string,
  layers: readonly SimpleLayer[],
): void {
  const manifest = simpleManifest(layers, (type, bytes) => registry.blob(type, bytes));
  registry.manifest(repository, `sha256-${digest.slice(7)}.sig`, types.manifest, manifest);
}

export interface Keyless {
  readonly fulcio: Fulcio;
  readonly rekor: Rekor;
  readonly holder: Holder;
  readonly pair: Pair;
  /** When the log took it. */
  readonly at?: Date;
}

/** cosign's first form, keyless: certificate and log entry in annotations. */
export function simpleKeyless(digest: string, reference: string, keyless: Keyless): SimpleLayer {
  const { fulcio, rekor, holder, pair, at } = keyless;
  const payload = simplePayload(digest, reference);
  const signature = base64(signed(payload, pair));
  const certificate = fulcio.certify(pair.publicKey, holder);
  const entry = rekor.add(
    {
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: {
        data: { hash: { algorithm: 'sha256', value: sha256(payload) } },
        signature: { content: signature, publicKey: { content: base64(certificate.pem) } },
      },
    },
    at,
  );
  const { body, integratedTime, logIndex, logId, promise } = entry;
  const bundle = {
    SignedEntryTimestamp: base64(promise),
    Payload: { body: base64(body), integratedTime, logIndex, logID: logId.toString('hex') },
  };
  return {
    payload,
    annotations: {
      'dev.cosignproject.cosign/signature': signature,
      'dev.sigstore.cosign/certificate': certificate.pem,
      'dev.sigstore.cosign/chain': fulcio.root,
      'dev.sigstore.cosign/bundle': JSON.stringify(bundle),
    },
  };
}

export interface BundleOptions {
  readonly predicateType?: string;
  /** Instead of a certificate. */
  readonly key?: Pair;
  /** Changes the finished bundle. */
  readonly change?: (bundle: Bundle) => unknown;
}

export type Bundle = Record<string, never> & {
  verificationMaterial: { tlogEntries: Record<string, unknown>[] } & Record<string, unknown>;
  dsseEnvelope: Record<string, unknown>;
};

/** A bundle of version 0.3 around an in-toto statement. */
export function bundleOf(digest: string, keyless: Keyless, options: BundleOptions = {}): Buffer {
  const { fulcio, rekor, holder, at } = keyless;
  const { predicateType = signType, key, change } = options;
  const pair = key ?? keyless.pair;
  const subject = [{ name: '', digest: { sha256: digest.slice(7) } }];
  const statement = JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject,
    predicateType,
    predicate: {},
  });
  const text = `DSSEv1 ${statementType.length} ${statementType} ${statement.length} ${statement}`;
  const signature = signed(Buffer.from(text), pair);
  const certificate = fulcio.certify(pair.publicKey, holder);
  const verifier = key === undefined ? certificate.pem : pem(key.publicKey);
  const entry = rekor.add(
    {
      apiVersion: '0.0.1',
      kind: 'dsse',
      spec: {
        envelopeHash: { algorithm: 'sha256', value: sha256(text) },
        payloadHash: { algorithm: 'sha256', value: sha256(statement) },
        signatures: [{ signature: base64(signature), verifier: base64(verifier) }],
      },
    },
    at,
  );
  const signer =
    key === undefined
      ? { certificate: { rawBytes: base64(certificate.raw) } }
      : { publicKey: { hint: sha256(pem(key.publicKey)) } };
  const bundle = {
    mediaType: bundleType,
    verificationMaterial: { ...signer, tlogEntries: [entryJson(entry)] },
    dsseEnvelope: {
      payload: base64(statement),
      payloadType: statementType,
      signatures: [{ sig: base64(signature) }],
    },
  };
  change?.(bundle as unknown as Bundle);
  return Buffer.from(JSON.stringify(bundle));
}

/** protobuf's JSON: 64-bit numbers are text. */
function entryJson({ body, integratedTime, logIndex, logId, promise, proof }: RekorEntry) {
  return {
    logIndex: String(logIndex),
    logId: { keyId: base64(logId) },
    kindVersion: { kind: 'dsse', version: '0.0.1' },
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp: base64(promise) },
    inclusionProof: {
      logIndex: String(logIndex),
      rootHash: base64(proof.root),
      treeSize: String(proof.treeSize),
      hashes: proof.hashes.map((each) => base64(each)),
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: base64(body),
  };
}

/** A referrer with the bundle, known by the tag for registries without the referrers API. */
export function attachBundle(
  registry: BadRegistry,
  repository: string,
  digest: string,
  bundle: Buffer,
): void {
  const empty = registry.blob('application/vnd.oci.empty.v1+json', Buffer.from('{}'));
  const referrer = registry.manifest(repository, undefined, types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    artifactType: bundleType,
    config: empty,
    layers: [registry.blob(bundleType, bundle)],
    subject: { mediaType: types.manifest, digest, size: 1 },
  });
  registry.manifest(repository, `sha256-${digest.slice(7)}`, types.index, {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: [{ ...referrer, artifactType: bundleType }],
  });
}

/** The same in a real registry at `host`, by plain HTTP. */
export async function pushSignature(
  host: string,
  repository: string,
  layers: readonly SimpleLayer[],
  digest: string,
): Promise<void> {
  const blobs = new Map<string, Buffer>();
  const manifest = simpleManifest(layers, (mediaType, bytes) => {
    const blob = `sha256:${sha256(bytes)}`;
    blobs.set(blob, bytes);
    return { mediaType, digest: blob, size: bytes.length };
  });
  const base = `http://${host}/v2/${repository}`;
  const good = async (answer: Response): Promise<Response> => {
    if (!answer.ok) throw new Error(`${answer.url}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  for (const [blob, bytes] of blobs) {
    const begun = await good(await fetch(`${base}/blobs/uploads/`, { method: 'POST' }));
    const to = new URL(begun.headers.get('location') ?? '', base);
    to.searchParams.set('digest', blob);
    await good(await fetch(to, { method: 'PUT', body: new Uint8Array(bytes) }));
  }
  const headers = { 'content-type': types.manifest };
  const to = `${base}/manifests/sha256-${digest.slice(7)}.sig`;
  await good(await fetch(to, { method: 'PUT', body: JSON.stringify(manifest), headers }));
}
