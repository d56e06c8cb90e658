/**
 * Credentials as Docker keeps them: `config.json` with `auths`, `credHelpers` and `credsStore` (docker/cli config/configfile),
 * and the same JSON in secrets of the type `kubernetes.io/dockerconfigjson`.
 */

import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as t from 'io-ts';
import { matchingKeys } from '#api/resources/registry-keys.ts';
import { ImageError, type RegistryCredentials } from '../images.ts';

const Auth = t.partial({
  auth: t.string,
  username: t.string,
  password: t.string,
  identitytoken: t.string,
  registrytoken: t.string,
});

const DockerConfig = t.partial({
  auths: t.record(t.string, Auth),
  credHelpers: t.record(t.string, t.string),
  credsStore: t.string,
});
export type DockerConfig = t.TypeOf<typeof DockerConfig>;

/** Docker Hub's name in configuration files, from the days of its first API. */
const HUB = 'https://index.docker.io/v1/';
const HELPER_MS = 30_000;

/** Where Docker's tools keep it for the user this process runs as. */
export function defaultDockerConfig(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), 'config.json');
}

/** An absent file is an empty configuration. @throws ImageError `Registry` */
export async function readDockerConfig(path: string): Promise<DockerConfig> {
  let json: string;
  try {
    json = await readFile(path, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return {};
    throw new ImageError('Registry', `read the credentials ${path}: ${message}`, { cause });
  }
  return parseDockerConfig(json, path);
}

/** `where` names the text in errors, which never show what is in it. @throws ImageError `Registry` */
export function parseDockerConfig(json: string, where: string): DockerConfig {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new ImageError('Registry', `read the credentials ${where}: they are not JSON`);
  }
  const decoded = DockerConfig.decode(value);
  if (decoded._tag === 'Right') return decoded.right;
  const path = decoded.left[0]?.context.map(({ key }) => key).filter((key) => key !== '');
  const field = path?.join('.') || 'the top level';
  throw new ImageError(
    'Registry',
    `read the credentials ${where}: ${field} is not as Docker writes it`,
  );
}

/** `auths` of the older secrets (`.dockercfg`) is the whole document. */
export function legacyDockerConfig(json: string, where: string): DockerConfig {
  return parseDockerConfig(`{"auths":${json}}`, where);
}

/**
 * The `auths` that fit a repository (`host[:port]/path`), the most specific first. Nothing is asked of helpers.
 */
export function configuredAuths(
  { auths = {} }: DockerConfig,
  repository: string,
): readonly RegistryCredentials[] {
  const keys = matchingKeys(Object.keys(auths), repository);
  return keys.map((key) => credentialsOf(auths[key] ?? {})).filter((found) => found !== undefined);
}

function credentialsOf(auth: t.TypeOf<typeof Auth>): RegistryCredentials | undefined {
  const decoded = Buffer.from(auth.auth ?? '', 'base64')
    .toString('utf8')
    .replace(/\0+$/, '');
  const colon = decoded.indexOf(':');
  const username = auth.username ?? (colon === -1 ? undefined : decoded.slice(0, colon));
  const password = auth.password ?? (colon === -1 ? undefined : decoded.slice(colon + 1));
  if (auth.registrytoken) return { registryToken: auth.registrytoken };
  if (auth.identitytoken) return { identityToken: auth.identitytoken };
  return username ? { username, password: password ?? '' } : undefined;
}

/**
 * All that a configuration has for a repository: its helper's word, else its `auths`.
 * @throws ImageError `Registry` when a helper cannot be run
 */
export async function credentialsFor(
  config: DockerConfig,
  repository: string,
): Promise<readonly RegistryCredentials[]> {
  const domain = repository.split('/')[0] ?? '';
  const server = domain === 'docker.io' ? HUB : domain;
  const helper = config.credHelpers?.[server] ?? config.credHelpers?.[domain] ?? config.credsStore;
  const told = helper ? await askHelper(helper, server) : undefined;
  const written = configuredAuths(config, repository);
  return told === undefined ? written : [told, ...written];
}

/** docker-credential-helpers' protocol: the server's name on stdin, JSON on stdout. */
async function askHelper(helper: string, server: string): Promise<RegistryCredentials | undefined> {
  const program = `docker-credential-${helper}`;
  const answer = await runHelper(program, server).catch((cause: Error) => {
    throw new ImageError('Registry', `ask ${program} for ${server}: ${cause.message}`, { cause });
  });
  if (answer === undefined) return undefined;
  const { Username, Secret } = parseAnswer(program, answer);
  if (!Secret) return undefined;
  return Username === '<token>'
    ? { identityToken: Secret }
    : { username: Username, password: Secret };
}

function parseAnswer(program: string, answer: string): { Username: string; Secret: string } {
  try {
    const { Username = '', Secret = '' } = JSON.parse(answer) as Record<string, string>;
    return { Username, Secret };
  } catch {
    throw new ImageError('Registry', `ask ${program}: its answer is not JSON`);
  }
}

/** undefined: it has no credentials for the server. */
async function runHelper(program: string, server: string): Promise<string | undefined> {
  const child = spawn(program, ['get'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // Not `timeout`: its timer lives on when the program does not exist.
    signal: AbortSignal.timeout(HELPER_MS),
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  child.stdin.on('error', () => undefined); // it need not read
  child.stdin.end(server);
  const [code, output] = await Promise.all([ended, text(child.stdout)]);
  if (code === 0) return output;
  if (/not found/i.test(output)) return undefined;
  throw new Error(`it ended with ${code}: ${output.trim().slice(0, 200)}`);
}
