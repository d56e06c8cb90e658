/** What goes wrong at the user's end is told clearly, and nothing is kept. */
import { Readable } from 'node:stream';
import t from 'tap';
import { connect } from '#api/client/client.ts';
import type { StatusError } from '#api/resources/status.ts';
import type { Pod } from '#api/resources/types.ts';
import { TestCluster, waitFor, withoutKubectl } from '../support/cluster.ts';

t.setTimeout(280_000);
const skip = await withoutKubectl();
const image = 'bayplan.local/busybox:latest';
const pod = (name: string, spec: string): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}}, spec: ${spec}}`;

t.test('bad input', { skip, timeout: 180_000 }, async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const apply = (text: string, ...args: string[]) =>
    cluster.kubectlInput(`---\n${text}`, 'apply', '-f', '-', ...args);

  await t.test('an unknown field is an error, a warning, or nothing, as asked', async (t) => {
    const text = pod('odd', `{bogus: 1, containers: [{name: a, image: '${image}', wrong: x}]}`);
    const strict = await apply(text);
    t.equal(strict.code, 1);
    t.match(strict.stderr, /unknown field "spec\.bogus"/);
    t.match(strict.stderr, /unknown field "spec\.containers\[0\]\.wrong"/);
    const warned = await apply(text, '--validate=warn');
    t.equal(warned.code, 0, warned.stderr);
    t.match(warned.stderr, /Warning: unknown field "spec\.bogus"/);
    await cluster.kubectl('delete', 'pod', 'odd', '--grace-period=0', '--force');
    const ignored = await apply(text, '--validate=ignore');
    t.equal(ignored.code, 0, ignored.stderr);
    t.notMatch(ignored.stderr, /unknown field/);
    await cluster.kubectl('delete', 'pod', 'odd', '--grace-period=0', '--force');
  });

  await t.test('missing and wrong fields are told with their path', async (t) => {
    const missing = await apply(pod('bad', '{containers: [{image: x}]}'));
    t.equal(missing.code, 1);
    t.match(missing.stderr, /spec\.containers\[0\]\.name: Required value/);
    const named = await apply(pod('Bad_Name', `{containers: [{name: a, image: '${image}'}]}`));
    t.match(named.stderr, /metadata\.name: Invalid value: "Bad_Name"/);
    const typed = await apply(pod('bad', '{containers: {name: a}}'));
    t.equal(typed.code, 1);
    const custom = await apply(
      '{apiVersion: bayplan.dev/v1alpha1, kind: Container, metadata: {name: c}, spec: {image: 7}}',
    );
    t.equal(custom.code, 1);
    t.match(custom.stderr, /spec\.image/);
    t.equal((await cluster.kubectl('get', 'pods', '-o', 'name')).stdout, '', 'nothing was kept');
  });

  await t.test('malformed bodies are told with their line, large ones refused', async (t) => {
    const client = connect({ kubeconfig: cluster.kubeconfig });
    t.teardown(() => client.close());
    const post = async (body: string, type: string): Promise<StatusError> => {
      const path = '/api/v1/namespaces/default/configmaps';
      const headers = { 'content-type': type };
      const sent = client.streamRequest('POST', path, Readable.from([body]), { headers });
      return sent.then(
        () => t.fail('it was taken') as never,
        (error: StatusError) => error,
      );
    };
    const json = await post('{"kind": "ConfigMap",\n "apiVersion": }', 'application/json');
    t.match([json.code, json.message], [400, /line 2/]);
    const yaml = await post('kind: ConfigMap\napiVersion: [v1\n', 'application/yaml');
    t.match([yaml.code, yaml.message], [400, /line [23]/]);
    const typed = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: { a: 7 } };
    t.equal((await post(JSON.stringify(typed), 'application/json')).code, 400);
    const data = { x: 'y'.repeat(3_200_000) };
    const large = await post(JSON.stringify({ ...typed, data }), 'application/json');
    t.equal(large.code, 413);
    t.equal((await cluster.kubectl('get', 'configmap', 'x')).code, 1, 'nothing was kept');
  });

  await t.test('a command that does not exist is a StartError with its reason', async (t) => {
    await apply(
      pod(
        'nothing',
        `{restartPolicy: Never, containers: [{name: a, image: '${image}', command: [/no/such]}]}`,
      ),
    );
    const state = await waitFor('the container to have failed', async () => {
      const found = await cluster.json<Pod>('get', 'pod', 'nothing');
      return found.status?.containerStatuses?.[0]?.state?.terminated;
    });
    t.equal(state.reason, 'StartError');
    t.equal(state.exitCode, 127);
    t.match(state.message, /no such/i);
    await apply(
      pod(
        'folder',
        `{restartPolicy: Never, containers: [{name: a, image: '${image}', command: [/etc/passwd]}]}`,
      ),
    );
    const denied = await waitFor('the container to have failed', async () => {
      const found = await cluster.json<Pod>('get', 'pod', 'folder');
      return found.status?.containerStatuses?.[0]?.state?.terminated;
    });
    t.equal(denied.exitCode, 126);
    await cluster.kubectl('delete', 'pod', 'nothing', 'folder');
  });

  await t.test('an unreadable archive is refused and nothing is kept', async (t) => {
    const before = (await cluster.bay('images', '-q')).stdout;
    const { code, stderr } = await cluster.bay(
      'image',
      'load',
      `${import.meta.dirname}/bad-input.test.ts`,
    );
    t.equal(code, 1);
    t.match(stderr, /archive/);
    t.equal((await cluster.bay('images', '-q')).stdout, before);
  });
  t.equal(await cluster.interrupt(), 0, cluster.output);
});
