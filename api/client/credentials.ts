/** Where an API server is and who speaks to it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** PEM texts. Who asks is shown by a certificate or by a token. */
export interface Credentials {
  /** `https://host:port`. */
  readonly server: string;
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
}

/** For a TLS connection: the authority, and our certificate if we have one. */
export function tlsOptions({ ca, cert, key }: Credentials) {
  return cert === undefined || key === undefined ? { ca } : { ca, cert, key };
}

/** For each request. */
export function loginHeaders({ token }: Credentials): { readonly authorization?: string } {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

interface Files {
  readonly server: string;
  /** Paths of PEM files, or the PEM texts themselves. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export type ConnectOptions = Files | { readonly kubeconfig: string };

interface NamedEntry {
  readonly name: string;
  readonly cluster?: Record<string, string>;
  readonly user?: Record<string, string>;
  readonly context?: { readonly cluster: string; readonly user: string };
}

interface Kubeconfig {
  readonly clusters?: readonly NamedEntry[];
  readonly users?: readonly NamedEntry[];
  readonly contexts?: readonly NamedEntry[];
  readonly 'current-context'?: string;
}

const pem = (value: string): string =>
  value.startsWith('-----BEGIN') ? value : readFileSync(value, 'utf8');

/** Reads what the options name. Throws with the file's name if it cannot be read or lacks something. */
export function credentials(options: ConnectOptions): Credentials {
  if (!('kubeconfig' in options)) {
    const { server, ca, cert, key } = options;
    return { server, ca: pem(ca), cert: pem(cert), key: pem(key) };
  }
  const path = options.kubeconfig;
  const text = readFileSync(path, 'utf8');
  return single(text) ?? currentContext(text, path);
}

const field = (text: string, name: string): string | undefined =>
  new RegExp(`^\\s+${name}: (\\S+)$`, 'm').exec(text)?.[1];

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString();

/** A file with one cluster and embedded credentials, such as `bay up` writes, is read without a YAML parser. */
function single(text: string): Credentials | undefined {
  if (text.match(/^\s+server:/gm)?.length !== 1) return undefined;
  const server = field(text, 'server');
  const ca = field(text, 'certificate-authority-data');
  const cert = field(text, 'client-certificate-data');
  const key = field(text, 'client-key-data');
  if (server === undefined || ca === undefined || cert === undefined || key === undefined) {
    return undefined;
  }
  return { server, ca: decoded(ca), cert: decoded(cert), key: decoded(key) };
}

function currentContext(text: string, path: string): Credentials {
  // `yaml` costs more time to load than all of this module's own work: only unusual files need it.
  const { parse } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  const config = parse(text) as Kubeconfig;
  const name = config['current-context'];
  const context = config.contexts?.find((entry) => entry.name === name)?.context;
  const cluster = config.clusters?.find((entry) => entry.name === context?.cluster)?.cluster;
  const user = config.users?.find((entry) => entry.name === context?.user)?.user;
  const part = (source: Record<string, string> | undefined, key: string): string => {
    const embedded = source?.[`${key}-data`];
    if (embedded !== undefined) return decoded(embedded);
    const file = source?.[key];
    if (file !== undefined) return readFileSync(file, 'utf8');
    throw new Error(`kubeconfig ${path}: the context '${name}' has no ${key}`);
  };
  if (cluster?.['server'] === undefined) {
    throw new Error(`kubeconfig ${path}: the context '${name}' has no server`);
  }
  const where = { server: cluster['server'], ca: part(cluster, 'certificate-authority') };
  const file = user?.['tokenFile'];
  const token = user?.['token'] ?? (file === undefined ? undefined : readFileSync(file, 'utf8'));
  if (token !== undefined) return { ...where, token: token.trim() };
  return { ...where, cert: part(user, 'client-certificate'), key: part(user, 'client-key') };
}
