/** `bay pause`: freezes all processes of containers; the document says so, and it stays so over restarts of the agent. */
import { containersOf } from '../container.ts';
import { eachContainer } from '../lifecycle.ts';
import { untilPhase } from '../pausing.ts';

export const run = (args: readonly string[]): Promise<number> =>
  eachContainer(args, 'pause', async (client, ref) => {
    const { status } = await containersOf(client).get(ref);
    if (status?.phase === 'paused') throw new Error(`Container ${ref.name} is already paused`);
    if (status?.phase !== 'running') throw new Error(`Container ${ref.name} is not running`);
    await untilPhase(client, ref, { state: 'Paused', phase: 'paused' });
  });
