/** What files a configMap, secret, downwardAPI or projected volume holds. Pure: the objects are given. */
import type { ConfigMap, Pod, Secret, Volume } from '#api/resources/types.ts';
import { fieldOf, type ResourceField, resourceOf } from '../pod/env.ts';
import type { Payload, PayloadFile } from './atomic-writer.ts';
import type { TokenSource } from './pod-tokens.ts';
import { VolumeError } from './volume-error.ts';

export interface PayloadFacts {
  readonly pod: Pod;
  readonly hostIP: string;
  readonly allocatable: { readonly cpuMillis: number; readonly memoryBytes: number };
  /** The objects named by `payloadReferences`; those missing from the API give undefined. */
  readonly configMap: (name: string) => ConfigMap | undefined;
  readonly secret: (name: string) => Secret | undefined;
  readonly token: (source: TokenSource) => string;
}

interface Item {
  readonly key: string;
  readonly path: string;
  readonly mode?: number;
}

interface KeyedSource {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
  readonly items?: readonly Item[];
  readonly optional: boolean;
}

type Projection =
  | ({ readonly type: 'keyed' } & KeyedSource)
  | { readonly type: 'downward'; readonly items: readonly DownwardItem[] }
  | { readonly type: 'token'; readonly source: TokenSource };

interface DownwardItem {
  readonly path: string;
  readonly mode?: number;
  readonly fieldRef?: { readonly fieldPath: string };
  readonly resourceFieldRef?: {
    readonly containerName?: string;
    readonly resource: string;
    readonly divisor?: string;
  };
}

const standardMode = 0o644;

/** Whether the volume's content comes from the API and follows it. */
export function isPayloadVolume(volume: Volume): boolean {
  const { configMap, secret, downwardAPI, projected } = volume;
  return [configMap, secret, downwardAPI, projected].some((source) => source !== undefined);
}

/** The ConfigMaps and Secrets a volume shows. */
export function payloadReferences(
  volume: Volume,
): { readonly kind: 'ConfigMap' | 'Secret'; readonly name: string }[] {
  const keyed = projectionsOf(volume).filter((projection) => projection.type === 'keyed');
  return keyed.map(({ kind, name }) => ({ kind, name }));
}

/** The volume's files. @throws VolumeError */
export function volumePayload(volume: Volume, facts: PayloadFacts): Payload {
  const files = new Map<string, PayloadFile>();
  const fallback = defaultModeOf(volume);
  for (const projection of projectionsOf(volume)) {
    for (const [path, file] of filesOf(projection, facts, fallback)) {
      files.set(checkedPath(path), file);
    }
  }
  return files;
}

function filesOf(projection: Projection, facts: PayloadFacts, mode: number): Payload {
  if (projection.type === 'keyed') return keyedFiles(projection, facts, mode);
  if (projection.type === 'downward') return downwardFiles(projection.items, facts, mode);
  const { source } = projection;
  return new Map([[source.path, { content: Buffer.from(facts.token(source)), mode }]]);
}

function defaultModeOf({ configMap, secret, downwardAPI, projected }: Volume): number {
  const source = configMap ?? secret ?? downwardAPI ?? projected;
  return source?.defaultMode ?? standardMode;
}

/** The API refuses such paths already; a file outside the volume must not depend on that. */
function checkedPath(path: string): string {
  const parts = path.split('/');
  if (path.startsWith('/') || parts.some((part) => part === '..' || part === '')) {
    throw new VolumeError(`invalid path ${JSON.stringify(path)}: must stay inside the volume`);
  }
  return path;
}

function projectionsOf({ configMap, secret, downwardAPI, projected }: Volume): Projection[] {
  if (configMap !== undefined) return [keyed('ConfigMap', configMap.name, configMap)];
  if (secret !== undefined) return [keyed('Secret', secret.secretName, secret)];
  if (downwardAPI !== undefined) return [{ type: 'downward', items: downwardAPI.items ?? [] }];
  return (projected?.sources ?? []).flatMap((source): Projection[] => {
    if (source.configMap !== undefined) {
      return [keyed('ConfigMap', source.configMap.name, source.configMap)];
    }
    if (source.secret !== undefined) return [keyed('Secret', source.secret.name, source.secret)];
    if (source.downwardAPI !== undefined) {
      return [{ type: 'downward', items: source.downwardAPI.items ?? [] }];
    }
    if (source.serviceAccountToken !== undefined) {
      return [{ type: 'token', source: source.serviceAccountToken }];
    }
    throw new VolumeError(`projected source ${Object.keys(source).join()} is not supported yet`);
  });
}

function keyed(
  kind: KeyedSource['kind'],
  name: string | undefined,
  source: { readonly items?: readonly Item[]; readonly optional?: boolean },
): Projection {
  return {
    type: 'keyed',
    kind,
    name: name ?? '',
    ...(source.items === undefined ? {} : { items: source.items }),
    optional: source.optional === true,
  };
}

function keyedFiles(source: KeyedSource, facts: PayloadFacts, mode: number): Payload {
  const { kind, name, optional, items } = source;
  const content = kind === 'ConfigMap' ? configMapContent(facts, name) : secretContent(facts, name);
  const namespace = facts.pod.metadata.namespace;
  if (content === undefined) {
    if (optional) return new Map();
    throw new VolumeError(`${kind.toLowerCase()} "${namespace}/${name}" not found`);
  }
  if (items === undefined || items.length === 0) {
    return new Map([...content].map(([key, bytes]) => [key, { content: bytes, mode }]));
  }
  const files = new Map<string, PayloadFile>();
  for (const item of items) {
    const bytes = content.get(item.key);
    if (bytes !== undefined) files.set(item.path, { content: bytes, mode: item.mode ?? mode });
    else if (!optional) throw new VolumeError(`references non-existent ${kind} key: ${item.key}`);
  }
  return files;
}

function configMapContent(facts: PayloadFacts, name: string): Map<string, Buffer> | undefined {
  const found = facts.configMap(name);
  if (found === undefined) return undefined;
  return new Map([
    ...Object.entries(found.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const),
    ...base64Entries(found.binaryData),
  ]);
}

function secretContent(facts: PayloadFacts, name: string): Map<string, Buffer> | undefined {
  const found = facts.secret(name);
  return found === undefined ? undefined : new Map(base64Entries(found.data));
}

function base64Entries(data: Record<string, string> | undefined): [string, Buffer][] {
  return Object.entries(data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')]);
}

function downwardFiles(items: readonly DownwardItem[], facts: PayloadFacts, mode: number): Payload {
  const files = new Map<string, PayloadFile>();
  for (const item of items) {
    const content = Buffer.from(downwardText(item, facts));
    files.set(item.path, { content, mode: item.mode ?? mode });
  }
  return files;
}

function downwardText(item: DownwardItem, facts: PayloadFacts): string {
  if (item.fieldRef !== undefined) return fieldOf(item.fieldRef.fieldPath, facts);
  const field = item.resourceFieldRef;
  const spec = facts.pod.spec;
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const container = containers.find(({ name }) => name === field?.containerName);
  if (field === undefined || container === undefined) {
    throw new VolumeError(`downward API item ${item.path} names no container's resource`);
  }
  const { containerName: _name, ...reference } = field;
  return resourceOf(reference satisfies ResourceField, container, facts);
}
