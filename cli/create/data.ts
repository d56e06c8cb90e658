/** `bay create configmap` and `bay create secret`. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { configMaps, secrets } from '#api/resources/resource-types.ts';
import { UsageError } from '../arguments.ts';
import { toJson } from '../documents/go-text.ts';
import { withHash } from './data-hash.ts';
import { type DataWords, dataFlags, readData } from './data-sources.ts';
import { type Draft, kindOf } from './kind.ts';

const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(bytes: Buffer): string | undefined {
  try {
    return text.decode(bytes);
  } catch {
    return undefined;
  }
}

const optional = (field: string, values: object) =>
  Object.keys(values).length === 0 ? {} : { [field]: values };

export const configMap = kindOf({
  type: configMaps,
  flags: dataFlags,
  make({ name, values }) {
    const data: Record<string, string> = {};
    const binaryData: Record<string, string> = {};
    const found = readData(values, {
      invalid: (key) => `"${key}" is not a valid key name for a ConfigMap:`,
      twice: (key) =>
        `cannot add key "${key}", another key by that name already exists in Data for ConfigMap "${name}"`,
    });
    for (const [key, bytes] of found) {
      const readable = textOf(bytes);
      if (readable === undefined) binaryData[key] = bytes.toString('base64');
      else data[key] = readable;
    }
    const made: Draft = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name },
      ...optional('data', data),
      ...optional('binaryData', binaryData),
    };
    if (values['append-hash'] !== true) return made;
    const hashed = { ...made, data };
    const fields = ['kind', 'name', 'data'];
    const named = withHash(hashed, 'binaryData' in made ? [...fields, 'binaryData'] : fields);
    return { ...made, metadata: named.metadata };
  },
});

const secretWords: DataWords = {
  invalid: (key) => `"${key}" is not valid key name for a Secret`,
  twice: (key) => `cannot add key ${key}, another key by that name already exists`,
};

function secretOf(
  name: string,
  type: string | undefined,
  found: ReadonlyMap<string, Buffer>,
  isHashed: boolean | undefined,
): Draft {
  const data = Object.fromEntries(
    [...found].map(([key, bytes]) => [key, bytes.toString('base64')]),
  );
  const made = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name },
    ...(type === undefined ? {} : { type }),
    ...optional('data', data),
  };
  if (isHashed !== true) return made;
  const hashed = { ...made, data, type: type ?? '' };
  return { ...made, metadata: withHash(hashed, ['kind', 'name', 'type', 'data']).metadata };
}

export const secretGeneric = kindOf({
  type: secrets,
  flags: { ...dataFlags, type: { type: 'string' } },
  make: ({ name, values }) =>
    secretOf(name, values.type, readData(values, secretWords), values['append-hash']),
});

function pemOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file or directory' : message;
    throw new Error(`Cannot read file ${path}, open ${path}: ${why}`, { cause: error });
  }
}

/** @throws UsageError if they do not belong together, in the words of Go's TLS library */
function checkPair(cert: Buffer, key: Buffer): void {
  for (const [bytes, what] of [
    [cert, 'certificate'],
    [key, 'key'],
  ] as const) {
    if (bytes.includes('-----BEGIN ')) continue;
    throw new UsageError(`tls: failed to find any PEM data in ${what} input`);
  }
  let isPair: boolean;
  try {
    isPair = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw new UsageError(`tls: failed to read the certificate or key: ${(error as Error).message}`);
  }
  if (!isPair) throw new UsageError('tls: private key does not match public key');
}

export const secretTls = kindOf({
  type: secrets,
  flags: { cert: { type: 'string' }, key: { type: 'string' }, 'append-hash': { type: 'boolean' } },
  make({ name, values }) {
    if (values.cert === undefined || values.key === undefined) {
      throw new UsageError('key and cert must be specified');
    }
    const cert = pemOf(values.cert);
    const key = pemOf(values.key);
    checkPair(cert, key);
    const data = new Map([
      ['tls.crt', cert],
      ['tls.key', key],
    ]);
    return secretOf(name, 'kubernetes.io/tls', data, values['append-hash']);
  },
});

const configKey = '.dockerconfigjson';

export const secretDockerRegistry = kindOf({
  type: secrets,
  flags: {
    'docker-server': { type: 'string' },
    'docker-username': { type: 'string' },
    'docker-password': { type: 'string' },
    'docker-email': { type: 'string' },
    'from-file': { type: 'string', multiple: true },
    'append-hash': { type: 'boolean' },
  },
  make({ name, values }) {
    const {
      'docker-server': server = 'https://index.docker.io/v1/',
      'docker-username': username = '',
      'docker-password': password = '',
      'docker-email': email = '',
      'from-file': files = [],
    } = values;
    if (files.length === 0 && (username === '' || password === '' || server === '')) {
      throw new UsageError(
        'either --from-file or the combination of --docker-username, --docker-password and --docker-server is required',
      );
    }
    const type = 'kubernetes.io/dockerconfigjson';
    if (files.length > 0) {
      const named = files.map((file) => (file.includes('=') ? file : `${configKey}=${file}`));
      const read = readData({ 'from-file': named }, secretWords);
      return secretOf(name, type, read, values['append-hash']);
    }
    // The order of kubectl's own fields: what is kept is a text.
    const auth = Buffer.from(`${username}:${password}`).toString('base64');
    const login = { username, password, ...(email === '' ? {} : { email }), auth };
    const fields = Object.entries(login).map(([key, one]) => `"${key}":${toJson(one, 0)}`);
    const config = `{"auths":{${toJson(server, 0)}:{${fields.join(',')}}}}`;
    const data = new Map([[configKey, Buffer.from(config)]]);
    return secretOf(name, type, data, values['append-hash']);
  },
});
