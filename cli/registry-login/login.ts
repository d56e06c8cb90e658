/**
 * Logins where docker's tools keep them: `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`, or the credential helper
 * that it names. All else in the file stays as it is.
 */
import { chmod, mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { askHelper, eraseInHelper, storeInHelper } from './credential-helper.ts';

/** As `X-Registry-Auth` has it. */
export type StoredLogin =
  | { readonly username: string; readonly password: string }
  | { readonly identitytoken: string }
  | { readonly registrytoken: string };

interface Auth {
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

interface ConfigFile {
  readonly auths?: Readonly<Record<string, Auth>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

/** Docker Hub's name in the file. */
const hub = 'https://index.docker.io/v1/';

/** A registry as the file names it; nothing is Docker Hub. */
export function serverKey(text = ''): string {
  const host = text.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  return ['', 'docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(host) ? hub : host;
}

/** Keys may have a scheme and the API's version; a path stays, it makes another key. */
const sameKey = (name: string, key: string): boolean => {
  const plain = name.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');
  return plain.includes('/') ? false : serverKey(plain) === key;
};

/** The same as a host that can be asked. */
export const serverHost = (key: string): string => (key === hub ? 'docker.io' : key);

export const configPath = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), 'config.json');

const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

async function readConfig(path: string): Promise<ConfigFile> {
  const json = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return '{}';
    throw new Error(`read the logins in ${path}: ${(error as Error).message}`);
  });
  try {
    const config: unknown = JSON.parse(json);
    if (config instanceof Object && !Array.isArray(config)) return config;
  } catch {
    // Told below, without what is in it.
  }
  throw new Error(`read the logins in ${path}: it is not a JSON object; repair or remove it`);
}

/** Whole or not at all, for its owner alone. Where it is a link, what that leads to is written. */
async function writeConfig(path: string, config: ConfigFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const target = await realpath(path).catch((error: unknown) => {
    if (isMissing(error)) return path;
    throw error;
  });
  const written = `${target}.${process.pid}`;
  await writeFile(written, `${JSON.stringify(config, undefined, '\t')}\n`, { mode: 0o600 });
  await chmod(written, 0o600);
  await rename(written, target);
}

const helperOf = ({ credHelpers, credsStore }: ConfigFile, key: string): string | undefined =>
  credHelpers?.[key] ?? credHelpers?.[serverHost(key)] ?? (credsStore || undefined);

function written({ auths = {} }: ConfigFile, key: string): StoredLogin | undefined {
  const found = Object.keys(auths).find((name) => sameKey(name, key));
  const { auth = '', identitytoken, registrytoken } = auths[found ?? ''] ?? {};
  if (registrytoken) return { registrytoken };
  if (identitytoken) return { identitytoken };
  const pair = Buffer.from(auth, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 1) return undefined;
  return { username: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

/** The login for a registry, if there is one. */
export async function loginOf(key: string, path = configPath()): Promise<StoredLogin | undefined> {
  const config = await readConfig(path);
  const helper = helperOf(config, key);
  const told = helper === undefined ? undefined : await askHelper(helper, key);
  return told ?? written(config, key);
}

/** Gives the helper that keeps it; undefined: the file does, readable for its owner. */
export async function keepLogin(
  key: string,
  login: { readonly username: string; readonly password: string },
  path = configPath(),
): Promise<string | undefined> {
  const config = await readConfig(path);
  const helper = helperOf(config, key);
  if (helper !== undefined) await storeInHelper(helper, key, login);
  const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  const entry = helper === undefined ? { auth } : {};
  await writeConfig(path, { ...config, auths: { ...others(config, key), [key]: entry } });
  return helper;
}

const others = ({ auths = {} }: ConfigFile, key: string): Record<string, Auth> =>
  Object.fromEntries(Object.entries(auths).filter(([name]) => !sameKey(name, key)));

/** Whether there was one. */
export async function forgetLogin(key: string, path = configPath()): Promise<boolean> {
  const config = await readConfig(path);
  const helper = helperOf(config, key);
  const left = others(config, key);
  const wasThere = Object.keys(left).length < Object.keys(config.auths ?? {}).length;
  if (helper !== undefined) await eraseInHelper(helper, key);
  if (wasThere) await writeConfig(path, { ...config, auths: left });
  return wasThere || helper !== undefined;
}
