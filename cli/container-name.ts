/** What a new container is called: Docker allows more than documents do, and a renamed container's first name is free. */
import { randomBytes } from 'node:crypto';
import type { RemoteClient } from '#api/client/client.ts';
import { hasReason } from '#api/resources/status.ts';
import { UsageError } from './arguments.ts';
import { type Container, containersOf } from './container.ts';
import { findByName, idOf, nameLabel, nameOf } from './find-container.ts';

const allowed = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const documentName = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/** @throws Error for what is no name in Docker, UsageError for one that documents cannot have */
export function checkName(name: string): void {
  if (!allowed.test(name)) {
    throw new Error(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  if (documentName.test(name) || (name.length <= 63 && /[a-zA-Z0-9]$/.test(name))) return;
  throw new UsageError(
    `container name ${name}: at most 63 characters, a letter or digit at the end`,
  );
}

/** @throws Error in Docker's words when somebody has the name */
export async function refuseTaken(client: RemoteClient, name: string, namespace: string) {
  const holder = await findByName(client, name, namespace);
  if (holder === undefined) return;
  throw new Error(
    `Conflict. The container name "/${nameOf(holder)}" is already in use by container "${idOf(holder)}". ` +
      'You have to remove (or rename) that container to be able to reuse that name.',
  );
}

/** The labels that make a document be called so. */
export const namedAs = (name: string, document: string): Record<string, string | null> => ({
  [nameLabel]: name === document ? null : name,
});

/** Creates the document under its name, or one that is near it. @throws Error in Docker's words for a name in use */
export async function createNamed(client: RemoteClient, wanted: Container): Promise<Container> {
  const { name, namespace = 'default' } = wanted.metadata;
  checkName(name);
  await refuseTaken(client, name, namespace);
  const all = containersOf(client);
  if (documentName.test(name)) {
    try {
      return await all.create(wanted);
    } catch (error) {
      // Its holder is called otherwise now.
      if (!hasReason(error, 'AlreadyExists')) throw error;
      await refuseTaken(client, name, namespace);
    }
  }
  const stem = name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/-+$/, '')
    .slice(0, 50);
  const metadata = {
    ...wanted.metadata,
    name: `${stem}-${randomBytes(4).toString('hex')}`,
    labels: { ...wanted.metadata.labels, [nameLabel]: name },
  };
  return all.create({ ...wanted, metadata });
}
