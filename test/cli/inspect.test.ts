/** What `bay inspect` tells of a container, in docker's field names. */
import t from 'tap';
import type { Container } from '#cli/container.ts';
import { template } from '#cli/format.ts';
import { dockerContainer } from '#cli/inspect/container.ts';
import { type Facts, noFacts } from '#cli/inspect/facts.ts';

const container = (spec = {}, status = {}): Container => ({
  apiVersion: 'bayplan.dev/v1alpha1',
  kind: 'Container',
  metadata: {
    name: 'web',
    uid: 'u',
    namespace: 'default',
    creationTimestamp: '2026-01-02T03:04:05Z',
  },
  spec: { image: 'nginx:1', ...spec },
  status,
});

const facts: Facts = {
  pid: 42,
  mounts: [
    { target: '/data', source: '/var/lib/bayplan/volumes/default/data', readonly: false },
    { target: '/cache', source: '/var/lib/bayplan/containers/u/volumes/0', readonly: false },
    { target: '/etc/hosts', source: '/run/hosts', readonly: false },
  ],
  image: {
    Id: 'sha256:abc',
    Size: 1000,
    Config: {
      Env: ['PATH=/bin', 'MODE=image'],
      Cmd: ['serve'],
      Entrypoint: ['/entry'],
      ExposedPorts: { '80/tcp': {} },
      Labels: { from: 'image', both: 'image' },
      Volumes: { '/cache': {} },
      WorkingDir: '/srv',
      User: 'www',
      StopSignal: 'SIGQUIT',
    },
  },
  layers: { upper: '/u', work: '/w', lowers: ['/b', '/a'] },
  writtenBytes: 24,
  network: { gateway: '10.0.0.1', mac: '0a:58:0a:00:00:02' },
  health: { failingStreak: 2, log: [{ ExitCode: 1, Output: 'no' }] },
};

const running = {
  phase: 'running',
  startedAt: '2026-01-02T03:04:06Z',
  ip: '10.0.0.2',
  restartCount: 3,
  exitCode: 9,
  health: 'healthy',
  node: 'n1',
};

const show = (text: string, spec = {}, status: object = running, told: Facts = facts): string =>
  template(text)(dockerContainer(container(spec, status), told));

t.test('the fields that people script against', async (t) => {
  const spec = {
    args: ['serve', '-v'],
    env: [{ name: 'MODE', value: 'mine' }],
    labels: { both: 'mine' },
    ports: [
      { containerPort: 80, hostPort: 8080 },
      { containerPort: 53, protocol: 'UDP' },
    ],
    mounts: [
      { type: 'volume', source: 'data', target: '/data' },
      { type: 'bind', source: '/host', target: '/in', readOnly: true },
      { type: 'tmpfs', target: '/tmp', size: '1Mi', options: ['noexec'] },
    ],
    resources: { memory: '64Mi', cpu: '500m', memorySwap: '-1', pids: 20 },
    restartPolicy: 'on-failure',
    maximumRetryCount: 4,
    stopTimeout: 3,
  };
  const cases: Readonly<Record<string, string>> = {
    '{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}} {{.State.Running}}': 'running 0 42 true',
    '{{.State.StartedAt}} {{.State.FinishedAt}}': '2026-01-02T03:04:06Z 0001-01-01T00:00:00Z',
    '{{.State.Health.Status}} {{.State.Health.FailingStreak}} {{.RestartCount}}': 'healthy 2 3',
    '{{range .State.Health.Log}}{{.ExitCode}} {{.Output}};{{end}}': '1 no;',
    '{{.Config.Image}} {{.Image}} {{.Name}} {{len .Id}}': 'nginx:1 sha256:abc /web 64',
    '{{json .Config.Labels}}': '{"from":"image","both":"mine"}',
    '{{.Config.Env}}': '[MODE=mine PATH=/bin]',
    '{{.Config.Entrypoint}} {{.Config.Cmd}} {{.Path}} {{.Args}}':
      '[/entry] [serve -v] /entry [serve -v]',
    '{{.Config.WorkingDir}} {{.Config.User}} {{.Config.StopSignal}} {{.Config.StopTimeout}}':
      '/srv www SIGQUIT 3',
    '{{.NetworkSettings.IPAddress}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}':
      '10.0.0.2 10.0.0.2',
    '{{.NetworkSettings.Gateway}} {{.NetworkSettings.MacAddress}} {{.NetworkSettings.IPPrefixLen}}':
      '10.0.0.1 0a:58:0a:00:00:02 32',
    '{{with .NetworkSettings.Networks.cluster}}{{.Gateway}} {{.MacAddress}}{{end}}':
      '10.0.0.1 0a:58:0a:00:00:02',
    '{{json .NetworkSettings.Ports}}':
      '{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}],"53/udp":null}',
    '{{json .HostConfig.RestartPolicy}}': '{"Name":"on-failure","MaximumRetryCount":4}',
    '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.MemorySwap}} {{.HostConfig.PidsLimit}}':
      '67108864 500000000 -1 20',
    '{{.HostConfig.Binds}} {{json .HostConfig.Tmpfs}}':
      '[data:/data /host:/in:ro] {"/tmp":"size=1048576,noexec"}',
    '{{range .Mounts}}{{.Type}} {{.Name}} {{.Source}} {{.Destination}} {{.RW}};{{end}}': [
      'volume data /var/lib/bayplan/volumes/default/data /data true;',
      'bind <no value> /host /in false;',
      'tmpfs <no value>  /tmp true;',
      'volume  /var/lib/bayplan/containers/u/volumes/0 /cache true;',
    ].join(''),
    '{{.SizeRw}} {{.SizeRootFs}} {{.GraphDriver.Data.UpperDir}}': '24 1024 /u',
    '{{.kind}} {{.metadata.name}} {{.spec.image}} {{.status.phase}}':
      'Container web nginx:1 running',
  };
  for (const [text, expected] of Object.entries(cases)) t.equal(show(text, spec), expected, text);
});

t.test('a program of its own takes the place of both of the image', async (t) => {
  const text = '{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Path}} {{.Args}}';
  t.equal(show(text, { command: ['sh'] }), '["sh"] null sh []');
  t.equal(show(text, { command: ['sh'], args: ['-c'] }), '["sh"] ["-c"] sh [-c]');
});

t.test('the states are those of docker', async (t) => {
  const text =
    '{{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.State.ExitCode}} {{.State.OOMKilled}}';
  t.equal(show(text, {}, {}), 'created false 0 0 false');
  t.equal(show(text, {}, { phase: 'paused' }), 'paused true 42 0 false');
  const killed = {
    phase: 'exited',
    exitCode: 137,
    conditions: [{ type: 'Ready', status: 'False', reason: 'OOMKilled' }],
  };
  t.equal(show(text, {}, killed), 'exited false 0 137 true');
  t.equal(show('{{json .NetworkSettings.Ports}}', {}, killed), '{}');
  const broken = {
    phase: 'created',
    exitCode: 127,
    conditions: [
      { type: 'Ready', status: 'False', reason: 'StartError', message: 'exec: "x": not found' },
    ],
  };
  t.equal(show('{{.State.Error}} {{.State.ExitCode}}', {}, broken), 'exec: "x": not found 127');
});

t.test('at rest health is as docker leaves it: unhealthy, with what was said last', async (t) => {
  const text = '{{json .State.Health}}';
  const ended = { phase: 'exited', exitCode: 0 };
  const log = '"FailingStreak":2,"Log":[{"ExitCode":1,"Output":"no"}]';
  t.equal(show(text, {}, ended), `{"Status":"unhealthy",${log}}`);
  t.equal(show(text, { healthcheck: { test: ['NONE'] } }, ended), 'null');
  t.equal(show(text, {}, ended, noFacts), 'null', 'never checked');
});

t.test('the network of others, and security', async (t) => {
  const text = '{{.HostConfig.NetworkMode}} {{json .NetworkSettings}}';
  const nowhere = '"Gateway":"","IPAddress":"","IPPrefixLen":0,"MacAddress":""';
  const none = `{"Ports":{},${nowhere},"Networks":`;
  const ports = [{ containerPort: 80, hostPort: 80 }];
  t.equal(show(text, { network: 'host', ports }), `host ${none}{"host":{${nowhere}}}}`);
  t.equal(show(text, { network: 'container:a' }), `container:a ${none}{}}`);
  const security = {
    privileged: true,
    capabilities: { add: ['NET_ADMIN'] },
    noNewPrivileges: true,
    seccomp: 'unconfined',
    selinux: { type: 't' },
  };
  t.equal(
    show(
      '{{.HostConfig.Privileged}} {{.HostConfig.CapAdd}} {{json .HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}',
      { security },
    ),
    'true [NET_ADMIN] null [no-new-privileges seccomp=unconfined label=type:t]',
  );
});

t.test('without its node the document is told', async (t) => {
  const text = '{{.State.Status}} {{.State.Pid}} {{.Config.Env}} {{.Config.Cmd}} {{json .SizeRw}}';
  const spec = { args: ['a'], env: [{ name: 'A', value: '1' }] };
  t.equal(show(text, spec, running, noFacts), 'running 0 [A=1] [a] null');
});
