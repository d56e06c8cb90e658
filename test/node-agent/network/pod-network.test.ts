/** Real namespaces, veths and a real bridge: needs root. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { configure, listLinks } from '#native/netlink.ts';
import { deleteLink } from '#native/netlink-requests.ts';
import { createPodNetwork } from '#node-agent/network/bridge-network.ts';
import { ipText, parseCidr } from '#node-agent/network/cidr.ts';
import { vethName } from '#node-agent/network/pod-link.ts';
import {
  directory,
  end,
  forwarding,
  forwardingBefore,
  inside,
  mounted,
  options,
  reaches,
  serve,
  suffix,
  tables,
  until,
} from '../../support/pod-network.ts';

t.test('pods reach each other, the node reaches pods, pods reach the node', async (t) => {
  const network = createPodNetwork(options);
  t.teardown(() => network.close());
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
  t.match(tables(), `table ip bayplan-test${suffix}`);
  t.equal(forwarding(), '1');
  await Promise.all([network.detach('pod-one'), network.detach('pod-two')]);
});

t.test('attaching twice gives the same answer, also at the same time', async (t) => {
  const network = createPodNetwork(options);
  t.teardown(() => network.close());
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
  t.teardown(() => network.close());
  await network.start();
  for (let i = 0; i < 3; i++) {
    const { netnsPath } = await network.attach('again');
    t.match(inside(netnsPath, 'busybox', 'ping', '-c1', '-W2', network.gateway), /0% packet loss/);
    await network.detach('again');
  }
});

t.test('when all addresses are taken it says so, and a freed one can be taken again', async (t) => {
  const network = createPodNetwork(options);
  t.teardown(() => network.close());
  await network.start();
  const uids = Array.from({ length: 13 }, (_, i) => `pod-${i}`);
  const addresses = await Promise.all(uids.map((uid) => network.attach(uid)));
  t.equal(new Set(addresses.map(({ ip }) => ip)).size, 13);
  await t.rejects(network.attach('one-too-many'), {
    message: `take an address of ${options.podCidr}: all 13 are taken; delete pods or give the node a larger pod CIDR`,
  });
  t.notOk(existsSync(join(options.runDir, 'netns', 'one-too-many')));
  await network.detach('pod-4');
  t.equal((await network.attach('late')).ip, addresses[4]?.ip);
  await Promise.all([...uids, 'late'].map((uid) => network.detach(uid)));
});

t.test("a network made in idle time is the next pod's, and goes with what made it", async (t) => {
  const first = ipText(parseCidr(options.podCidr).base + 2);
  const link = async () =>
    (await listLinks()).find(({ name }) => name === vethName(options.bridge, first));
  const ofOthers = (await link())?.index;
  const network = createPodNetwork(options);
  t.teardown(() => network.close());
  await network.start();
  const isNew = (index: number | undefined) => index !== undefined && index !== ofOthers;
  await until('one is made', async () => isNew((await link())?.index));
  t.strictSame(network.attached(), []);
  t.strictSame(mounted(), []);
  const before = await link();
  const { ip, netnsPath } = await network.attach('next');
  t.equal(ip, first);
  t.strictSame(await link(), before, 'it was not made again');
  t.match(inside(netnsPath, 'busybox', 'ping', '-c1', '-W2', network.gateway), /0% packet loss/);
  await network.destroy();
  t.equal(await link(), undefined);
});

t.test("an agent that knows less than the records takes no pod's network away", async (t) => {
  const [first, late] = [createPodNetwork(options), createPodNetwork(options)];
  t.teardown(() => Promise.all([first.close(), late.close()]));
  await Promise.all([first.start(), late.start()]);
  const { netnsPath } = await first.attach('held');
  await t.rejects(late.attach('other'), { code: 'EEXIST' });
  t.match(inside(netnsPath, 'busybox', 'ping', '-c1', '-W2', first.gateway), /0% packet loss/);
  await first.detach('held');
});

t.test('it does not take a network that is in use', async (t) => {
  const rival = `bpr${suffix}`;
  const other = createPodNetwork({ ...options, runDir: join(directory, 'other'), bridge: rival });
  const network = createPodNetwork(options);
  t.teardown(() => network.close());
  await network.start();
  await t.rejects(other.start(), {
    message: new RegExp(
      `give the bridge ${rival} the network .*${options.bridge} has .* already; choose another`,
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
  t.teardown(() => network.close());
  await network.start();
  const [{ ip }] = await Promise.all([network.attach('a'), network.attach('b')]);
  await network.destroy();
  const names = (await listLinks()).map(({ name }) => name);
  t.notOk(names.includes(options.bridge));
  t.notOk(names.includes(vethName(options.bridge, ip)));
  t.strictSame(mounted(), []);
  t.strictSame(readdirSync(options.runDir), []);
  t.notMatch(tables(), `bayplan-test${suffix}`);
  if (!names.some((name) => name.startsWith('bp'))) t.equal(forwarding(), forwardingBefore);
  await createPodNetwork(options).destroy();
});
