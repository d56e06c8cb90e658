/** CVE-2025-5187 and its like: whatever kind there is, a node writes none of it but what it is known to need. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Session } from '#api/client/session.ts';
import { apiVersionOf } from '#api/resources/meta.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';
import { startTestServer } from '../../support/api-server.ts';

const server = await startTestServer();
const file = (name: string) => readFileSync(join(server.pki, name), 'utf8');
const node = { cert: file('node-n1.crt'), key: file('node-n1.key') };
const session = new Session({ server: server.url, ca: file('ca.crt'), ...node } as never);
t.teardown(async () => {
  session.close();
  await server.close();
});

/** `resource verb`: what roles give to every node; who it is about is judged elsewhere (`node.test.ts`). */
const needed = new Set([
  'events create',
  'events update',
  'events patch',
  'events.events.k8s.io create',
  'events.events.k8s.io update',
  'events.events.k8s.io patch',
  'certificatesigningrequests.certificates.k8s.io create',
  'tokenreviews.authentication.k8s.io create',
  'selfsubjectreviews.authentication.k8s.io create',
  'subjectaccessreviews.authorization.k8s.io create',
  'localsubjectaccessreviews.authorization.k8s.io create',
  'selfsubjectaccessreviews.authorization.k8s.io create',
  'selfsubjectrulesreviews.authorization.k8s.io create',
]);

const methods = {
  create: ['POST', ''],
  update: ['PUT', '/foreign'],
  patch: ['PATCH', '/foreign'],
  delete: ['DELETE', '/foreign'],
  deletecollection: ['DELETE', ''],
} as const;

function pathOf(kind: Kind): string {
  const root = kind.group === '' ? '/api/v1' : `/apis/${kind.group}/${kind.version}`;
  return `${root}${kind.namespaced ? '/namespaces/kube-system' : ''}/${kind.plural}`;
}

/** Enough for each kind of which a node may write some: what is not valid is refused before it is judged whose it is. */
const spec = {
  nodeName: 'other',
  driver: 'driver.example',
  pool: { name: 'other', generation: 1, resourceSliceCount: 1 },
  holderIdentity: 'other',
  containers: [{ name: 'a', image: 'b' }],
};

t.test('each verb on each kind', async (t) => {
  let refused = 0;
  for (const kind of createKinds().all()) {
    const name = kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
    const body = {
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      metadata: { name: 'foreign' },
      spec,
    };
    for (const [verb, [method, rest]] of Object.entries(methods)) {
      if (!kind.verbs.includes(verb) || needed.has(`${name} ${verb}`)) continue;
      const type = verb === 'patch' ? 'application/merge-patch+json' : 'application/json';
      const { status } = await session.exchange(method, `${pathOf(kind)}${rest}`, {
        headers: { 'content-type': type },
        ...(method === 'DELETE' ? {} : { body: JSON.stringify(body) }),
      });
      // A node may delete all slices that are its own: here are none.
      const empty = status === 200 && verb === 'deletecollection';
      // 404: the verb is a node's, the object (which is not its own) is not there; nothing is made of it.
      const fine = status === 403 || (status === 404 && verb !== 'create') || empty;
      if (!fine) t.fail(`${verb} ${name}: ${status}`);
      else refused++;
    }
  }
  t.ok(refused > 200, `${refused} refused`);
});
