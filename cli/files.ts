/** A container's files through the API server: what `cp`, `diff`, `commit` and `export` share. */
import type { RemoteClient } from '#api/client/client.ts';
import { UsageError } from './arguments.ts';
import { findContainer } from './find-container.ts';

/** The path of an operation on `NAME` (a Container) or `pod/NAME` (its only container, or `container`). */
export function filesPath(
  of: { readonly text: string; readonly namespace: string; readonly container?: string },
  operation:
    | 'archive'
    | 'changes'
    | 'commit'
    | 'export'
    | 'inspect'
    | 'kill'
    | 'log'
    | 'rollback'
    | 'stats'
    | 'top',
  query = new URLSearchParams(),
): string {
  const { text, namespace, container } = of;
  const [kind, name] = text.includes('/') ? text.split('/') : ['container', text];
  if (name === undefined || name === '') throw new UsageError(`'${text}': the name is missing`);
  if (kind === 'pod' || kind === 'pods') {
    if (container !== undefined) query.set('container', container);
    return `/api/v1/namespaces/${namespace}/pods/${name}/${operation}?${query}`;
  }
  if (kind !== 'container' && kind !== 'containers') {
    throw new UsageError(`'${text}': name a container or pod/NAME`);
  }
  return `/apis/bayplan.dev/v1alpha1/namespaces/${namespace}/containers/${name}/${operation}?${query}`;
}

/** The name of the document that is meant. @throws Error in Docker's words when there is no such container */
export async function documentOf(client: RemoteClient, text: string, namespace: string) {
  if (text.includes('/')) return text;
  return (await findContainer(client, text, namespace)).metadata.name;
}
