/** `bay describe` tells what the real kubectl tells of the same objects, letter by letter. */
import t from 'tap';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { makeDescribed } from '../support/described-objects.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';

t.setTimeout(180_000);
const server = await startTestServer();
t.teardown(() => server.close());
await makeDescribed(server.client());
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
    ['pod', 'full', '--show-events=false'],
  ]) {
    const theirs = await kubectl(['describe', ...words]);
    const ours = await bay('describe', ...words);
    t.strictSame(ours.stdout.split('\n'), theirs.stdout.split('\n'), words.join(' '));
    t.equal(ours.code, 0, ours.stderr);
  }
});
