import { closeSync, mkdtempSync, readlinkSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { NativeError } from '#native/binding.ts';
import {
  bindNetns,
  configure,
  createNetns,
  listAddresses,
  listLinks,
  removeNetns,
} from '#native/netlink.ts';
import {
  attribute,
  decodeAnswers,
  decodeAttributes,
  encodeMessages,
  text,
  u32,
} from '#native/netlink-message.ts';
import {
  addAddress,
  addBridge,
  addRoute,
  addVeth,
  setPodLink,
  setUp,
} from '#native/netlink-requests.ts';

const isRoot = process.getuid?.() === 0;
const skip = isRoot ? false : 'needs root';
const NSFS_MAGIC = 0x6e736673;

t.test('links and addresses of this machine are listed', async (t) => {
  const links = await listLinks();
  t.match(links, [{ index: 1, name: 'lo' }]);
  const addresses = await listAddresses();
  t.ok(
    addresses.some(({ ip, prefix, index }) => ip === '127.0.0.1' && prefix === 8 && index === 1),
  );
});

t.test('a namespace is made without changing our own', { skip }, async (t) => {
  const before = readlinkSync('/proc/self/ns/net');
  const netns = await createNetns();
  t.teardown(() => closeSync(netns));
  await configure([addBridge('inside0', '0a:58:00:00:00:01'), setUp(1)], { netns });
  t.equal(readlinkSync('/proc/self/ns/net'), before);
  t.notOk((await listLinks()).some(({ name }) => name === 'inside0'));
  await t.rejects(configure([addBridge('inside0', '0a:58:00:00:00:01')], { netns }), {
    code: 'EEXIST',
  });
});

t.test('a namespace is kept at a path until it is removed there', { skip }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'images-network-netns-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'kept');
  const netns = await createNetns();
  await bindNetns(netns, path);
  closeSync(netns);
  t.equal(statfsSync(path).type, NSFS_MAGIC);
  await removeNetns(path);
  t.throws(() => statfsSync(path), { code: 'ENOENT' });
  await removeNetns(path);
});

t.test('a place that is taken is not mounted over', { skip }, async (t) => {
  const netns = await createNetns();
  t.teardown(() => closeSync(netns));
  const directory = mkdtempSync(join(tmpdir(), 'images-network-netns-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  await t.rejects(bindNetns(netns, directory), {
    name: 'NativeError',
    code: 'EEXIST',
    syscall: 'open',
    path: directory,
  });
});

t.test('a pod is wired inside one namespace: veth, address, route', { skip }, async (t) => {
  const [outer, inner] = await Promise.all([createNetns(), createNetns()]);
  t.teardown(() => {
    closeSync(outer);
    closeSync(inner);
  });
  await configure([addBridge('br', '0a:58:0a:01:00:01')], { netns: outer });
  const peer = { name: 'eth0', index: 2, mac: '0a:58:0a:01:00:02', netns: inner };
  const outside = [addVeth({ name: 'veth', peer }), setPodLink(3)];
  await configure(outside, { netns: outer });
  const inside = [
    setUp(1),
    setUp(2),
    addAddress({ ip: '10.1.0.2', prefix: 24, index: 2 }),
    addRoute({ gateway: '10.1.0.1', index: 2 }),
  ];
  await configure(inside, { netns: inner });
  await t.rejects(configure(outside, { netns: outer }), { code: 'EEXIST', path: 'veth veth' });
});

t.test('a failure says the call, the object, the errno and the reason', { skip }, async (t) => {
  const netns = await createNetns();
  t.teardown(() => closeSync(netns));
  const failing = configure([addRoute({ gateway: '10.9.9.9', index: 1 })], { netns });
  const error = await failing.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  t.type(error, NativeError);
  t.match(error, {
    message: /^RTM_NEWROUTE default via 10\.9\.9\.9: E\w+/,
    syscall: 'RTM_NEWROUTE',
    path: 'default via 10.9.9.9',
    errno: Number,
  });
  await t.rejects(configure([], { netns: 0 }), { syscall: 'setns', code: 'EINVAL' });
});

t.test(
  'messages are encoded as netlink(7) has them and answers are sorted by sequence',
  async (t) => {
    const bytes = encodeMessages([
      { type: 16, flags: 0x400, body: attribute(3, text('lo')) },
      { type: 18, flags: 0, body: Buffer.alloc(0) },
    ]);
    t.equal(
      bytes.toString('hex'),
      [
        '18000000' + '1000' + '0504' + '00000000' + '00000000' + '0700' + '0300' + '6c6f0000',
        '10000000' + '1200' + '0500' + '01000000' + '00000000',
      ].join(''),
    );
    const acknowledged = Buffer.concat([
      u32(36),
      Buffer.from('0200000001000000', 'hex'),
      u32(0),
      u32(2 ** 32 - 17),
      Buffer.alloc(16),
    ]);
    t.match(decodeAnswers(acknowledged, 2), [{ errno: 0 }, { errno: 17 }]);
  },
);

t.test('cut and nonsensical answers are read as far as they make sense', async (t) => {
  t.equal(decodeAttributes(Buffer.from('ffff0100', 'hex'), 0).size, 0);
  t.equal(decodeAttributes(Buffer.from('0000', 'hex'), 0).size, 0);
  t.match(decodeAnswers(Buffer.from('0100000000', 'hex'), 1), [{ errno: 0, bodies: [] }]);
  t.match(decodeAnswers(Buffer.alloc(64), 1), [{ errno: 0, bodies: [] }]);
});
