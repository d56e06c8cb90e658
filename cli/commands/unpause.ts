/** `bay unpause`: lets paused containers go on. */
import { containersOf } from '../container.ts';
import { eachContainer, stateOf } from '../lifecycle.ts';
import { untilPhase } from '../pausing.ts';

export const run = (args: readonly string[]): Promise<number> =>
  eachContainer(args, 'unpause', async (client, ref) => {
    const container = await containersOf(client).get(ref);
    if (container.status?.phase !== 'paused' && stateOf(container) !== 'Paused') {
      throw new Error(`Container ${ref.name} is not paused`);
    }
    await untilPhase(client, ref, { state: 'Running', phase: 'running' });
  });
