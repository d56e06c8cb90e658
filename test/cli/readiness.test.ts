/** When a cluster that starts may be called ready. */
import t from 'tap';
import type { Client } from '#api/client/collection.ts';
import { failure } from '#api/resources/status.ts';
import { furnished } from '#cli/up/readiness.ts';

t.test(
  'a cluster is furnished when every kind of ours and the default account answer',
  async (t) => {
    const missing = new Map([
      ['/apis/bayplan.dev/v1alpha1/containers?limit=1', 3],
      ['/api/v1/namespaces/default/serviceaccounts/default', 5],
    ]);
    const asked = new Map<string, number>();
    const request = async (_method: string, path: string) => {
      const times = (asked.get(path) ?? 0) + 1;
      asked.set(path, times);
      if (times <= (missing.get(path) ?? 0)) throw failure(404, 'NotFound', 'not yet');
      return {};
    };
    await furnished({ request } as unknown as Client);
    for (const [path, times] of missing) t.equal(asked.get(path), times + 1, path);
    t.ok(
      asked.has('/apis/bayplan.dev/v1alpha1/snapshots?limit=1'),
      'all kinds in crds/ are asked for',
    );
  },
);

t.test('a server that fails otherwise than by refusing is no reason to wait', async (t) => {
  const request = () => Promise.reject(new Error('the certificate is not ours'));
  await t.rejects(furnished({ request } as unknown as Client), /certificate/);
});
