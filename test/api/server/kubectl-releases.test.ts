/**
 * Every kubectl that is on this machine, against this server. Releases differ in what they send: up to 1.28 OpenAPI v2
 * as gnostic's message, from 1.32 protobuf bodies.
 */
import t from 'tap';
import { stringify } from 'yaml';
import { startTestServer } from '../../support/api-server.ts';
import { kubectlFor, kubectlReleases } from '../../support/kubectl.ts';
import { widgetDefinition } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const releases = kubectlReleases();
const server = await startTestServer();
t.teardown(() => server.close());
if (releases.length === 0) t.comment('skipped: needs kubectl');

const deployment = (namespace: string, image: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'main', image }] },
    },
  },
});

await raw(server, 'POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
  body: widgetDefinition(),
});

for (const { name, program } of releases) {
  t.test(name, async (t) => {
    const namespace = name.replaceAll('.', '-');
    const kubectl = kubectlFor(server.kubeconfig, program);
    t.teardown(() => kubectl.close());
    const run = async (command: string, input?: unknown) => {
      const outcome = await kubectl(
        command.split(' '),
        input === undefined ? '' : stringify(input),
      );
      return `${outcome.stdout}${outcome.stderr}`.trim();
    };
    const n = `-n ${namespace}`;
    t.match(await run(`create namespace ${namespace}`), /created/);
    t.match(await run(`create deployment made --image=busybox ${n}`), /created/);
    t.equal(await run('apply -f -', deployment(namespace, 'i:1')), 'deployment.apps/web created');
    t.equal(
      await run('apply -f -', deployment(namespace, 'i:2')),
      'deployment.apps/web configured',
    );
    const wrong = deployment(namespace, 'i:2');
    Object.assign(wrong.spec, { colour: 'red' });
    t.match(await run('apply -f -', wrong), /unknown field "?spec\.colour|unknown field "colour"/);
    t.match(
      await run('apply --server-side --force-conflicts -f -', deployment(namespace, 'i:3')),
      /serverside-applied/,
    );
    t.match(await run('diff -f -', deployment(namespace, 'i:4')), /\+ +- image: i:4|image: i:4/);
    t.match(await run(`get deployments ${n} -o wide`), /web +0\/1 .* i:3/);
    t.match(await run('explain widget.spec.size'), /FIELD: +size <integer>/);
    t.match(
      await run('explain deployment.spec.replicas --output=plaintext-openapiv2'),
      /FIELD: +replicas <integer>|unknown flag|the output format/,
    );
    t.match(await run(`auth can-i create pods ${n}`), /^yes$/);
    t.match(await run(`delete deployment web ${n} --wait=true`), /deleted/);
  });
}
