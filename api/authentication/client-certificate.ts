/** The subject of a client certificate that the cluster's authority signed. */
import type { TLSSocket } from 'node:tls';
import { credentialId, everybody, type User } from './user.ts';

/** A certificate was shown, and it is not one of ours (any more). */
export class CertificateRefused extends Error {
  override readonly name = 'CertificateRefused';
}

/** A connection's certificate does not change: looked at once. `null`: there is none. */
const users = new WeakMap<TLSSocket, User | CertificateRefused | null>();

const list = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

function read(socket: TLSSocket): User | CertificateRefused | null {
  const { subject, fingerprint256 } = socket.getPeerCertificate();
  if (subject === undefined) return null;
  if (!socket.authorized) {
    return new CertificateRefused(`client certificate refused: ${socket.authorizationError}`);
  }
  const [name = ''] = list(subject.CN);
  if (name === '') return new CertificateRefused('the client certificate names nobody');
  const hash = fingerprint256.replaceAll(':', '').toLowerCase();
  return {
    name,
    groups: [...list(subject.O), everybody],
    extra: { [credentialId]: [`X509SHA256=${hash}`] },
  };
}

/** The connection's user; `undefined` without a certificate. Throws CertificateRefused. */
export function certificateUser(socket: TLSSocket): User | undefined {
  let user = users.get(socket);
  if (user === undefined) {
    user = read(socket);
    users.set(socket, user);
  }
  if (user instanceof CertificateRefused) throw user;
  return user ?? undefined;
}
