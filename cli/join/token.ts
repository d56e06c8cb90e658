/**
 * What lets a machine into a cluster: `<sha256 of the CA's certificate>.<id>.<secret>`. Its first part tells the machine which
 * server it may trust before it shows the rest.
 */
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { UsageError } from '../arguments.ts';

export interface NodeToken {
  /** 64 hexadecimal digits. */
  readonly pin: string;
  /** Kubernetes' bootstrap token, `<id>.<secret>`. */
  readonly bootstrap: string;
}

const form = /^([0-9a-f]{64})\.([a-z0-9]{6}\.[a-z0-9]{16})$/;

/** Of a certificate's DER bytes. */
export const pinOf = (certificate: Buffer): string =>
  createHash('sha256').update(certificate).digest('hex');

/** The pin of a PEM text. */
export const pinOfPem = (pem: string): string => pinOf(new X509Certificate(pem).raw);

/** @throws UsageError for what is none */
export function parseToken(text: string): NodeToken {
  const [, pin, bootstrap] = form.exec(text.trim()) ?? [];
  if (pin === undefined || bootstrap === undefined) {
    throw new UsageError(
      "--token: a token has the form <64 digits>.<6>.<16>; have one made with 'bay node-token' where the cluster runs",
    );
  }
  return { pin, bootstrap };
}

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Letters and digits, all equally likely. */
function randomText(length: number): string {
  let text = '';
  while (text.length < length)
    for (const byte of randomBytes(length))
      if (byte < 252 && text.length < length) text += letters[byte % 36];
  return text;
}

export const newBootstrap = (): { readonly id: string; readonly secret: string } => ({
  id: randomText(6),
  secret: randomText(16),
});
