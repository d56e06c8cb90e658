/** What `pause` and `unpause` share. */
import type { RemoteClient } from '#api/client/client.ts';
import { type Container, containersOf, trouble } from './container.ts';
import { type Ref, want } from './lifecycle.ts';
import { until } from './up/readiness.ts';

/** Says the wanted state and waits until the container is so. @throws Error when it ends meanwhile */
export async function untilPhase(
  client: RemoteClient,
  ref: Ref,
  wanted: { readonly state: 'Running' | 'Paused'; readonly phase: 'running' | 'paused' },
): Promise<void> {
  let found: Container = await want(client, ref, wanted.state);
  const holds = async () => {
    found = await containersOf(client).get(ref);
    const { phase = '' } = found.status ?? {};
    if (['exited', 'dead', 'removing'].includes(phase)) {
      throw new Error(`Container ${ref.name} is not running`);
    }
    return phase === wanted.phase;
  };
  await until(`container ${ref.name} to be ${wanted.phase}`, holds).catch((cause: Error) => {
    throw new Error(trouble(found) ?? cause.message, { cause });
  });
}
