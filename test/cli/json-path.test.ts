/** JSONPath finds what kubectl's finds. */
import t from 'tap';
import { JsonPath } from '#cli/documents/json-path.ts';
import { startTestServer } from '../support/api-server.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';

const object = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    namespace: 'default',
    annotations: { 'example.com/a.b': 'dotted', plain: 'p' },
  },
  spec: {
    replicas: 3,
    paused: false,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: ['a', 'b', 'c'].map((name, i) => ({
          name,
          image: `img:${i}`,
          ports: [{ containerPort: 80 + i, protocol: 'TCP' }],
          ...(name === 'b' ? { args: ['x', 'y'] } : {}),
        })),
      },
    },
  },
};

const containers = '.spec.template.spec.containers';
const found = [
  '{.metadata.name}',
  '{$.metadata.name}',
  '{.spec.replicas}',
  '{.spec.paused}',
  '{.absent}',
  '{.absent.more}',
  'text {.kind} text',
  '{"quoted"}{.kind}',
  "{'single'}",
  '{.metadata.annotations.plain}',
  "{.metadata.annotations['plain']}",
  "{.metadata.annotations['example\\.com/a\\.b']}",
  '{.metadata.annotations.example\\.com/a\\.b}',
  `{${containers}[0].name}`,
  `{${containers}[-1].name}`,
  `{${containers}[*].name}`,
  `{${containers}[0:2].name}`,
  `{${containers}[1:].name}`,
  `{${containers}[:-1].name}`,
  `{${containers}[::2].name}`,
  `{${containers}[0,2].name}`,
  `{${containers}[*]['name','image']}`,
  `{${containers}[?(@.name=="b")].image}`,
  `{${containers}[?(@.name!='b')].image}`,
  `{${containers}[?(@.args)].name}`,
  `{${containers}[?(@.ports[0].containerPort>80)].name}`,
  `{${containers}[?(@.ports[0].containerPort<=81)].name}`,
  `{${containers}[*].ports[*].containerPort}`,
  `{${containers}[1].args}`,
  `{${containers}[0].ports}`,
  '{..containerPort}',
  '{..name}',
  '{.spec.selector}',
  '{.spec.selector.matchLabels.*}',
  '{.metadata.annotations}',
  `{range ${containers}[*]}{.name}={.image}{"\\n"}{end}`,
  `{range ${containers}[*]}{.name}:{range .ports[*]}{.containerPort}{end};{end}`,
  `{range ${containers}[?(@.name=="c")]}{@.name}{end}`,
  '{@.kind}',
  '{.spec.replicas}{"\\t"}{.kind}{"\\n"}',
];

t.setTimeout(180_000);
t.test('as kubectl', { skip: kubectlReleases().length === 0 && 'needs kubectl' }, async (t) => {
  const server = await startTestServer();
  const kubectl = kubectlFor(server.kubeconfig, kubectlReleases().at(-1)?.program);
  t.teardown(async () => {
    kubectl.close();
    await server.close();
  });
  const made = await server
    .client()
    .request('POST', '/apis/apps/v1/namespaces/default/deployments', object);
  // All in one run, apart by a line that none of them makes.
  const mark = '\n<-->\n';
  const { stdout, stderr } = await kubectl([
    ...['get', 'deployment', 'web', '-o'],
    `jsonpath=${found.join(mark)}`,
  ]);
  t.equal(stderr, '');
  const theirs = stdout.split(mark);
  found.forEach((template, i) => {
    const ours = new JsonPath(template, { allowMissing: true }).text(made);
    // kubectl walks the fields of what lies below in Go's order of a map, another one each time.
    if (template.startsWith('{..')) t.strictSame(words(ours), words(theirs[i] ?? ''), template);
    else t.equal(ours, theirs[i], template);
  });
});

const words = (text: string): string[] => text.split(' ').sort();

t.test('what is wrong with a template', async (t) => {
  for (const [template, why] of [
    ['{.a', /unclosed action/],
    ['{range .a}{.b}', /unterminated range/],
    ['{end}', /not in range, nothing to end/],
    ['{.a[}', /unterminated array|unclosed/],
    ['{.a[x]}', /invalid array index x/],
    ['{.a[?(@.x==1]}', /unterminated filter/],
    ['{.a[::0]}', /step must be > 0/],
    ['{"open}', /unterminated quoted string/],
    ['{odd}', /unrecognized identifier odd/],
  ] as const) {
    t.throws(() => new JsonPath(template, { allowMissing: true }), why, template);
  }
  const strict = new JsonPath('{.absent}', { allowMissing: false });
  t.throws(() => strict.text({}), /absent is not found/);
  const beyond = new JsonPath('{.list[5]}', { allowMissing: true });
  t.throws(() => beyond.text({ list: [1] }), /array index out of bounds: index 5, length 1/);
});
