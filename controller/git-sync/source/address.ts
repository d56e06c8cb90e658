/** Where a repository is, and what a Secret says to get in. */
import { SourceError } from './tree.ts';

export interface Address {
  readonly url: string;
  readonly scheme: 'file' | 'http' | 'https' | 'ssh';
}

/** `user@host:path`, as people write it for ssh. */
const short = /^(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9][A-Za-z0-9._-]*:(?!\/\/)[^\s]+$/;

/** @throws SourceError if it is none that is followed */
export function readAddress(url: string): Address {
  const refuse = (why: string) =>
    new SourceError('Refused', `spec.source.url: ${JSON.stringify(withoutLogin(url))} ${why}`);
  // What begins with a dash would be read as an option.
  if (/[\s\0]/.test(url) || url.startsWith('-')) throw refuse('is no address of a repository');
  if (!url.includes('://')) {
    if (short.test(url) && !url.includes('::')) return { url, scheme: 'ssh' };
    throw refuse('has no scheme; use https://, ssh:// or file://');
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const scheme = parsed?.protocol.slice(0, -1);
  if (parsed === undefined || parsed.hostname.startsWith('-')) throw refuse('is no address');
  if (scheme !== 'file' && scheme !== 'http' && scheme !== 'https' && scheme !== 'ssh') {
    throw refuse(`has the scheme ${scheme}, which is not followed; use https, ssh or file`);
  }
  if (parsed.password !== '' || (parsed.username !== '' && scheme !== 'ssh')) {
    throw refuse('holds a login; put it into a Secret and name that in spec.source.secret');
  }
  if (scheme === 'file' && parsed.hostname !== '')
    throw refuse('needs three slashes: file:///path');
  return { url, scheme };
}

const withoutLogin = (url: string): string => url.replace(/\/\/[^/@]*@/, '//…@');

/** A Secret's values as text, by key. */
export type Credentials = Readonly<Record<string, string>>;

/** Settings for git's environment that let it in over https. @throws SourceError */
export function httpSettings(
  { url, scheme }: Address,
  secret: Credentials,
  caFile: string,
): Record<string, string> {
  const origin = new URL(url).origin;
  const found: Record<string, string> = {};
  if (secret['ca.crt'] !== undefined) found['http.sslCAInfo'] = caFile;
  const token = secret['bearerToken'] ?? secret['token'];
  const header =
    token !== undefined
      ? `Bearer ${token.trim()}`
      : secret['username'] !== undefined || secret['password'] !== undefined
        ? `Basic ${Buffer.from(`${secret['username'] ?? 'git'}:${secret['password'] ?? ''}`).toString('base64')}`
        : undefined;
  if (header === undefined) return found;
  if (scheme === 'http') {
    throw new SourceError('Refused', 'spec.source.url: a login is not sent over http; use https');
  }
  if (/[\r\n\0]/.test(header)) throw new SourceError('Refused', 'the Secret holds a broken login');
  return { ...found, [`http.${origin}/.extraHeader`]: `Authorization: ${header}` };
}

/** How git starts ssh: with this key and these hosts alone. @throws SourceError if the paths would need quoting */
export function sshCommand(files: { readonly key: string; readonly hosts: string }): string {
  // Git hands the command to a shell: nothing in it may mean anything to one.
  const odd = [files.key, files.hosts].find((path) => !/^[\w./-]+$/.test(path));
  if (odd !== undefined) {
    throw new SourceError(
      'Refused',
      `ssh: the path ${odd} has characters other than letters and digits`,
    );
  }
  const options = {
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: files.hosts,
    GlobalKnownHostsFile: '/dev/null',
    BatchMode: 'yes',
    ConnectTimeout: '15',
    ServerAliveInterval: '15',
    PermitLocalCommand: 'no',
    ForwardAgent: 'no',
    ClearAllForwardings: 'yes',
  };
  const flags = Object.entries(options).map(([key, value]) => `-o ${key}=${value}`);
  return `ssh -F /dev/null -i ${files.key} ${flags.join(' ')}`;
}

/** @throws SourceError if the Secret lacks what ssh needs */
export function sshKeys(secret: Credentials | undefined): { key: string; hosts: string } {
  const key = secret?.['identity'] ?? secret?.['ssh-privatekey'];
  const hosts = secret?.['known_hosts'];
  const say = (what: string, how: string) =>
    new SourceError(
      'Refused',
      `ssh needs ${what} in the Secret that spec.source.secret names${how}`,
    );
  if (key === undefined) throw say('"identity" (a private key)', '');
  if (hosts === undefined) throw say('"known_hosts"', '; ssh-keyscan HOST writes it');
  return { key: key.endsWith('\n') ? key : `${key}\n`, hosts };
}
