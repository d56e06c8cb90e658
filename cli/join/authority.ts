/** Finds out whether a server is the one that a token speaks of, before anything is told to it. */

import { X509Certificate } from 'node:crypto';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { pinOf } from './token.ts';

const patienceMs = 10_000;

export interface Greeting {
  /** The authority's certificate, PEM. */
  readonly ca: string;
  /** Our own address on the way to the server. */
  readonly localAddress: string;
}

/**
 * Shakes hands without trust and looks for the authority of the pin among what the server shows. Nothing is sent. Who uses
 * the result trusts that authority alone. @throws Error that says what is there instead
 */
export function findAuthority(url: URL, pin: string): Promise<Greeting> {
  const [host, port] = [url.hostname, Number(url.port || 443)];
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`join ${url.origin}: ${why}`));
    const socket = connect({ host, port, rejectUnauthorized: false, timeout: patienceMs });
    socket.once('error', (error) => fail(error.message));
    socket.once('timeout', () => {
      socket.destroy();
      fail(`no answer in ${patienceMs / 1000} s`);
    });
    socket.once('secureConnect', () => {
      const found = authorities(socket.getPeerCertificate(true)).find((raw) => pinOf(raw) === pin);
      const localAddress = socket.localAddress ?? '';
      socket.destroy();
      if (found === undefined)
        fail(
          'this server is not of the cluster that the token was made for; nothing was sent to it',
        );
      else resolve({ ca: new X509Certificate(found).toString(), localAddress });
    });
  });
}

/** The chain's certificates. */
function authorities(leaf: DetailedPeerCertificate): Buffer[] {
  const chain: Buffer[] = [];
  let at: DetailedPeerCertificate | undefined = leaf;
  while (at?.raw !== undefined && chain.length < 8) {
    chain.push(at.raw);
    at = at.issuerCertificate === at ? undefined : at.issuerCertificate;
  }
  return chain;
}
