/** A cluster that follows a repository: push, drift, prune, and what `bay` says of it. */
import t from 'tap';
import type { Pod } from '#api/resources/types.ts';
import { TestCluster, waitFor } from '../support/cluster.ts';
import { GitRepository } from '../support/git-repository.ts';
import { leftOver, machine } from '../support/machine.ts';

t.setTimeout(180_000);
const before = machine();

const deployment = (replicas: number, text: string) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - {name: main, image: "bayplan.local/busybox:latest", args: [sleep, "3600"], env: [{name: TEXT, value: ${text}}]}
`;

const sync = (url: string) => `apiVersion: bayplan.dev/v1alpha1
kind: GitSync
metadata: {name: fleet, namespace: default}
spec:
  source: {url: "${url}"}
`;

t.test('push, drift, prune', { timeout: 150_000 }, async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const repository = new GitRepository(cluster.folder);
  repository.push({
    'web.yaml': deployment(1, 'one'),
    'job.yaml': `apiVersion: bayplan.dev/v1alpha1
kind: Container
metadata: {name: keeper}
spec: {image: "bayplan.local/busybox:latest", args: [sleep, "3600"], stopTimeout: 0}
`,
  });
  const bay = async (...args: string[]) => {
    const { code, stdout, stderr } = await cluster.bay(...args);
    t.equal(code, 0, `bay ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const texts = async (): Promise<string[]> => {
    const { stdout } = await cluster.bay('get', 'pods', '-l', 'app=web', '-o', 'json');
    return (JSON.parse(stdout) as { items: Pod[] }).items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .filter(({ status }) =>
        status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
      )
      .map(({ spec }) => spec?.containers[0]?.env?.[0]?.value ?? '');
  };
  const until = (...wanted: string[]) =>
    waitFor(`pods ${wanted}`, async () =>
      (await texts()).join() === wanted.join() ? true : undefined,
    );

  await cluster.apply(sync(repository.url));
  await until('one');
  t.match(await bay('ps'), /keeper/);
  await bay('wait', '--for=condition=Ready', '--timeout', '30s', 'gitsync/fleet');
  t.match(await bay('get', 'gitsync'), /fleet +True +Ready +file:.* +2 /);

  await t.test('what is well, and what differs from its image, is told', async (t) => {
    t.match(await bay('doctor'), /^ok +cluster +answers$/m);
    t.match(await bay('why', 'keeper'), /^container\.bayplan\.dev\/keeper is as it should be$/m);
    t.equal(await bay('drift', 'keeper'), '');
    await bay('exec', 'keeper', 'touch', '/etc/mark');
    t.match(await cluster.bay('drift'), { code: 1, stdout: 'keeper: A /etc/mark\n' });
    const drifted = await bay(
      'get',
      'ct/keeper',
      '-o',
      'jsonpath={.status.conditions[?(@.type=="Drifted")].message}',
    );
    t.equal(drifted, 'A /etc/mark');
    t.match(await bay('wait', '--for=condition=Drifted', 'ct/keeper'), /condition met/);
    const seen = await cluster.kubectl('get', 'container', 'keeper', '-o', 'yaml');
    t.match(seen.stdout, /message: A \/etc\/mark\n +reason: FilesDiffer\n +status: "True"/);
    const wide = await cluster.kubectl('get', 'container', 'keeper', '-o', 'wide');
    t.match(wide.stdout, /DRIFTED\n.* True\n$/);
    await bay('exec', 'keeper', 'rm', '/etc/mark');
    t.equal(await bay('drift', 'keeper'), '', 'as the image again');
    const cleared = await cluster.kubectl('get', 'container', 'keeper', '-o', 'yaml');
    t.match(cleared.stdout, /reason: AsTheImage\n +status: "False"\n +type: Drifted/);
    t.notMatch(cleared.stdout, /etc\/mark/);
  });
  await t.test('a push changes what runs', async () => {
    repository.push({ 'web.yaml': deployment(2, 'two') });
    await until('two', 'two');
  });
  await t.test('what is changed by hand is put back', async (t) => {
    const { code, stderr } = await cluster.kubectl('scale', 'deployment/web', '--replicas=0');
    t.equal(code, 0, stderr);
    await until('two', 'two');
    const { stdout } = await cluster.kubectl('get', 'events', '-o', 'wide');
    t.match(stdout, /DriftCorrected/);
  });
  await t.test('what is taken out goes', async (t) => {
    repository.push({ 'job.yaml': null });
    await waitFor('the container to go', async () =>
      /keeper/.test((await cluster.bay('ps', '-a')).stdout) ? undefined : true,
    );
    t.strictSame(await texts(), ['two', 'two']);
  });
  await t.test('with the GitSync goes the rest', async () => {
    await bay('delete', 'gitsync', 'fleet');
    await until();
    await waitFor('the deployment to go', async () =>
      (await cluster.bay('get', 'deployment', 'web')).code === 0 ? undefined : true,
    );
  });
  t.equal(await cluster.interrupt(), 0, cluster.output);
});

t.test('afterwards the machine is as it was', async (t) => {
  t.strictSame(await leftOver(before), {});
});
