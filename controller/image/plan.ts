/** What an Image wants done on its nodes, and how it fares. Pure. */
import { readImageName } from '#api/resources/image-name.ts';
import type { HeldImage } from './node-images.ts';
import { imageStatus } from './status.ts';
import type { Image, ImageStatus, Snapshot } from './types.ts';
import { isPushed, type NodeView, type View, type Wanted } from './view.ts';

export interface Named {
  readonly node: string;
  /** Digest of the content on that node. */
  readonly source: string;
  readonly name: string;
}

export interface Plan {
  /** Nodes that lack the content. */
  readonly fetch: readonly string[];
  readonly tag: readonly Named[];
  readonly untag: readonly { readonly node: string; readonly name: string }[];
  readonly push: readonly Named[];
  readonly status: ImageStatus;
}

export function wantedOf({ spec }: Image, snapshot: Snapshot | undefined): Wanted {
  const { reference, archive, url, snapshot: source } = spec.source;
  if (reference !== undefined) return { type: 'reference', reference };
  if (url !== undefined) return { type: 'url', url };
  if (archive !== undefined) {
    const advice = 'load it there: bay image load FILE --node NODE';
    return { type: 'digest', digest: archive, advice };
  }
  const name = `the Snapshot ${source?.namespace}/${source?.name}`;
  const { digest, phase = 'Pending', node } = snapshot?.status ?? {};
  if (snapshot === undefined) return { type: 'nothing', why: `there is no ${name.slice(4)}` };
  if (digest === undefined) return { type: 'nothing', why: `${name} is ${phase}` };
  return {
    type: 'digest',
    digest,
    advice: `${name} was taken on the node ${node ?? 'of its container'}`,
  };
}

/** The content on a node, if it is there. */
export function heldOn(
  { held = [] }: NodeView,
  wanted: Wanted,
  { status, metadata }: Image,
): HeldImage | undefined {
  if (wanted.type === 'reference') {
    const { repository, tag, digest } = readImageName(wanted.reference);
    return digest === undefined
      ? held.find(({ tags }) => tag !== undefined && tags.includes(tag))
      : held.find(({ repoDigests = [] }) => repoDigests.includes(`${repository}@${digest}`));
  }
  if (wanted.type === 'digest') return held.find((image) => hasDigest(image, wanted.digest));
  const isKnown = status?.observedGeneration === metadata.generation;
  if (wanted.type === 'nothing' || !isKnown || status?.digest === undefined) return undefined;
  return held.find(({ digest }) => digest === status.digest);
}

const hasDigest = ({ digest, repoDigests = [] }: HeldImage, wanted: string): boolean =>
  digest === wanted || repoDigests.some((name) => name.endsWith(`@${wanted}`));

/** All names that the document gives: they go when it goes. */
export function namesOf({ spec }: Image): readonly string[] {
  const { source, tags = [], push = [] } = spec;
  const own = source.reference === undefined ? [] : [source.reference];
  const names = [...own, ...tags, ...push].map((name) => readImageName(name).tag);
  return [...new Set(names.filter((name) => name !== undefined))];
}

export function plan(view: View): Plan {
  const { image, nodes, snapshot } = view;
  const wanted = wantedOf(image, snapshot);
  const there = nodes.flatMap((node) => {
    const held = heldOn(node, wanted, image);
    return held === undefined ? [] : [{ node: node.name, held }];
  });
  const names = namesOf(image);
  const canFetch = wanted.type === 'reference' || wanted.type === 'url';
  const has = new Set(there.map(({ node }) => node));
  return {
    fetch: canFetch
      ? nodes
          .filter(({ name, held }) => held !== undefined && !has.has(name))
          .map(({ name }) => name)
      : [],
    tag: there.flatMap(({ node, held }) =>
      names
        .filter((name) => !held.tags.includes(name))
        .map((name) => ({ node, source: held.digest, name })),
    ),
    untag: nodes.flatMap(({ name: node, held }) =>
      staleNames(view, names)
        .filter((name) => held?.some(({ tags }) => tags.includes(name)))
        .map((name) => ({ node, name })),
    ),
    push: there
      .slice(0, 1)
      .flatMap(({ node, held }) =>
        (image.spec.push ?? [])
          .filter((target) => !isPushed(image, target, held.digest))
          .map((name) => ({ node, source: held.digest, name })),
      ),
    status: imageStatus(view, { wanted, there, names }),
  };
}

function staleNames({ image, othersNames }: View, names: readonly string[]): readonly string[] {
  return (image.status?.names ?? []).filter(
    (name) => !names.includes(name) && !othersNames.has(name),
  );
}
