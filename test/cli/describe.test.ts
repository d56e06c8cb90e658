/** `bay describe` tells what the real kubectl tells of the same objects, letter by letter. */
import t from 'tap';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { makeDescribedCluster } from '../support/described-cluster.ts';
import { makeDescribed } from '../support/described-objects.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';

t.setTimeout(180_000);
const server = await startTestServer();
t.teardown(() => server.close());
await makeDescribed(server.client());
await makeDescribedCluster(server.client());
const bay = bayFor(server.kubeconfig);
const newest = kubectlReleases().at(-1);
const minor = Number(/\.(\d+)$/.exec(newest?.name ?? '')?.[1] ?? 0);
const skip = minor >= 33 ? false : 'needs kubectl 1.33 or newer: its layout is what is compared';

t.test('as kubectl', { skip }, async (t) => {
  const kubectl = kubectlFor(server.kubeconfig, newest?.program);
  t.teardown(() => kubectl.close());
  for (const words of [
    ['pod', 'full'],
    ['deployment/web'],
    ['rs', '-l', 'app=web'],
    ['service', 'web'],
    ['node', 'n1'],
    ['sts/db'],
    ['ds', 'each'],
    ['configmap', 'texts'],
    ['secret', 'keys'],
    ['lease', 'held'],
    ['job', 'count'],
    ['cronjob', 'nightly'],
    ['pvc', 'data'],
    ['ingress', 'front'],
    ['sa', 'robot'],
    ['netpol', 'closed'],
    ['hpa', 'grow'],
    ['pdb', 'two'],
    ['quota', 'most'],
    ['limits', 'bounds'],
    ['ns'],
    ['pod', 'full', '--show-events=false'],
  ]) {
    const both = () =>
      Promise.all([kubectl(['describe', ...words]), bay('describe', ...words)] as const);
    let [theirs, ours] = await both();
    // A second may begin between the two, and an age be another: on a busy machine, many times.
    for (let again = 0; again < 40 && theirs.stdout !== ours.stdout; again++)
      [theirs, ours] = await both();
    t.strictSame(ours.stdout.split('\n'), theirs.stdout.split('\n'), words.join(' '));
    t.equal(ours.code, 0, ours.stderr);
  }
});
