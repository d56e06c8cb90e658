/**
 * How registries are reached: `<dataDir>/registries.json`, read anew for each pull and push.
 *
 *     { "registries": {
 *         "docker.io":        { "mirrors": ["https://mirror.example.com", "http://10.0.0.5:5000/hub"] },
 *         "registry.lan:5000": { "insecure": "http" },
 *         "corp.example.com": { "ca": "/etc/ssl/corp.pem" } },
 *       "dockerConfig": "/root/.docker/config.json" }
 */

import { readFile } from 'node:fs/promises';
import * as t from 'io-ts';
import { ImageError } from '../images.ts';

const RegistryFields = t.partial({
  /** Asked in this order before the registry itself, for pulls only. */
  mirrors: t.array(t.string),
  /** `http`: no TLS at all. `skip-verify`: any certificate is good. */
  insecure: t.union([t.literal('http'), t.literal('skip-verify')]),
  /** Path of a PEM file: CAs trusted besides the machine's. */
  ca: t.string,
  /** Layers are fetched from the URLs their descriptors name when the registry has not got them. */
  foreignLayers: t.boolean,
});
export type RegistrySettings = t.TypeOf<typeof RegistryFields>;

const Settings = t.partial({
  registries: t.record(t.string, RegistryFields),
  dockerConfig: t.string,
});
export type Settings = t.TypeOf<typeof Settings>;

/** @throws ImageError `Registry` naming the file, the field and what it should be */
export async function readSettings(path: string): Promise<Settings> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw wrong(path, (cause as Error).message);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw wrong(path, (cause as Error).message);
  }
  return decodeSettings(path, json);
}

function decodeSettings(path: string, json: unknown): Settings {
  const decoded = Settings.decode(json);
  if (decoded._tag === 'Left') {
    // Of a union's several complaints the last goes deepest; numbers are its members.
    const { context, value } = decoded.left.at(-1) ?? { context: [], value: json };
    const keys = context.map(({ key }) => key).filter((key) => key !== '');
    const field = keys.filter((key, i) => !(/^[01]$/.test(key) && keys[i - 1] === 'insecure'));
    const union = context.find(({ key }) => key === 'insecure')?.type.name;
    const wanted = union ?? context.at(-1)?.type.name ?? 'something else';
    throw wrong(path, `${field.join('.')}: ${JSON.stringify(value)} is not ${wanted}`);
  }
  checkNames(path, 'the document', json, Settings.props);
  for (const [name, fields] of Object.entries(decoded.right.registries ?? {})) {
    checkNames(path, `registries.${name}`, fields, RegistryFields.props);
    for (const mirror of fields.mirrors ?? []) checkMirror(path, name, mirror);
  }
  return decoded.right;
}

function checkNames(path: string, where: string, found: unknown, known: object): void {
  const odd = Object.keys(found as object).find((key) => !Object.hasOwn(known, key));
  if (odd === undefined) return;
  throw wrong(
    path,
    `${where} has the unknown field "${odd}"; known: ${Object.keys(known).join(', ')}`,
  );
}

function checkMirror(path: string, name: string, mirror: string): void {
  const url = URL.canParse(mirror) ? new URL(mirror) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return;
  throw wrong(path, `registries.${name}.mirrors: "${mirror}" is not an http or https URL`);
}

function wrong(path: string, why: string): ImageError {
  return new ImageError('Registry', `read the registry settings ${path}: ${why}`);
}
