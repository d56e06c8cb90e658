/** `--network`, `--ipc` and `--pid container:NAME`: which document is meant. */
import type { RemoteClient } from '#api/client/client.ts';
import type { Container } from '../container.ts';
import { findContainer } from '../find-container.ts';

const kinds = ['network', 'ipc', 'pid'] as const;
const prefix = 'container:';

/**
 * The document with the names of the documents instead of what they are called. `now`: it is to run at once.
 * @throws Error in Docker's words for one that is not there, or does not run
 */
export async function withShared(
  client: RemoteClient,
  wanted: Container,
  when: 'now' | 'later',
): Promise<Container> {
  const found = kinds.map(async (kind) => {
    const mode = wanted.spec[kind];
    if (mode?.startsWith(prefix) !== true) return {};
    const name = mode.slice(prefix.length);
    const { metadata, status } = await findContainer(
      client,
      name,
      wanted.metadata.namespace ?? 'default',
    );
    if (when === 'now' && !['running', 'paused'].includes(status?.phase ?? '')) {
      throw new Error(`cannot join ${kind} of a non running container: ${name}`);
    }
    return { [kind]: `${prefix}${metadata.name}` };
  });
  return { ...wanted, spec: Object.assign({ ...wanted.spec }, ...(await Promise.all(found))) };
}
