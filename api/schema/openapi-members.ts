/** What OpenAPI documents are about: the kinds of each group-version, and hashes that change with them. */
import { createHash } from 'node:crypto';
import { apiVersionOf } from '../resources/meta.ts';
import type { Kind, Kinds } from './kind.ts';

/** Grows whenever what this code makes of the same facts changes, so that clients fetch documents anew. */
const formVersion = 2;

/** One group-version. */
export interface Member {
  readonly hash: string;
  readonly kinds: readonly Kind[];
}

const members = new WeakMap<Kinds, { generation: number; byPath: ReadonlyMap<string, Member> }>();

/** SHA-512 in upper-case hexadecimal. */
export function contentHash(content: string | Buffer): string {
  return createHash('sha512').update(content).digest('hex').toUpperCase();
}

/** Group-versions by their path: `api/v1`, `apis/apps/v1`. */
export function membersOf(kinds: Kinds): ReadonlyMap<string, Member> {
  const known = members.get(kinds);
  if (known !== undefined && known.generation === kinds.generation) return known.byPath;
  const groups = new Map<string, Kind[]>();
  for (const kind of kinds.all()) {
    const path = rootOf(kind);
    const list = groups.get(path) ?? [];
    groups.set(path, list);
    list.push(kind);
  }
  const byPath = new Map<string, Member>();
  for (const [path, list] of groups)
    byPath.set(path, { hash: memberHash(path, list), kinds: list });
  members.set(kinds, { generation: kinds.generation, byPath });
  return byPath;
}

/** Built-in kinds are the same as long as the program is; custom ones change with their definitions. */
/** `api/v1`, `apis/apps/v1`: what the kind's URLs start with. */
export function rootOf(kind: Kind): string {
  return kind.group === '' ? `api/${kind.version}` : `apis/${apiVersionOf(kind)}`;
}

/** Changes when any kind does. */
export function generationHash(kinds: Kinds): string {
  return contentHash([...membersOf(kinds).values()].map(({ hash }) => hash).join(' '));
}

function memberHash(path: string, kinds: readonly Kind[]): string {
  const custom = kinds.map(({ plural, kind, namespaced, subresources, custom }) =>
    custom === undefined
      ? plural
      : [plural, kind, namespaced, subresources, custom.openAPIV3Schema],
  );
  return contentHash(JSON.stringify([formVersion, process.version, path, custom]));
}

/** OpenAPI's name of a kind's component: `io.k8s.api.core.v1.Pod`, `com.example.stable.v1.CronTab`. */
export function componentName(kind: Kind): string {
  const builtIn = kind.custom === undefined ? kind.schema.name : undefined;
  if (builtIn !== undefined) return builtIn;
  return [...kind.group.split('.').reverse(), kind.version, kind.kind].join('.');
}
