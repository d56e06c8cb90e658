import t from 'tap';
import { secrets } from '#api/resources/resource-types.ts';
import type { Secret } from '#api/resources/types.ts';
import { bootstrapTokenController } from '#controller/bootstrap-token/controller.ts';
import { running } from '../../support/controllers.ts';

const token = (name: string, expiration?: string) =>
  ({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'bootstrap.kubernetes.io/token',
    metadata: { name, namespace: 'kube-system' },
    data:
      expiration === undefined ? {} : { expiration: Buffer.from(expiration).toString('base64') },
  }) as Secret;

t.test('a token goes when its time is over, another kind of Secret never', async (t) => {
  const run = running(bootstrapTokenController);
  t.teardown(() => run.stop());
  const all = run.api.collection<Secret>(secrets);
  const soon = new Date(run.clock.now() + 60_000).toISOString();
  await all.create(token('soon', soon));
  await all.create(token('old', '2020-01-01T00:00:00Z'));
  await all.create(token('broken', 'some day'));
  await all.create(token('lasting'));
  await all.create({ ...token('opaque', '2020-01-01T00:00:00Z'), type: 'Opaque' });
  run.start();
  await run.settle();
  const names = async () => (await all.list()).items.map(({ metadata }) => metadata.name).sort();
  t.same(await names(), ['lasting', 'opaque', 'soon']);
  await run.settle(61_000);
  t.same(await names(), ['lasting', 'opaque']);
  t.strictSame(run.failures, []);
});
