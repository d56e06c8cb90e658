/** Whether a signature is one that a policy's authority stands for. Pure: nothing is asked of anybody. */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { type Authority, fitsPattern, type Keyless } from '#api/resources/image-policy.ts';
import type { Digest } from '../digest.ts';
import {
  distrust,
  isLogged,
  readSigningCertificate,
  type SigningCertificate,
} from './certificate.ts';
import type { Evidence } from './evidence.ts';
import { isSignedBy, pemBlocks, publicKeys, spki } from './keys.ts';
import { doubt } from './transparency.ts';

/** An authority whose keys are read. */
export interface Judge {
  readonly name: string;
  /** Why the signature does not count; undefined when it does. */
  refuse(evidence: Evidence, digests: readonly Digest[]): string | undefined;
}

/** @throws Error naming the field of the policy that cannot be used */
export function judgeOf({ name, key, keyless }: Authority): Judge {
  const where = `signedBy "${name}"`;
  if (key !== undefined) return keyJudge(name, publicKeys(key, `${where}: key`));
  if (keyless === undefined) throw new Error(`${where} has neither key nor keyless`);
  return keylessJudge(name, keyless, where);
}

function keyJudge(name: string, keys: readonly KeyObject[]): Judge {
  return {
    name,
    refuse: (evidence, digests) => {
      const { signed, signature } = evidence;
      if (!keys.some((key) => isSignedBy(key, signed, signature))) return 'made with another key';
      return aboutAnother(evidence, digests);
    },
  };
}

/** A good signature of another image is the oldest trick. */
function aboutAnother({ subjects }: Evidence, digests: readonly Digest[]): string | undefined {
  if (digests.some((digest) => subjects.includes(digest))) return undefined;
  return `made for ${subjects.join(', ') || 'something that is no image'}`;
}

function keylessJudge(name: string, { identities, trustRoot }: Keyless, where: string): Judge {
  const { certificates, logKeys, certificateLogKeys } = trustRoot;
  const at = `${where}: keyless.trustRoot`;
  const roots = readCertificates(certificates, `${at}.certificates`);
  const logs = logKeys === undefined ? [] : publicKeys(logKeys, `${at}.logKeys`);
  const scts =
    certificateLogKeys === undefined
      ? []
      : publicKeys(certificateLogKeys, `${at}.certificateLogKeys`);
  const identity = (signer: SigningCertificate) =>
    identities.some(
      ({ issuer, subject }) =>
        fitsPattern(issuer, signer.issuer) &&
        signer.subjects.some((each) => fitsPattern(subject, each)),
    );
  const judge = (evidence: Evidence, digests: readonly Digest[]): string | undefined => {
    const [own, ...others] = evidence.certificates;
    if (own === undefined) return 'made with a key, without a certificate';
    const signer = readSigningCertificate(own);
    const between = others.map((der) => new X509Certificate(der));
    const { publicKey } = signer.x509;
    if (!isSignedBy(publicKey, evidence.signed, evidence.signature)) {
      return 'not made with the key of its certificate';
    }
    const time = signingTime(evidence, signer, logs);
    if (typeof time === 'string') return time;
    const why = distrust(signer, between, roots, time);
    if (why !== undefined) return why;
    if (scts.length > 0 && !isLogged(signer, [...between, ...roots], scts)) {
      return 'no certificate transparency log of the policy knows its certificate';
    }
    if (!identity(signer)) {
      return `made by ${signer.subjects.join(', ') || 'nobody'} (${signer.issuer}), who is not among the policy's identities`;
    }
    return aboutAnother(evidence, digests);
  };
  return { name, refuse: judge };
}

/**
 * When it was made, as the log says, or why that is not known. A certificate is good for minutes: without a log nobody can
 * say that its key was used in them.
 */
function signingTime(
  { entry, signed, payload, signature }: Evidence,
  { x509 }: SigningCertificate,
  logs: readonly KeyObject[],
): Date | string {
  if (logs.length === 0)
    return 'the policy names no logKeys: the time of a keyless signature is not known';
  if (entry === undefined) return 'it has no entry in a transparency log';
  const verifiers = [x509.raw, spki(x509.publicKey)];
  const isEnvelope = payload !== signed;
  const why = doubt(entry, { signature, payload: isEnvelope ? payload : signed, verifiers }, logs);
  if (why !== undefined) return why;
  if (!(entry.integratedTime > 0)) return 'its entry in the transparency log has no time';
  return new Date(entry.integratedTime * 1000);
}

function readCertificates(pem: string, what: string): readonly X509Certificate[] {
  const blocks = pemBlocks(pem);
  if (blocks.length === 0) throw new Error(`${what} holds no certificate in PEM`);
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new Error(`${what} cannot be read: ${(cause as Error).message}`, { cause });
    }
  });
}
