/** Finds the signatures of an image in its repository: cosign's tag, then what refers to the image (OCI 1.1). */
import { algorithmOf, type Digest, digestOf, hexOf } from '../digest.ts';
import * as oci from '../oci.ts';
import { readWhole } from '../registry/body.ts';
import { fetchManifest } from '../registry/manifest.ts';
import { RegistryProblem } from '../registry/problem.ts';
import { referrers } from '../registry/referrers.ts';
import type { Repository } from '../registry/repository.ts';
import { withRetries } from '../registry/retry.ts';
import { BUNDLE_TYPE, bundleEvidence } from './bundle.ts';
import type { Evidence } from './evidence.ts';
import { PAYLOAD_TYPE, simpleEvidence } from './simple-signing.ts';

/** Simple signing as a referrer (cosign with `COSIGN_EXPERIMENTAL=1` and `--registry-referrers-mode=oci-1-1`). */
const SIMPLE_REFERRER = 'application/vnd.dev.cosign.artifact.sig.v1+json';
const MAX_BYTES = 1 << 20;
/** Whoever may push may also push many. */
const MAX_SIGNATURES = 100;

/** One that could not be read is told, not thrown: others may be good. */
export type Found = Evidence | { readonly where: string; readonly unreadable: string };

/** @throws RegistryProblem when the registry does not answer as it should */
export async function* signaturesOf(
  repository: Repository,
  digest: Digest,
  signal: AbortSignal | undefined,
): AsyncGenerator<Found> {
  let count = 0;
  for await (const found of allSignatures(repository, digest, signal)) {
    if (++count > MAX_SIGNATURES) return;
    yield found;
  }
}

async function* allSignatures(
  repository: Repository,
  digest: Digest,
  signal: AbortSignal | undefined,
): AsyncGenerator<Found> {
  const tag = `${algorithmOf(digest)}-${hexOf(digest)}.sig`;
  yield* inManifest(repository, tag, signal);
  for (const { artifactType = '', digest: referrer } of await referrers(repository, digest, {
    ...(signal === undefined ? {} : { signal }),
  })) {
    const isSignature = artifactType === SIMPLE_REFERRER || BUNDLE_TYPE.test(artifactType);
    if (isSignature) yield* inManifest(repository, referrer, signal);
  }
}

/** `reference`: a tag or a digest; nothing is there when it is not. */
async function* inManifest(
  repository: Repository,
  reference: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Found> {
  const bytes = await fetchManifest(repository, reference, signal).then(
    (fetched) => fetched.bytes,
    (error: unknown) => {
      if (error instanceof RegistryProblem && error.status === 404) return undefined;
      throw error;
    },
  );
  if (bytes === undefined) return;
  const { layers } = oci.decodeJson(oci.Manifest, bytes, `the signatures ${reference}`);
  for (const layer of layers.slice(0, MAX_SIGNATURES)) {
    const found = await inLayer(repository, layer, signal);
    if (found !== undefined) yield found;
  }
}

async function inLayer(
  repository: Repository,
  { mediaType = '', digest, size, annotations }: oci.Descriptor,
  signal: AbortSignal | undefined,
): Promise<Found | undefined> {
  const isSimple = mediaType === PAYLOAD_TYPE;
  if (!isSimple && !BUNDLE_TYPE.test(mediaType)) return undefined;
  const where = `the signature ${digest.slice(7, 19)}`;
  if (size > MAX_BYTES) return { where, unreadable: `it has ${size} bytes` };
  const bytes = await smallBlob(repository, digest, signal);
  try {
    return isSimple
      ? simpleEvidence(where, bytes, annotations ?? {})
      : bundleEvidence(where, bytes);
  } catch (error) {
    return { where, unreadable: error instanceof Error ? error.message : String(error) };
  }
}

function smallBlob(
  repository: Repository,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const to = `blobs/${digest}`;
  return withRetries(repository.parts.retry, signal, async () => {
    const answer = await repository.ask({ method: 'GET', to, good: [200], signal });
    const where = `GET ${answer.url.origin}${answer.url.pathname}`;
    const bytes = await readWhole(answer.body, MAX_BYTES).catch((cause: Error) => {
      throw new RegistryProblem('temporary', `${where}: ${cause.message}`, { cause });
    });
    if (digestOf(bytes, algorithmOf(digest)) === digest) return bytes;
    throw new RegistryProblem('content', `${where}: the content is not that of its digest`);
  });
}
