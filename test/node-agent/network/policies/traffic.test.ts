/** Network policies as pods meet them: real packets between network namespaces. Needs root. */
import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import { Cache } from '#controller/runtime/cache.ts';
import { PolicyRules } from '#node-agent/network/policies/policy-rules.ts';
import { ask, ServiceWorld } from '../../../support/service-world.ts';

const world = new ServiceWorld();
const caches = new Map<string, Cache<ApiObject>>();
let version = 1;

/** Caches that the test fills, in place of the API's. */
const view = {
  follow: (type: ResourceType) => {
    const cache = caches.get(type.plural) ?? new Cache<ApiObject>();
    caches.set(type.plural, cache);
    return cache as never;
  },
};
for (const plural of ['networkpolicies', 'pods', 'namespaces']) {
  const cache = new Cache<ApiObject>();
  cache.apply({ type: 'replaced', objects: [], version: '1' });
  caches.set(plural, cache);
}

function put(plural: string, object: object): void {
  const { metadata, ...rest } = object as { metadata: object };
  const stamped = { ...rest, metadata: { ...metadata, resourceVersion: String(++version) } };
  caches.get(plural)?.apply({ type: 'applied', object: stamped as unknown as ApiObject });
}
function remove(plural: string, name: string, namespace = 'default'): void {
  const object = { metadata: { name, namespace, resourceVersion: String(++version) } };
  caches.get(plural)?.apply({ type: 'deleted', object: object as unknown as ApiObject });
}
const policy = (name: string, spec: object, namespace = 'default') =>
  put('networkpolicies', { metadata: { name, namespace }, spec });

t.teardown(() => world.close());
await world.start();
const [web, friend, stranger] = await Promise.all([
  world.server('web'),
  world.network.attach('friend'),
  world.network.attach('stranger'),
]);
const pod = (name: string, ip: string, labels: object, namespace = 'default') =>
  put('pods', {
    metadata: { name, namespace, labels },
    spec: {
      nodeName: 'node-1',
      containers: [{ ports: [{ name: 'http', containerPort: 80, protocol: 'TCP' }] }],
    },
    status: { phase: 'Running', podIP: ip },
  });
put('namespaces', { metadata: { name: 'default', labels: { team: 'a' } } });
put('namespaces', { metadata: { name: 'other', labels: { team: 'b' } } });
pod('web', web.ip, { app: 'web' });
pod('friend', friend.ip, { role: 'friend' });
pod('stranger', stranger.ip, { role: 'friend' }, 'other');

const warnings: string[] = [];
const { table } = world.network;
const start = () => {
  const rules = new PolicyRules({
    view,
    nodeName: 'node-1',
    nft: table,
    table: table.policyTable,
    log: { warn: (message, fields) => void warnings.push(`${message} ${JSON.stringify(fields)}`) },
  });
  table.onReload = () => rules.rebuild();
  rules.start();
  return rules;
};
let rules = start();
t.teardown(() => rules.close());

/** Whether the pod is let through; asked until it is as expected, for a minute. */
async function reaches(from: string, expected: boolean, to = `${web.ip}:80`): Promise<boolean> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const is = /^web/.test(await ask(to, from, 400));
    if (is === expected || Date.now() > deadline) return is;
    await delay(20);
  }
}

t.test('without a policy everybody reaches everybody; default deny stops it', async (t) => {
  t.ok(await reaches(stranger.netnsPath, true));
  t.notMatch(execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }), table.policyTable);
  policy('deny', { podSelector: {}, policyTypes: ['Ingress'] });
  t.notOk(await reaches(friend.netnsPath, false));
  t.notOk(await reaches(stranger.netnsPath, false));
  t.match(await ask(`${web.ip}:80`), /^web/, 'the node reaches its own pods whatever they say');
});

t.test('who is selected gets in: by labels, of this namespace or of others', async (t) => {
  const from = [{ podSelector: { matchLabels: { role: 'friend' } } }];
  policy('friends', { podSelector: { matchLabels: { app: 'web' } }, ingress: [{ from }] });
  t.ok(await reaches(friend.netnsPath, true));
  t.notOk(await reaches(stranger.netnsPath, false), 'the same labels in another namespace');
  const others = [{ namespaceSelector: { matchLabels: { team: 'b' } } }];
  policy('others', { podSelector: { matchLabels: { app: 'web' } }, ingress: [{ from: others }] });
  t.ok(await reaches(stranger.netnsPath, true), 'policies add up');
  put('namespaces', { metadata: { name: 'other', labels: { team: 'c' } } });
  t.notOk(await reaches(stranger.netnsPath, false), 'the namespace has changed its label');
  pod('friend', friend.ip, { role: 'foe' });
  t.notOk(await reaches(friend.netnsPath, false), 'so has the pod');
  pod('friend', friend.ip, { role: 'friend' });
  t.ok(await reaches(friend.netnsPath, true));
  remove('networkpolicies', 'others');
});

t.test('ports: numbers, ranges and names', async (t) => {
  const from = [{ podSelector: { matchLabels: { role: 'friend' } } }];
  const web = { podSelector: { matchLabels: { app: 'web' } } };
  const cases: readonly (readonly [object, boolean])[] = [
    [{ port: 80 }, true],
    [{ port: 81 }, false],
    [{ port: 79, endPort: 90 }, true],
    [{ port: 81, endPort: 90 }, false],
    [{ port: 'http' }, true],
    [{ port: 'metrics' }, false],
    [{ protocol: 'UDP', port: 80 }, false],
    [{ protocol: 'TCP' }, true],
  ];
  for (const [port, expected] of cases) {
    policy('friends', { ...web, ingress: [{ from, ports: [port] }] });
    t.equal(await reaches(friend.netnsPath, expected), expected, JSON.stringify(port));
  }
});

t.test('blocks of addresses, without their exceptions', async (t) => {
  const allow = (cidr: string, ...except: string[]) =>
    policy('friends', {
      podSelector: { matchLabels: { app: 'web' } },
      ingress: [{ from: [{ ipBlock: { cidr, ...(except.length > 0 ? { except } : {}) } }] }],
    });
  allow('0.0.0.0/0');
  t.ok(await reaches(stranger.netnsPath, true));
  allow('0.0.0.0/0', `${stranger.ip}/32`);
  t.notOk(await reaches(stranger.netnsPath, false));
  t.ok(await reaches(friend.netnsPath, true));
});

t.test('what a pod sends is judged too; answers always come back', async (t) => {
  policy('closed', {
    podSelector: { matchLabels: { role: 'friend' } },
    policyTypes: ['Egress'],
  });
  t.notOk(await reaches(friend.netnsPath, false));
  policy('closed', {
    podSelector: { matchLabels: { role: 'friend' } },
    policyTypes: ['Egress'],
    egress: [{ to: [{ podSelector: { matchLabels: { app: 'web' } } }], ports: [{ port: 'http' }] }],
  });
  t.ok(await reaches(friend.netnsPath, true));
  remove('networkpolicies', 'closed');
});

t.test('a pod always reaches itself', async (t) => {
  policy('friends', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
  t.notOk(await reaches(friend.netnsPath, false));
  t.ok(await reaches(web.netnsPath, true));
});

t.test(
  'they hold while the agent is away, and after others have flushed the ruleset',
  async (t) => {
    rules.close();
    t.notOk(await reaches(friend.netnsPath, false));
    rules = start();
    t.notOk(await reaches(friend.netnsPath, false));
    execFileSync('nft', ['flush', 'ruleset']);
    await world.network.table.verify();
    t.notOk(await reaches(friend.netnsPath, false));
    t.strictSame(warnings, []);
  },
);

t.test('with the last policy all goes, and everybody is reached again', async (t) => {
  remove('networkpolicies', 'friends');
  remove('networkpolicies', 'deny');
  t.ok(await reaches(stranger.netnsPath, true));
  t.ok(await reaches(friend.netnsPath, true));
});
