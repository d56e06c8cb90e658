/** The agent may be killed at any moment: the network is read from the world and put right. Needs root. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { bindNetns, configure, createNetns, listLinks } from '#native/netlink.ts';
import { deleteLink } from '#native/netlink-requests.ts';
import { createPodNetwork } from '#node-agent/network/bridge-network.ts';
import { end, inside, mounted, options } from '../../support/pod-network.ts';

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

  await before.close(); // what the end of a process does
  const after = createPodNetwork(options);
  t.teardown(() => after.close());
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

  await before.close(); // what the end of a process does
  const after = createPodNetwork(options);
  t.teardown(() => after.close());
  await after.start();
  t.match(inside(netnsPath, 'busybox', 'ping', '-c1', '-W2', after.gateway), /0% packet loss/);
  await after.detach('stays');
});

t.test('killed at any moment, nothing is lost and nothing is left over', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 100000);
  t.comment(`SEED=${seed}`);
  const script = new URL('../../support/attach-for-ever.ts', import.meta.url).pathname;
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
    await network.close();
  }
});

t.test(
  'a pod is attached only when its namespace is whole: one made elsewhere is taken away',
  async (t) => {
    const network = createPodNetwork(options);
    await network.start();
    const netns = await createNetns();
    await bindNetns(netns, join(options.runDir, 'netns', 'stranger'));
    closeSync(netns);
    await network.close();
    const after = createPodNetwork(options);
    await after.start();
    t.strictSame(after.attached(), []);
    t.strictSame(mounted(), []);
    await Promise.all([network.destroy(), after.destroy()]); // each waits for its own nft
  },
);
