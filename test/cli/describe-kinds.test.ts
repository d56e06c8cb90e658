/** `bay describe` tells what the real kubectl tells, letter by letter, of the kinds that describe.test.ts has not. */
import t from 'tap';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';

t.setTimeout(180_000);
const newest = kubectlReleases().at(-1);
const minor = Number(/\.(\d+)$/.exec(newest?.name ?? '')?.[1] ?? 0);
const skip = minor >= 33 ? false : 'needs kubectl 1.33 or newer: its layout is what is compared';
const documents = new URL('../support/described-kinds.yaml', import.meta.url).pathname;

const statuses = [
  ['rc', 'old', { replicas: 1, conditions: [{ type: 'ReplicaFailure', status: 'True' }] }],
  ['pvc', 'copy', { conditions: [{ type: 'Resizing', status: 'True', message: 'm' }] }],
] as const;

const cases = [
  ['ep', 'outside'],
  ['ep', 'empty'],
  ['endpointslices'],
  ['clusterrole', 'all-sorts'],
  ['clusterrole', 'urls'],
  ['clusterrole', 'summed'],
  ['clusterrole', 'admin'],
  ['clusterrole', 'system:discovery'],
  ['role', 'some'],
  ['rolebinding', 'bound'],
  ['clusterrolebinding', 'bound'],
  ['clusterrolebinding', 'nobody'],
  ['pc'],
  ['ingressclass'],
  ['rc', 'old'],
  ['csr', 'rich'],
  ['csinode', 'n1'],
  ['servicecidr', 'more'],
  ['ipaddress', '10.99.0.8'],
  ['widgets.example.com', 'one'],
  ['svc', 'headless'],
  ['svc', 'lb'],
  ['ing', 'odd'],
  ['netpol', 'none'],
  ['netpol', 'exp'],
  ['hpa', 'rich'],
  ['pvc', 'copy'],
  ['quota', 'scoped2'],
  ['job', 'odd'],
  ['deploy', 're'],
  ['pod', 'refs'],
];

t.test('as kubectl', { skip }, async (t) => {
  const server = await startTestServer();
  t.teardown(() => server.close());
  const bay = bayFor(server.kubeconfig);
  const kubectl = kubectlFor(server.kubeconfig, newest?.program);
  t.teardown(() => kubectl.close());
  t.match(await bay('apply', '-f', documents), { code: 0 });
  for (const [kind, name, status] of statuses) {
    const patch = JSON.stringify({ status });
    const words = ['patch', kind, name, '--subresource=status', '--type=merge', '-p', patch];
    t.match(await bay(...words), { code: 0 }, words.join(' '));
  }
  for (const words of cases) {
    const both = async () =>
      [await kubectl(['describe', ...words]), await bay('describe', ...words)] as const;
    let [theirs, ours] = await both();
    // A second may begin between the two, and an age be another.
    for (let again = 0; again < 40 && theirs.stdout !== ours.stdout; again++)
      [theirs, ours] = await both();
    t.strictSame(ours.stdout.split('\n'), theirs.stdout.split('\n'), words.join(' '));
    t.equal(ours.code, 0, ours.stderr);
  }
});
