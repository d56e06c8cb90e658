/** Real namespaces, veths and a real bridge: needs root. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { bindNetns, configure, createNetns, listLinks } from '#native/netlink.ts';
import { deleteLink } from '#native/netlink-requests.ts';
import { createPodNetwork, vethName } from '#node-agent/network/bridge-network.ts';

if (process.getuid?.() !== 0) {
  t.pass('skipped', { skip: 'needs root' });
  process.exit();
}

const directory = mkdtempSync(join(tmpdir(), 'images-network-'));
const suffix = process.pid.toString(36);
const options = {
  runDir: join(directory, 'run'),
  podCidr: '10.201.3.0/28',
  bridge: `bpt${suffix}`,
  clusterName: `test${suffix}`,
};
const forwardingBefore = forwarding();

function forwarding(): string {
  return readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim();
}

function tables(): string {
  return execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' });
}

function mounted(): readonly string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return points.filter((line) => line.includes(options.runDir));
}

async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await delay(10);
  }
}

function inside(netnsPath: string, ...command: string[]): string {
  return execFileSync('nsenter', [`--net=${netnsPath}`, ...command], { encoding: 'utf8' });
}

async function reaches(host: string, port: number): Promise<boolean> {
  const socket = createConnection({ host, port, timeout: 1000 });
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('timeout', () => resolve(false));
    socket.once('error', () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

function serve(netnsPath: string, content: string): ChildProcess {
  const root = join(directory, content);
  execFileSync('mkdir', ['-p', root]);
  writeFileSync(join(root, 'index.html'), content);
  const command = ['busybox', 'httpd', '-f', '-p', '80', '-h', root];
  return spawn('nsenter', [`--net=${netnsPath}`, ...command], { stdio: 'ignore' });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

t.teardown(async () => {
  await createPodNetwork(options).destroy();
  rmSync(directory, { recursive: true });
});

t.test('pods reach each other, the node reaches pods, pods reach the node', async (t) => {
  const network = createPodNetwork(options);
  await network.start();
  const [one, two] = await Promise.all([network.attach('pod-one'), network.attach('pod-two')]);
  t.not(one.ip, two.ip);
  const server = serve(one.netnsPath, 'hello-from-one');
  try {
    await until('the node reaches the pod', () => reaches(one.ip, 80));
    const got = inside(two.netnsPath, 'busybox', 'wget', '-qO-', `http://${one.ip}/`);
    t.equal(got, 'hello-from-one', 'pod to pod');
    t.equal(
      inside(one.netnsPath, 'busybox', 'wget', '-qO-', 'http://127.0.0.1/'),
      'hello-from-one',
    );
    t.match(
      inside(two.netnsPath, 'busybox', 'ping', '-c1', '-W2', network.gateway),
      /0% packet loss/,
    );
  } finally {
    await end(server);
  }
  const port = readFileSync(`/sys/class/net/${vethName('pod-one')}/brport/hairpin_mode`, 'utf8');
  t.equal(port.trim(), '1', 'a pod can reach itself through the bridge');
  t.match(tables(), `table ip bayplan-test${suffix}`);
  t.equal(forwarding(), '1');
  await Promise.all([network.detach('pod-one'), network.detach('pod-two')]);
});

t.test('attaching twice gives the same answer, also at the same time', async (t) => {
  const network = createPodNetwork(options);
  await network.start();
  const [first, second] = await Promise.all([network.attach('twice'), network.attach('twice')]);
  t.strictSame(first, second);
  t.strictSame(await network.attach('twice'), first);
  t.strictSame(network.attached(), ['twice']);
  await network.detach('twice');
  await network.detach('twice');
  t.strictSame(network.attached(), []);
});

t.test('a pod that comes back at once gets a working network', async (t) => {
  const network = createPodNetwork(options);
  await network.start();
  for (let i = 0; i < 3; i++) {
    const { netnsPath } = await network.attach('again');
    t.match(inside(netnsPath, 'busybox', 'ping', '-c1', '-W2', network.gateway), /0% packet loss/);
    await network.detach('again');
  }
});

t.test('a restart finds every pod again and frees what is half done', async (t) => {
  const before = createPodNetwork(options);
  await before.start();
  const kept = await before.attach('kept');
  await before.attach('no-address');
  await before.attach('no-namespace');
  // As a crash could have left them.
  const ip = (await before.attach('no-address')).ip;
  rmSync(join(options.runDir, 'addresses', ip));
  execFileSync('umount', [join(options.runDir, 'netns', 'no-namespace')]);
  writeFileSync(join(options.runDir, 'netns', 'never-mounted'), '');

  const after = createPodNetwork(options);
  await after.start();
  t.strictSame(after.attached(), ['kept']);
  t.strictSame(await after.attach('kept'), kept);
  t.equal(readdirSync(join(options.runDir, 'addresses')).length, 1);
  t.strictSame(readdirSync(join(options.runDir, 'netns')), ['kept']);
  await after.detach('kept');
});

t.test('a bridge that was deleted is made again, with its pods on it', async (t) => {
  const before = createPodNetwork(options);
  await before.start();
  const { netnsPath } = await before.attach('stays');
  const bridge = (await listLinks()).find(({ name }) => name === options.bridge);
  await configure([deleteLink(bridge?.index ?? 0, options.bridge)]);

  const after = createPodNetwork(options);
  await after.start();
  t.match(inside(netnsPath, 'busybox', 'ping', '-c1', '-W2', after.gateway), /0% packet loss/);
  await after.detach('stays');
});

t.test('when all addresses are taken it says so, and a freed one can be taken again', async (t) => {
  const network = createPodNetwork(options);
  await network.start();
  const uids = Array.from({ length: 13 }, (_, i) => `pod-${i}`);
  const addresses = await Promise.all(uids.map((uid) => network.attach(uid)));
  t.equal(new Set(addresses.map(({ ip }) => ip)).size, 13);
  await t.rejects(network.attach('one-too-many'), {
    message: /take an address of 10\.201\.3\.0\/28: all 13 are taken/,
  });
  t.notOk(existsSync(join(options.runDir, 'netns', 'one-too-many')));
  await network.detach('pod-4');
  t.equal((await network.attach('late')).ip, addresses[4]?.ip);
  await Promise.all([...uids, 'late'].map((uid) => network.detach(uid)));
});

t.test('killed at any moment, nothing is lost and nothing is left over', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 100000);
  t.comment(`SEED=${seed}`);
  const script = new URL('./attach-for-ever.ts', import.meta.url).pathname;
  for (let round = 0; round < 5; round++) {
    const child = spawn(process.execPath, [script, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    await delay(((seed * (round + 7)) % 97) + 1); // the moment is what is varied, nothing is waited for
    await end(child);

    const network = createPodNetwork(options);
    await network.start();
    const pods = [...network.attached()].sort();
    const addresses = await Promise.all(pods.map((uid) => network.attach(uid)));
    t.strictSame(readdirSync(join(options.runDir, 'netns')).sort(), pods);
    t.strictSame(
      readdirSync(join(options.runDir, 'addresses')).sort(),
      addresses.map(({ ip }) => ip).sort(),
    );
    for (const { netnsPath, ip } of addresses) t.match(inside(netnsPath, 'ip', '-4', 'addr'), ip);
    await Promise.all(pods.map((uid) => network.detach(uid)));
  }
});

t.test('it does not take a network that is in use', async (t) => {
  const rival = `bpr${suffix}`;
  const other = createPodNetwork({ ...options, runDir: join(directory, 'other'), bridge: rival });
  const network = createPodNetwork(options);
  await network.start();
  await t.rejects(other.start(), {
    message: new RegExp(
      `give the bridge ${rival} the network .*${options.bridge} has 10.201.3.1/28`,
    ),
  });
  const { index = 0 } = (await listLinks()).find(({ name }) => name === rival) ?? {};
  await configure([deleteLink(index, rival)]);
});

t.test('options that cannot be used are refused with what to write instead', async (t) => {
  t.throws(() => createPodNetwork({ ...options, podCidr: '10.0.0.0/8' }), /from \/16 to \/30/);
  t.throws(() => createPodNetwork({ ...options, podCidr: 'fd00::/64' }), /from \/16 to \/30/);
  t.throws(() => createPodNetwork({ ...options, bridge: 'eth0' }), /its name must be bp and/);
  await t.rejects(createPodNetwork(options).attach('../escape'), /cannot be a file name/);
});

t.test('destroy leaves nothing behind, and is no error when there is nothing', async (t) => {
  const network = createPodNetwork(options);
  await network.start();
  await Promise.all([network.attach('a'), network.attach('b')]);
  await network.destroy();
  const names = (await listLinks()).map(({ name }) => name);
  t.notOk(names.includes(options.bridge));
  t.notOk(names.includes(vethName('a')));
  t.strictSame(mounted(), []);
  t.strictSame(readdirSync(options.runDir), []);
  t.notMatch(tables(), `bayplan-test${suffix}`);
  if (!names.some((name) => name.startsWith('bp'))) t.equal(forwarding(), forwardingBefore);
  await createPodNetwork(options).destroy();
});

t.test(
  'a pod is attached only when its namespace is whole: one made elsewhere is taken away',
  async (t) => {
    const network = createPodNetwork(options);
    await network.start();
    const netns = await createNetns();
    await bindNetns(netns, join(options.runDir, 'netns', 'stranger'));
    closeSync(netns);
    const after = createPodNetwork(options);
    await after.start();
    t.strictSame(after.attached(), []);
    t.strictSame(mounted(), []);
    await Promise.all([network.destroy(), after.destroy()]); // each waits for its own nft
  },
);
