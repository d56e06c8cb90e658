/** Whoever may not read a secret meets it nowhere: not in answers, failures, logs or metrics. */
import t from 'tap';
import { startTestServer } from '../../support/api-server.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const canary = 'canary-7f3a91';
await raw(server, 'POST', '/api/v1/namespaces/kube-system/secrets', {
  body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'hidden' }, stringData: { canary } },
});

t.test(
  'a secret is told to nobody who may not read it (CVE-2025-55190, CVE-2025-23216)',
  async (t) => {
    const hidden = '/api/v1/namespaces/kube-system/secrets/hidden';
    const encoded = Buffer.from(canary).toString('base64');
    const as = (identity: string, path: string) => raw(server, 'GET', path, { identity });
    const answers = [
      await as('node-n1', hidden),
      await as('node-n1', '/api/v1/secrets'),
      await as('', hidden),
      await raw(server, 'POST', '/api/v1/namespaces/kube-system/secrets', {
        body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'hidden' } },
      }),
      await raw(server, 'PATCH', hidden, {
        body: { data: { other: 'not base64!' } },
        headers: { 'content-type': 'application/merge-patch+json' },
      }),
      await raw(server, 'GET', '/metrics'),
      await raw(server, 'GET', '/api/v1/events'),
      await raw(server, 'GET', '/api/v1/namespaces/kube-system/secrets', {
        headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
      }),
    ];
    for (const { text, status } of answers)
      t.notMatch(text, new RegExp(`${canary}|${encoded}`), `${status}`);
    t.notMatch(server.logged.join('\n'), new RegExp(`${canary}|${encoded}`));
  },
);
