/**
 * The cluster's certificates: one authority and one certificate a part, in one directory. Every connection between
 * parts is mutual TLS with them.
 */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import {
  type Authority,
  createKeyPair,
  type Identity,
  issue,
  type KeyPair,
  selfSigned,
} from './certificate.ts';
import { encryptionFile, ensureEncryptionKeys } from './encryption-keys.ts';
import { writeSecret } from './secret-file.ts';

export interface PkiOptions {
  readonly dir: string;
  readonly nodeNames: readonly string[];
  /** Names and addresses of the API server beside loopback and its Service names. */
  readonly hosts: readonly string[];
}

export interface Issued {
  /** PEM, as `key`. */
  readonly certificate: string;
  readonly key: string;
}

interface Part {
  /** File name without `.crt` and `.key`. */
  readonly name: string;
  readonly subject: Identity;
  readonly usages: readonly ('server' | 'client')[];
  readonly hosts: readonly string[];
}

const authorityDays = 3650;
const days = 730;
/** A certificate with less than this left is made anew: parts are started more often than twice a year. */
const renewalMs = 180 * 24 * 60 * 60 * 1000;

/** What the API server is called from inside the cluster; 10.96.0.1 is the first address of the Service range. */
const serverHosts = [
  'localhost',
  '127.0.0.1',
  '::1',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  '10.96.0.1',
];

const masters = ['system:masters'];

const client = (name: string, commonName: string, organizations: readonly string[]): Part => ({
  name,
  subject: { commonName, organizations },
  usages: ['client'],
  hosts: [],
});

const node = (name: string): Part => ({
  name: `node-${name}`,
  subject: { commonName: `system:node:${name}`, organizations: ['system:nodes'] },
  usages: ['server', 'client'],
  hosts: [name, '127.0.0.1'],
});

const parts = ({ nodeNames, hosts }: PkiOptions): Part[] => [
  {
    name: 'api-server',
    subject: { commonName: 'kube-apiserver', organizations: [] },
    usages: ['server'],
    hosts: [...new Set([...serverHosts, ...hosts])],
  },
  client('api-server-client', 'kube-apiserver-kubelet-client', masters),
  client('admin', 'kubernetes-admin', masters),
  client('controller', 'system:kube-controller-manager', []),
  ...nodeNames.map(node),
];

async function read(dir: string, name: string): Promise<Issued | undefined> {
  try {
    const [certificate, key] = await Promise.all([
      readFile(join(dir, `${name}.crt`), 'utf8'),
      readFile(join(dir, `${name}.key`), 'utf8'),
    ]);
    return { certificate, key };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The certificate, if it is whole, belongs to its key and lasts long enough. */
function usable(pair: Issued): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(pair.certificate);
    const lasting = certificate.validToDate.getTime() - Date.now() > renewalMs;
    const matching = certificate.checkPrivateKey(createPrivateKey(pair.key));
    return lasting && matching ? certificate : undefined;
  } catch {
    return undefined; // A file cut short by a crash is no certificate: it is made anew.
  }
}

const covers = (certificate: X509Certificate, host: string): boolean =>
  (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined;

const pem = (pair: KeyPair): string =>
  pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

/** The key is written before its certificate: a crash between them leaves a pair that does not match. */
async function write(dir: string, name: string, { certificate, key }: Issued): Promise<void> {
  await writeSecret(join(dir, `${name}.key`), key);
  await writeSecret(join(dir, `${name}.crt`), certificate);
}

async function ensureAuthority(dir: string): Promise<Authority> {
  const held = await read(dir, 'ca');
  if (held !== undefined && usable(held) !== undefined) {
    return { certificate: held.certificate, key: createPrivateKey(held.key) };
  }
  const pair = await createKeyPair();
  // The serial in the name tells a renewed authority from the one before it.
  const subject = { commonName: `kubernetes-ca@${Date.now()}`, organizations: [] };
  const certificate = selfSigned(subject, pair, authorityDays);
  await write(dir, 'ca', { certificate, key: pem(pair) });
  return { certificate, key: pair.privateKey };
}

async function make(part: Part, authority: Authority): Promise<Issued> {
  const pair = await createKeyPair();
  const certificate = issue({ ...part, publicKey: pair.publicKey, days }, authority);
  return { certificate, key: pem(pair) };
}

async function ensurePart(dir: string, part: Part, authority: Authority): Promise<void> {
  const held = await read(dir, part.name);
  const certificate = held === undefined ? undefined : usable(held);
  const good =
    certificate?.verify(createPublicKey(authority.key)) === true &&
    part.hosts.every((host) => covers(certificate, host));
  if (!good) await write(dir, part.name, await make(part, authority));
}

/** The key that signs service accounts' tokens: with another key all tokens that are out there are void, so it stays. */
async function ensureTokenKey(dir: string): Promise<void> {
  const [privatePath, publicPath] = ['key', 'pub'].map((end) =>
    join(dir, `service-account.${end}`),
  ) as [string, string];
  try {
    createPrivateKey(await readFile(privatePath, 'utf8'));
    createPublicKey(await readFile(publicPath, 'utf8'));
  } catch {
    // Missing, or cut short by a crash. The key stands before its public half: both are made anew together.
    const pair = await createKeyPair();
    await writeSecret(privatePath, pem(pair));
    await writeSecret(publicPath, pair.publicKey.export({ type: 'spki', format: 'pem' }) as string);
  }
}

/**
 * Makes the directory hold the authority and a certificate for every part (`ca api-server api-server-client admin
 * controller node-<name>`, each `.crt` and `.key`, PEM, mode 0600). What is there and good stays; what is broken, of
 * another authority, near its end or lacks a host is made anew. One process at a time. Beside them
 * `service-account.key` and `.pub`, for tokens, and `encryption.json`, for Secrets at rest.
 */
export async function ensurePki(options: PkiOptions): Promise<void> {
  await mkdir(options.dir, { recursive: true, mode: 0o700 });
  const authority = await ensureAuthority(options.dir);
  await Promise.all([
    ...parts(options).map((part) => ensurePart(options.dir, part, authority)),
    ensureTokenKey(options.dir),
    ensureEncryptionKeys(join(options.dir, encryptionFile)),
  ]);
}

/** A certificate for a node that joins, signed by the authority in `dir`; nothing is written. */
export async function issueNodeCertificate(options: {
  readonly dir: string;
  readonly name: string;
  /** Addresses at which the API server reaches the node. */
  readonly hosts?: readonly string[];
}): Promise<Issued & { readonly ca: string }> {
  const held = await read(options.dir, 'ca');
  if (held === undefined) throw new Error(`issue a certificate: no authority in ${options.dir}`);
  const part = node(options.name);
  const hosts = [...part.hosts, ...(options.hosts ?? [])];
  const authority = { certificate: held.certificate, key: createPrivateKey(held.key) };
  return { ...(await make({ ...part, hosts }, authority)), ca: held.certificate };
}

export { writeKubeconfig } from './kubeconfig.ts';
