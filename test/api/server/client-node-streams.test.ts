/** The official JavaScript client's streams and measures, with a node played by the test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { Cp, Exec, KubeConfig, Metrics, PortForward } from '@kubernetes/client-node';
import t from 'tap';
import { type WebSocket, WebSocketServer } from 'ws';
import { pods } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { startTestServer } from '../../support/api-server.ts';
import { startFakeAgent } from '../../support/fake-agent.ts';
import { pod } from '../../support/objects.ts';

const server = await startTestServer();
const counts = () => ({
  cpu: { time: new Date().toISOString(), usageCoreNanoSeconds: Date.now() * 1e5 },
  memory: { workingSetBytes: 2 ** 20 },
});
const agent = await startFakeAgent(server, (_request, response) => {
  response.end(JSON.stringify({ node: { nodeName: 'n1', ...counts() }, pods: [] }));
});
t.teardown(async () => {
  await agent.close();
  await server.close();
});
const plain = pod('one');
const bound = { ...plain, spec: { ...plain.spec, nodeName: 'n1' } } as Pod;
await server.client().collection<Pod>(pods).create(bound);
const config = new KubeConfig();
config.loadFromFile(server.kubeconfig);

t.test('Metrics reads what a node uses', async (t) => {
  const { items } = await new Metrics(config).getNodeMetrics();
  t.match(items, [{ metadata: { name: 'n1' }, usage: { cpu: /^\d+n$/, memory: '1024Ki' } }]);
});

t.test('PortForward carries bytes to the pod and back', async (t) => {
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered][0] ?? false,
  });
  const opened = new Promise<WebSocket>((resolve) => {
    agent.onUpgrade = (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (ws) => {
        // As the kubelet does: each channel begins with the port, low byte first.
        const port = [8080 & 0xff, 8080 >> 8];
        for (const channel of [0, 1]) ws.send(Buffer.from([channel, ...port]));
        ws.on('message', (message: Buffer) => {
          if (message[0] === 0) ws.send(message);
        });
        resolve(ws);
      });
  });
  const [output, input] = [new PassThrough(), new PassThrough()];
  await new PortForward(config).portForward('default', 'one', [8080], output, null, input);
  const ws = await opened;
  input.write('hello pod');
  const [echoed] = await once(output, 'data');
  t.equal(String(echoed), 'hello pod');
  t.match(agent.asked.at(-1), /^GET \/portForward\/default\/one\?.*8080/);
  ws.close();
});

/** Runs what is asked for on this machine, as the kubelet would in a container: `v5.channel.k8s.io` and older. */
function playContainer(): void {
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered][0] ?? false,
  });
  agent.onUpgrade = (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const { searchParams } = new URL(request.url ?? '', 'https://node');
      const [program = '', ...args] = searchParams.getAll('command');
      const child = spawn(program, args);
      const send = (channel: number, bytes: Buffer) =>
        ws.send(Buffer.concat([Buffer.of(channel), bytes]));
      child.stdout.on('data', (bytes: Buffer) => send(1, bytes));
      child.stderr.on('data', (bytes: Buffer) => send(2, bytes));
      child.stdin.on('error', () => undefined);
      ws.on('message', (message: Buffer) => {
        if (message[0] === 0) child.stdin.write(message.subarray(1));
        // Channel 255 says which channel is over.
        else if (message[0] === 255) child.stdin.end();
      });
      child.once('close', (code) => {
        const status =
          code === 0
            ? { status: 'Success' }
            : {
                status: 'Failure',
                reason: 'NonZeroExitCode',
                details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
              };
        send(3, Buffer.from(JSON.stringify({ metadata: {}, ...status })));
        ws.close();
      });
    });
}

/** The file once it holds this; the test's own timeout is the deadline. */
async function untilHolds(path: string, wanted: string): Promise<string> {
  for (;;) {
    const found = await readFile(path, 'utf8').catch(() => '');
    if (found === wanted) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

t.test('Exec hands over what a command reads, writes and ends with', async (t) => {
  playContainer();
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const ended = new Promise((resolve) => {
    const script = 'echo out; echo err >&2; exit 3';
    const command = ['sh', '-c', script];
    void new Exec(config).exec(
      'default',
      'one',
      'main',
      command,
      stdout,
      stderr,
      null,
      false,
      resolve,
    );
  });
  t.match(await ended, { status: 'Failure', reason: 'NonZeroExitCode' });
  t.equal(String(stdout.read()), 'out\n');
  t.equal(String(stderr.read()), 'err\n');
  t.match(agent.asked.at(-1), /^GET \/exec\/default\/one\/main\?.*command=sh/);
});

t.test('Cp copies into a pod and out of it', async (t) => {
  playContainer();
  const folder = t.testdir({
    local: { 'a.txt': 'to the pod', deep: { 'b.txt': 'x'.repeat(300_000) } },
    container: { out: { 'c.txt': 'from the pod' } },
    inside: {},
    back: {},
  });
  const cp = new Cp(config);
  await cp.cpToPod('default', 'one', 'main', `${folder}/local`, `${folder}/inside`);
  t.equal(await untilHolds(`${folder}/inside/a.txt`, 'to the pod'), 'to the pod');
  await untilHolds(`${folder}/inside/deep/b.txt`, 'x'.repeat(300_000));
  await cp.cpFromPod('default', 'one', 'main', 'out', `${folder}/back`, `${folder}/container`);
  await untilHolds(`${folder}/back/out/c.txt`, 'from the pod');
});
