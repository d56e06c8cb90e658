/** The certificate authorities that a registry's certificate is checked with. */

import { readFile } from 'node:fs/promises';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';

/** Where Debian, Fedora and Alpine have all of them in one file. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
];

/** The machine's CAs, Node's own where it has none, and `ca` (PEM). Takes 10 ms: keep it. */
export async function trusting(
  ca: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<SecureContext> {
  const known = (await bundle(env)) ?? nodesList();
  return createSecureContext({ ca: ca === undefined ? known : [...known, ca] });
}

/** Node looks through files and directories, which have each CA several times, and blocks for 100 ms by it. */
async function bundle(env: NodeJS.ProcessEnv): Promise<string[] | undefined> {
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: directory } = env;
  if (directory !== undefined && file === undefined) return undefined;
  for (const path of file === undefined ? BUNDLES : [file]) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text.includes('-----BEGIN ')) return [text];
  }
  return undefined;
}

function nodesList(): string[] {
  const system = getCACertificates('system');
  return [...new Set(system.length > 0 ? system : getCACertificates('bundled'))];
}
