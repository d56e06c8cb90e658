/** `bay set image` says and does what the real kubectl says and does. */
import t from 'tap';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';

t.setTimeout(120_000);
const server = await startTestServer();
t.teardown(() => server.close());
const client = server.client();
const bay = bayFor(server.kubeconfig);
const newest = kubectlReleases().at(-1);

await bay('create', 'namespace', 'theirs');
for (const namespace of ['default', 'theirs']) {
  const there = ['-n', namespace];
  await bay('create', 'deployment', 'web', '--image=one:1,two:1', ...there);
  await bay('create', 'deployment', 'other', '--image=one:1', ...there);
  await bay('create', 'cronjob', 'each', '--image=a', '--schedule=* * * * *', ...there);
}

const images = async (namespace: string): Promise<string> => {
  const paths = [`/apis/apps/v1/namespaces/${namespace}/deployments`];
  paths.push(`/apis/batch/v1/namespaces/${namespace}/cronjobs`);
  const lists = await Promise.all(paths.map((path) => client.request('GET', path)));
  return (
    JSON.stringify(lists)
      .match(/"image":"[^"]*"/g)
      ?.join(' ') ?? ''
  );
};

t.test('as kubectl', { skip: newest === undefined && 'needs kubectl' }, async (t) => {
  const kubectl = kubectlFor(server.kubeconfig, newest?.program);
  t.teardown(() => kubectl.close());
  for (const words of [
    ['deployment/web', 'one=one:2'],
    ['deployment/web', 'one=one:2'],
    ['deploy', 'web', 'one=one:3', 'two=two@sha256:aa', '-o', 'name'],
    ['deploy/web', 'cj/each', '*=all:1'],
    ['deploy', '--all', 'one=one:4', '--dry-run=server'],
    ['deploy', '-l', 'app=other', 'one=one:5'],
    ['cronjob/each', 'each=b'],
  ]) {
    const theirs = await kubectl(['set', 'image', ...words, '-n', 'theirs']);
    const ours = await bay('set', 'image', ...words);
    const line = words.join(' ');
    t.equal(ours.stdout, theirs.stdout, `${line}: ${ours.stderr} ${theirs.stderr}`);
    t.equal(ours.code, theirs.code, line);
    t.equal(await images('default'), await images('theirs'), line);
  }
  t.match(await images('default'), /"one:5"/);
});

t.test('what is wrong is told', async (t) => {
  const before = await images('default');
  const cases: [string[], number, RegExp][] = [
    [['image', 'deploy/web', 'none=a'], 1, /unable to find container named "none"/],
    [['image', 'deploy/web'], 2, /at least one image update is required/],
    [['image', 'deploy/web', '*=a', 'one=b'], 2, /all containers are already specified by \*/],
    [['image', 'deploy/web', 'one=a', 'one=b'], 2, /name each once/],
    [['image', 'ns/default', 'one=a'], 1, /has no containers/],
    [['colour', 'deploy/web'], 2, /bay set image/],
  ];
  for (const [words, code, message] of cases) {
    t.match(await bay('set', ...words), { code, stderr: message }, words.join(' '));
  }
  t.equal(await images('default'), before);
});
