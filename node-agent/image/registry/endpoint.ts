/** Which servers are asked for a repository, and how. */

import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ImageError } from '../images.ts';
import type { Settings } from './settings.ts';
import type { TlsSettings } from './transport.ts';

export interface Endpoint {
  /** `host[:port]`, as credentials and settings name it. */
  readonly name: string;
  readonly origin: string;
  /** What `/v2/` is followed by: the repository's path there. */
  readonly path: string;
  readonly tls: TlsSettings;
  /** HTTPS is tried first, HTTP when the other side does not speak TLS: this machine's own registries, as Docker has it. */
  readonly mayBeHttp: boolean;
  readonly isMirror: boolean;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/;

/** The server behind Docker's default domain (distribution/reference, moby registry/config.go). */
function serverOf(domain: string): string {
  return domain === 'docker.io' ? 'registry-1.docker.io' : domain;
}

/** Domain and path of a full repository name: `docker.io` and `library/busybox`. */
export function splitRepository(repository: string): {
  readonly domain: string;
  readonly path: string;
} {
  const slash = repository.indexOf('/');
  return { domain: repository.slice(0, slash), path: repository.slice(slash + 1) };
}

/** Where to push to. @throws ImageError `Registry` when the CA's file cannot be read */
export async function registryEndpoint(repository: string, settings: Settings): Promise<Endpoint> {
  const { domain, path } = splitRepository(repository);
  const name = serverOf(domain);
  const { insecure } = settings.registries?.[domain] ?? {};
  return {
    name: domain,
    origin: `${insecure === 'http' ? 'http' : 'https'}://${name}`,
    path,
    tls: await tlsOf(domain, settings),
    mayBeHttp: insecure === undefined && LOOPBACK.test(name),
    isMirror: false,
  };
}

/** Where to pull from, in the order of trial: the mirrors, then the registry itself. @throws ImageError `Registry` */
export async function pullEndpoints(
  repository: string,
  settings: Settings,
): Promise<readonly Endpoint[]> {
  const { domain, path } = splitRepository(repository);
  const mirrors = settings.registries?.[domain]?.mirrors ?? [];
  const endpoints: Endpoint[] = [];
  for (const mirror of mirrors) {
    const { origin, host, pathname } = new URL(mirror);
    const prefix = pathname.replace(/^\/|\/$/g, '');
    endpoints.push({
      name: host,
      origin,
      path: prefix === '' ? path : `${prefix}/${path}`,
      tls: await tlsOf(host, settings),
      mayBeHttp: false,
      isMirror: true,
    });
  }
  return [...endpoints, await registryEndpoint(repository, settings)];
}

async function tlsOf(name: string, settings: Settings): Promise<TlsSettings> {
  const { insecure, ca } = settings.registries?.[name] ?? {};
  const skipVerify = insecure === 'skip-verify';
  if (ca === undefined) return { skipVerify };
  try {
    return { skipVerify, ca: authorities(await readFile(ca, 'utf8')) };
  } catch (cause) {
    const why = (cause as Error).message;
    throw new ImageError('Registry', `read the CA of the registry ${name}, ${ca}: ${why}`, {
      cause,
    });
  }
}

/** What OpenSSL passes over without a word is told. @throws Error */
function authorities(pem: string): string {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw new Error('it holds no certificate in PEM');
  for (const [i, text] of found.entries()) {
    try {
      new X509Certificate(text);
    } catch (cause) {
      throw new Error(`its certificate number ${i + 1} cannot be read`, { cause });
    }
  }
  return pem;
}
