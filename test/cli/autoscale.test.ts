/** `bay autoscale` makes the autoscaler that the real kubectl makes, and refuses in its words. */
import t from 'tap';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';

t.setTimeout(120_000);
const server = await startTestServer();
t.teardown(() => server.close());
const bay = bayFor(server.kubeconfig);
const newest = kubectlReleases().at(-1);
await bay('create', 'deployment', 'web', '--image=one:1');

const partsOf = (json: string): object => {
  const { apiVersion, kind, metadata, spec } = JSON.parse(json);
  const { creationTimestamp: _, ...meta } = metadata;
  return { apiVersion, kind, metadata: meta, spec };
};

t.test('as kubectl', { skip: newest === undefined && 'needs kubectl' }, async (t) => {
  const kubectl = kubectlFor(server.kubeconfig, newest?.program);
  t.teardown(() => kubectl.close());
  for (const words of [
    ['deployment/web', '--max=3'],
    ['deploy', 'web', '--min=2', '--max=3', '--cpu-percent=50', '--name=x'],
  ]) {
    const line = ['autoscale', ...words, '--dry-run=client', '-o', 'json'];
    const [theirs, ours] = [await kubectl(line), await bay(...line)];
    t.strictSame(partsOf(ours.stdout), partsOf(theirs.stdout), words.join(' '));
  }
  for (const words of [[], ['--max=0'], ['--min=3', '--max=2']]) {
    const line = ['autoscale', 'deploy/web', ...words];
    const [theirs, ours] = [await kubectl(line), await bay(...line)];
    t.equal(ours.stderr, theirs.stderr.replace(/^error: /, 'bay: '), words.join(' '));
    t.not(ours.code, 0);
  }
});

t.test('what is made is there', async (t) => {
  const label = 'horizontalpodautoscaler.autoscaling/web';
  const dry = await bay('autoscale', 'deploy/web', '--max=3', '--dry-run=server');
  t.equal(dry.stdout, `${label} autoscaled (server dry run)\n`);
  t.equal((await bay('get', 'hpa', '-o', 'name')).stdout, '');
  const made = await bay('autoscale', 'deploy/web', '--max=3');
  t.equal(made.stdout, `${label} autoscaled\n`);
  t.equal((await bay('get', 'hpa', '-o', 'name')).stdout, `${label}\n`);
  t.match(await bay('autoscale', 'ns/default', '--max=3'), { code: 1, stderr: /NotFound/ });
});
