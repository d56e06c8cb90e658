/**
 * A container that was created and never started has no node yet. Docker copies into it, out of it and commits it all the
 * same: what is asked for its files first gives it a node, where it is started later.
 */
import * as TE from 'fp-ts/lib/TaskEither.js';
import { objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { failure } from '#api/resources/status.ts';
import type { WatchCache } from '../../storage/watch-cache.ts';
import { changeStored } from '../../verbs/change.ts';
import { type ApiContext, storageKey } from '../../verbs/request.ts';
import type { ResourceTarget } from '../request-info.ts';

/** What a container that has never run can be asked for. */
const operations = new Set(['archive', 'changes', 'commit', 'export']);

/** Whether its document wants it at rest, and no node has it. Pure. */
export function isUnplaced(container: KubeObject): boolean {
  const { state } = objectOr(container['spec']);
  const isAtRest = state === 'Created' || state === 'Stopped';
  return isAtRest && stringOr(objectOr(container['status'])['node']) === '';
}

function mayTake(node: KubeObject): boolean {
  const spec = objectOr(node['spec']);
  const isReady = objectsOf(objectOr(node['status'])['conditions']).some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  );
  const isClosed = objectsOf(spec['taints']).some(({ effect }) => effect !== 'PreferNoSchedule');
  return isReady && spec['unschedulable'] !== true && !isClosed;
}

const holds = (node: KubeObject, image: string): boolean =>
  objectsOf(objectOr(node['status'])['images']).some(({ names }) =>
    (Array.isArray(names) ? names.map(String) : []).some(
      (name) => name === image || name.endsWith(`/${image}`) || name.endsWith(`/${image}:latest`),
    ),
  );

/** A node that holds the image, else any that takes pods; undefined: none does. Pure. */
export function nodeFor(nodes: readonly KubeObject[], image: string): string | undefined {
  const able = nodes.filter(mayTake);
  return (able.find((node) => holds(node, image)) ?? able[0])?.metadata.name;
}

const nodesOf = (cache: WatchCache): KubeObject[] =>
  cache.list('/registry/minions/').entries.map((entry) => entry.object());

/** Gives the container a node if it has none and is asked for its files. @throws StatusError 503 without any node */
export async function settle(context: ApiContext, target: ResourceTarget): Promise<void> {
  const { group, resource, namespace, name = '', subresource = '' } = target;
  if (group !== 'bayplan.dev' || resource !== 'containers' || !operations.has(subresource)) return;
  const kind = context.kinds.ofObject('bayplan.dev/v1alpha1', 'Container');
  if (kind === undefined) return;
  const key = storageKey(kind, namespace, name);
  const found = context.cache.get(key)?.object();
  if (found === undefined || !isUnplaced(found)) return;
  const node = nodeFor(nodesOf(context.cache), stringOr(objectOr(found['spec'])['image']));
  if (node === undefined) {
    const why = `container ${name} has no files yet, and no node is ready to make them`;
    throw failure(503, 'ServiceUnavailable', `${why}; see bay get nodes`);
  }
  // The server itself writes this: whoever may copy files need not be allowed to write a status.
  const { guard: _, ...own } = context;
  await changeStored(own, { kind, key, name, onConflict: 'retry', dryRun: false }, (container) =>
    TE.right(
      isUnplaced(container)
        ? { ...container, status: { ...objectOr(container['status']), node } }
        : container,
    ),
  );
}
