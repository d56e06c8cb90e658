/**
 * The discovery documents: which groups, versions and resources are served. Legacy form (APIVersions, APIGroupList,
 * APIResourceList) and aggregated form (APIGroupDiscoveryList, v2 and v2beta1: the same shape).
 */
import { createHash } from 'node:crypto';
import { apiVersionOf } from '../resources/meta.ts';
import type { Kind, Kinds, Subresource } from './kind.ts';

/** A document ready to be sent. `etag` has its quotes; an aggregated document is cached by clients under it. */
export interface DiscoveryDocument {
  readonly bytes: Buffer;
  readonly etag: string;
}

const cache = new WeakMap<
  Kinds,
  { generation: number; documents: Map<string, DiscoveryDocument> }
>();

/** SHA-512 in upper-case hexadecimal, the form kube-apiserver's hashes have. */
export function hashOf(bytes: Buffer): string {
  return createHash('sha512').update(bytes).digest('hex').toUpperCase();
}

/** `GET /api`: the versions of the core group. `serverAddress`: `host:port` clients may use, as kube-apiserver tells it. */
export function apiVersions(serverAddress = '127.0.0.1:6443'): DiscoveryDocument {
  return documentOf({
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  });
}

/** `GET /apis`: all groups but the core one, the preferred version of each first. */
export function apiGroupList(kinds: Kinds): DiscoveryDocument {
  return cached(kinds, 'groups', () => ({
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: [...groupsOf(kinds)].filter(([group]) => group !== '').map(groupEntry),
  }));
}

/** `GET /apis/<group>`; undefined if the group is not served. */
export function apiGroup(kinds: Kinds, group: string): DiscoveryDocument | undefined {
  const versions = groupsOf(kinds).get(group);
  if (group === '' || versions === undefined) return undefined;
  return cached(kinds, `group ${group}`, () => ({
    kind: 'APIGroup',
    apiVersion: 'v1',
    ...groupEntry([group, versions]),
  }));
}

/** `GET /api/v1` and `GET /apis/<group>/<version>`; undefined if it is not served. */
export function apiResourceList(
  kinds: Kinds,
  group: string,
  version: string,
): DiscoveryDocument | undefined {
  const members = groupsOf(kinds).get(group)?.get(version);
  if (members === undefined) return undefined;
  return cached(kinds, `resources ${group}/${version}`, () => ({
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: apiVersionOf({ group, version }),
    resources: members.flatMap(resourceEntries),
  }));
}

/** `GET /api` or `/apis` for clients that accept an APIGroupDiscoveryList. */
export function aggregated(
  kinds: Kinds,
  which: 'api' | 'apis',
  version: 'v2' | 'v2beta1',
): DiscoveryDocument {
  return cached(kinds, `${which} ${version}`, () => ({
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: [...groupsOf(kinds)]
      .filter(([group]) => (group === '') === (which === 'api'))
      .map(([group, versions]) => ({
        metadata:
          group === '' ? { creationTimestamp: null } : { name: group, creationTimestamp: null },
        versions: [...versions].map(([name, members]) => ({
          version: name,
          resources: members.map(aggregatedEntry),
          freshness: 'Current',
        })),
      })),
  }));
}

function cached(kinds: Kinds, name: string, make: () => object): DiscoveryDocument {
  let entry = cache.get(kinds);
  if (entry === undefined || entry.generation !== kinds.generation) {
    entry = { generation: kinds.generation, documents: new Map() };
    cache.set(kinds, entry);
  }
  let document = entry.documents.get(name);
  if (document === undefined) {
    document = documentOf(make());
    entry.documents.set(name, document);
  }
  return document;
}

function documentOf(value: object): DiscoveryDocument {
  const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
  return { bytes, etag: `"${hashOf(bytes)}"` };
}

/** Group -> version -> kinds. Built-in groups keep their order; versions of custom groups go by Kubernetes' priority. */
function groupsOf(kinds: Kinds): ReadonlyMap<string, ReadonlyMap<string, readonly Kind[]>> {
  const groups = new Map<string, Map<string, Kind[]>>();
  for (const kind of kinds.all()) {
    const versions = groups.get(kind.group) ?? new Map<string, Kind[]>();
    groups.set(kind.group, versions);
    const members = versions.get(kind.version) ?? [];
    versions.set(kind.version, members);
    members.push(kind);
  }
  for (const [group, versions] of groups) {
    groups.set(group, new Map([...versions].sort(([a], [b]) => compareVersions(a, b))));
  }
  return groups;
}

const versionForm = /^v(\d+)(?:(alpha|beta)(\d+))?$/;
const maturity = (stage: string | undefined): number =>
  stage === undefined ? 2 : stage === 'beta' ? 1 : 0;

/**
 * Kubernetes' order of preference: GA before beta before alpha, newer before older, anything else last by name.
 * Source: k8s.io/apimachinery/pkg/version, CompareKubeAwareVersionStrings.
 */
export function compareVersions(a: string, b: string): number {
  const left = versionForm.exec(a);
  const right = versionForm.exec(b);
  if (left === null && right === null) return a < b ? -1 : a > b ? 1 : 0;
  if (left === null || right === null) return left === null ? 1 : -1;
  return (
    maturity(right[2]) - maturity(left[2]) ||
    Number(right[1]) - Number(left[1]) ||
    Number(right[3] ?? 0) - Number(left[3] ?? 0)
  );
}

function groupEntry([name, versions]: [string, ReadonlyMap<string, readonly Kind[]>]): object {
  const entries = [...versions.keys()].map((version) => ({
    groupVersion: `${name}/${version}`,
    version,
  }));
  return { name, versions: entries, preferredVersion: entries[0] };
}

function resourceEntries(kind: Kind): object[] {
  const { plural, namespaced, shortNames, categories } = kind;
  const main = {
    name: plural,
    singularName: kind.singular,
    namespaced,
    kind: kind.kind,
    verbs: kind.verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(kind.virtual || !kind.verbs.includes('create')
      ? {}
      : { storageVersionHash: storageVersionHash(kind) }),
  };
  return [main, ...kind.subresources.map((sub) => subresourceEntry(kind, sub))];
}

/** What StorageVersionHash in apiserver/pkg/endpoints/discovery gives for the version objects are stored in. */
function storageVersionHash(kind: Kind): string {
  const slash = kind.storageApiVersion.lastIndexOf('/');
  const group = kind.storageApiVersion.slice(0, Math.max(slash, 0));
  const text = `${group}/${kind.storageApiVersion.slice(slash + 1)}/${kind.kind}`;
  return createHash('sha256').update(text).digest().subarray(0, 8).toString('base64');
}

function subresourceEntry(kind: Kind, sub: Subresource): object {
  const elsewhere = sub.group !== kind.group || sub.version !== kind.version;
  return {
    name: `${kind.plural}/${sub.name}`,
    singularName: '',
    namespaced: kind.namespaced,
    ...(elsewhere ? { group: sub.group, version: sub.version } : {}),
    kind: sub.kind,
    verbs: sub.verbs,
  };
}

function aggregatedEntry(kind: Kind): object {
  const { plural, singular, shortNames, categories, subresources } = kind;
  const custom = kind.custom !== undefined;
  return {
    resource: plural,
    responseKind: responseKind(kind, custom ? kind : { group: '', version: '' }),
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: kind.verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0
      ? {}
      : { subresources: subresources.map((sub) => aggregatedSubresource(kind, sub)) }),
  };
}

function aggregatedSubresource(kind: Kind, sub: Subresource): object {
  const same =
    kind.custom === undefined && sub.group === kind.group && sub.version === kind.version;
  return {
    subresource: sub.name,
    responseKind: responseKind(sub, same ? { group: '', version: '' } : sub),
    verbs: sub.verbs,
  };
}

function responseKind(
  { kind }: { readonly kind: string },
  { group, version }: { readonly group: string; readonly version: string },
): object {
  return { group, version, kind };
}
