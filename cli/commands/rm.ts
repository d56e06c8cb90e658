/** `bay rm`: removes containers; one that runs only with `--force`. */
import { hasReason } from '#api/resources/status.ts';
import { containersOf } from '../container.ts';
import { eachContainer, isUp } from '../lifecycle.ts';
import { until } from '../up/readiness.ts';

export const run = (args: readonly string[]): Promise<number> =>
  eachContainer(args, 'rm', async (client, ref, { force }) => {
    const all = containersOf(client);
    if (isUp(await all.get(ref)) && !force) {
      const why = 'container is running: stop the container before removing or force remove';
      throw new Error(`cannot remove container "${ref.name}": ${why}`);
    }
    await all.delete(ref, { propagationPolicy: 'Background' });
    const isGone = () =>
      all.get(ref).then(
        () => false,
        (error: unknown) => {
          if (hasReason(error, 'NotFound')) return true;
          throw error;
        },
      );
    await until(`${ref.name} to be gone`, isGone, Number.POSITIVE_INFINITY);
  });
