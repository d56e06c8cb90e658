/** Where an API server is and who speaks to it. */
import { readFileSync } from 'node:fs';
import { credentialsIn, type KubeconfigChoice } from './kubeconfig.ts';

/** PEM texts. Who asks is shown by a certificate or by a token. */
export interface Credentials {
  /** `https://host:port`. */
  readonly server: string;
  /** Absent: the authorities that the system trusts. */
  readonly ca?: string;
  /** Nobody is asked who vouches for the server. */
  readonly insecure?: true;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
  /** In whose name it is asked. */
  readonly as?: string;
  readonly asGroups?: readonly string[];
  /** How long an answer is waited for; absent: as long as it takes. */
  readonly timeoutMs?: number;
}

/** For a TLS connection: the authority, and our certificate if we have one. */
export function tlsOptions({ ca, insecure, cert, key }: Credentials) {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(insecure === true ? { rejectUnauthorized: false } : {}),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

/** For each request. */
export function loginHeaders({
  token,
  as,
  asGroups = [],
}: Credentials): Record<string, string | string[]> {
  return {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(as === undefined ? {} : { 'impersonate-user': as }),
    ...(asGroups.length === 0 ? {} : { 'impersonate-group': [...asGroups] }),
  };
}

interface Files {
  readonly server: string;
  /** Paths of PEM files, or the PEM texts themselves. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** What stands in a kubeconfig, and what counts instead of it. */
export interface KubeconfigOptions extends KubeconfigChoice {
  /** Absent: all is said by the others. */
  readonly kubeconfig?: string | undefined;
  readonly server?: string | undefined;
  /** Path of a PEM file. */
  readonly authority?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly as?: string | undefined;
  readonly asGroups?: readonly string[] | undefined;
  readonly timeoutMs?: number | undefined;
}

export type ConnectOptions = Files | KubeconfigOptions;

const pem = (value: string): string =>
  value.startsWith('-----BEGIN') ? value : readFileSync(value, 'utf8');

/** Reads what the options name. Throws with the file's name if it cannot be read or lacks something. */
export function credentials(options: ConnectOptions): Credentials {
  if ('cert' in options) {
    const { server, ca, cert, key } = options;
    return { server, ca: pem(ca), cert: pem(cert), key: pem(key) };
  }
  return overridden(inFile(options), options);
}

function inFile(options: KubeconfigOptions): Partial<Credentials> {
  const { kubeconfig: path, context, cluster, user } = options;
  if (path === undefined) return {};
  const text = readFileSync(path, 'utf8');
  const isChosen = context !== undefined || cluster !== undefined || user !== undefined;
  return (isChosen ? undefined : single(text)) ?? credentialsIn(text, path, options);
}

/** What is said on its own counts instead of what the file says. */
function overridden(found: Partial<Credentials>, options: KubeconfigOptions): Credentials {
  const { server = found.server, token, authority, insecure, as, asGroups, timeoutMs } = options;
  if (server === undefined) {
    const { kubeconfig: path } = options;
    throw new Error(`${path === undefined ? '' : `kubeconfig ${path}: `}there is no server`);
  }
  const { ca: heldCa, insecure: heldInsecure, cert, key, token: heldToken } = found;
  const ca = authority === undefined ? heldCa : pem(authority);
  const isInsecure = insecure ?? (authority === undefined && heldInsecure === true);
  const login = token ?? heldToken;
  return {
    server: server.includes('://') ? server : `https://${server}`,
    ...(isInsecure ? { insecure: true } : ca === undefined ? {} : { ca }),
    // Who brings a token does not want to be known by the file's certificate.
    ...(token !== undefined || cert === undefined || key === undefined ? {} : { cert, key }),
    ...(login === undefined ? {} : { token: login }),
    ...(as === undefined ? {} : { as }),
    ...(asGroups === undefined ? {} : { asGroups }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
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
