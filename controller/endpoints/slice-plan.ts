/**
 * From the endpoints that should be told to the slices that tell them, changing as few slices as can be: whoever
 * watches them (each node does) gets every slice that is written, whole. Pure.
 */
import { equalJson } from '#api/resources/json.ts';
import type { OwnerReference } from '#api/resources/meta.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '#api/resources/types.ts';
import { canonicalJson, stableSuffix } from '#controller/runtime/stable-name.ts';
import type { AddressType } from './pod-endpoint.ts';

/** Endpoints that share family and ports: they may share a slice. */
export interface Group {
  readonly addressType: AddressType;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/** What all slices of one owner have in common. */
export interface Frame {
  readonly namespace: string;
  /** Names begin with it. */
  readonly prefix: string;
  /** Changes with every change of the owner or of its slices: a new slice never takes an old one's name. */
  readonly seed: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner: OwnerReference;
}

export interface SlicePlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

/** Kubernetes' default for `--max-endpoints-per-slice`. */
export const perSlice = 100;

/** Who an endpoint is, whatever its conditions. */
const identityOf = ({ addresses, targetRef }: Endpoint): string =>
  `${targetRef?.uid ?? ''}/${addresses.join(',')}`;

const portKey = (ports: readonly EndpointPort[]): string =>
  ports.map(canonicalJson).sort().join(',');

const groupKey = (group: Pick<Group, 'addressType' | 'ports'>): string =>
  `${group.addressType}/${portKey(group.ports)}`;

interface Filling {
  readonly slice: EndpointSlice;
  endpoints: Endpoint[];
}

/** Slices of types or ports that nobody wants any more go; each group is filled into the slices it has. */
export function slicePlan(
  frame: Frame,
  groups: readonly Group[],
  held: readonly EndpointSlice[],
): SlicePlan {
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  const remove: EndpointSlice[] = [];
  const taken = new Set(held.map(({ metadata }) => metadata.name));
  const byGroup = new Map<string, EndpointSlice[]>();
  for (const slice of held) {
    const key = groupKey({
      addressType: slice.addressType as AddressType,
      ports: slice.ports ?? [],
    });
    byGroup.set(key, [...(byGroup.get(key) ?? []), slice]);
  }
  for (const group of groups) {
    const key = groupKey(group);
    const { changed, emptied, left } = fill(frame, group, byGroup.get(key) ?? []);
    byGroup.delete(key);
    update.push(...changed);
    remove.push(...emptied);
    for (const [i, part] of left.entries()) {
      create.push(newSlice(frame, group, part, `${key}/${i}`, taken));
    }
  }
  remove.push(...[...byGroup.values()].flat());
  return { create, update, remove };
}

/** What stays where it is stays; newcomers go where something is written anyway, then where there is room. */
function fill(frame: Frame, group: Group, slices: readonly EndpointSlice[]) {
  const wanted = new Map(group.endpoints.map((endpoint) => [identityOf(endpoint), endpoint]));
  const fillings = slices.map((slice): Filling => {
    const kept = (slice.endpoints ?? []).flatMap((endpoint) => {
      const identity = identityOf(endpoint);
      const next = wanted.get(identity);
      wanted.delete(identity);
      return next === undefined ? [] : [next];
    });
    return { slice, endpoints: kept };
  });
  const fresh = [...wanted.values()];
  const isChanged = (one: Filling) => !equalJson(framed(frame, one), one.slice);
  const order = (a: Filling, b: Filling) =>
    Number(isChanged(b)) - Number(isChanged(a)) || b.endpoints.length - a.endpoints.length;
  for (const one of fillings.toSorted(order)) {
    one.endpoints.push(...fresh.splice(0, Math.max(0, perSlice - one.endpoints.length)));
  }
  const left: Endpoint[][] = [];
  while (fresh.length > 0) left.push(fresh.splice(0, perSlice));
  // A group without endpoints is told by one empty slice.
  const placeholder = group.endpoints.length === 0 ? fillings[0] : undefined;
  if (group.endpoints.length === 0 && fillings.length === 0) left.push([]);
  const stays = (one: Filling) => one.endpoints.length > 0 || one === placeholder;
  return {
    changed: fillings
      .filter(stays)
      .filter(isChanged)
      .map((one) => framed(frame, one)),
    emptied: fillings.filter((one) => !stays(one)).map(({ slice }) => slice),
    left,
  };
}

/** The slice with the wanted endpoints and what all slices have in common. */
function framed(
  { labels, annotations, owner }: Frame,
  { slice, endpoints }: Filling,
): EndpointSlice {
  const { annotations: _, ...metadata } = slice.metadata;
  const kept = (slice.endpoints ?? []).length === 0 && endpoints.length === 0;
  return {
    ...slice,
    metadata: {
      ...metadata,
      labels: { ...labels },
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
      ownerReferences: [owner],
    },
    ...(kept ? {} : { endpoints }),
  };
}

function newSlice(
  frame: Frame,
  { addressType, ports }: Group,
  endpoints: Endpoint[],
  key: string,
  taken: Set<string>,
): EndpointSlice {
  const { namespace, prefix, seed, labels, annotations, owner } = frame;
  let name = '';
  for (let i = 0; name === '' || taken.has(name); i += 1) {
    name = `${prefix.slice(0, 57)}-${stableSuffix(`${seed}/${key}/${i}`)}`;
  }
  taken.add(name);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      generateName: `${prefix}-`,
      namespace,
      labels: { ...labels },
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
      ownerReferences: [owner],
    },
    addressType,
    endpoints,
    ports: [...ports],
  };
}
