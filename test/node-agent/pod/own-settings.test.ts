/** What a Container says beyond its Pod, as its node reads it. */
import t from 'tap';
import type { Pod } from '#api/resources/types.ts';
import { containerSettings, refusalOf, sandboxSettings } from '#node-agent/pod/isolation.ts';
import { ownMounts, ownResources, ownSettings } from '#node-agent/pod/own-settings.ts';

const owner = {
  apiVersion: 'bayplan.dev/v1alpha1',
  kind: 'Container',
  name: 'c',
  uid: 'u',
  controller: true,
};

function podWith(settings: unknown, ownerReferences: object[] = [owner]): Pod {
  const text = typeof settings === 'string' ? settings : JSON.stringify(settings);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'c',
      namespace: 'default',
      uid: 'p',
      annotations: { 'bayplan.dev/settings': text },
      ownerReferences,
    },
    spec: { containers: [{ name: 'main' }] },
  } as Pod;
}

const modules = { apparmor: false, selinux: false };

t.test('they become the runtime’s terms', async (t) => {
  const pod = podWith({
    domainname: 'd',
    shmSize: '1Mi',
    sysctls: { 'net.core.somaxconn': '9' },
    network: 'none',
    uts: 'host',
    init: true,
    unmasked: true,
    ulimits: [{ name: 'nofile', soft: 1, hard: -1 }],
    devices: [{ source: '/dev/fuse', path: '/dev/f' }],
    landlock: { readOnly: ['/bin'] },
  });
  t.strictSame(sandboxSettings(pod), {
    domainname: 'd',
    shmBytes: 2 ** 20,
    sysctls: { 'net.core.somaxconn': '9' },
    noNetwork: true,
    hostUts: true,
  });
  t.strictSame(containerSettings(pod, { name: 'main' }, modules), {
    init: true,
    unmasked: true,
    rlimits: [{ type: 'nofile', soft: 1, hard: -1 }],
    devices: [{ hostPath: '/dev/fuse', path: '/dev/f', permissions: 'rwm' }],
    landlock: { readOnly: ['/bin'], readWrite: [] },
  });
  const limits = { resources: { memorySwap: '2Mi', cpuset: '0', pids: 3 } };
  t.strictSame(ownResources(ownSettings(podWith(limits))), {
    cpu: { cpus: '0' },
    memory: { swap: 2 ** 21 },
    pids: { limit: 3 },
  });
  t.strictSame(ownMounts({ tmpfs: [{ target: '/t', size: '1Mi', options: ['exec'] }] }), [
    {
      type: 'tmpfs',
      target: '/t',
      readonly: false,
      options: ['noexec', 'exec'],
      sizeBytes: 2 ** 20,
    },
  ]);
});

t.test('an annotation on a Pod that no Container made says nothing', async (t) => {
  const wanted = { devices: [{ source: '/dev/sda', path: '/dev/x' }], uts: 'host' };
  for (const owners of [
    [],
    [{ ...owner, controller: false }],
    [{ ...owner, kind: 'ReplicaSet', apiVersion: 'apps/v1' }],
    [{ ...owner, apiVersion: 'other.dev/v1' }],
  ]) {
    t.strictSame(ownSettings(podWith(wanted, owners)), {});
  }
});

const wrong: [unknown, RegExp][] = [
  ['{', /settings: .*JSON/],
  ['[]', /settings/],
  [{ init: 'yes' }, /init: expected boolean, found "yes"/],
  [{ ulimits: [{ name: 'nofile', soft: 1.5, hard: 2 }] }, /ulimits\[0\]\.soft: expected Int/],
  [{ devices: [{ source: '/dev/a' }] }, /devices\[0\]\.path: expected string, found nothing/],
  [{ sysctls: { a: 1 } }, /sysctls\.a: expected string/],
  [{ network: 'other' }, /network: expected "none"/],
];
for (const [settings, message] of wrong) {
  t.test(`refused by field: ${JSON.stringify(settings)}`, async (t) => {
    t.throws(() => ownSettings(podWith(settings)), message);
    t.match(refusalOf(podWith(settings)), { reason: 'InvalidSettings', message });
  });
}

t.test(
  'sysctls of its own namespaces alone, and none smuggled in a value (CVE-2022-0811)',
  async (t) => {
    const forbidden = (sysctls: object) => refusalOf(podWith({ sysctls }))?.reason;
    t.equal(forbidden({ 'net.ipv4.ip_forward': '1', 'kernel.shmmax': '1' }), undefined);
    for (const sysctls of [
      { 'kernel.core_pattern': '|/bin/x' },
      { 'vm.swappiness': '1' },
      { 'kernel/core_pattern': 'x' },
      { 'net/../kernel/core_pattern': 'x' },
      { 'net.core.somaxconn': '1\nkernel.core_pattern=x' },
      { 'net.core.somaxconn=1+kernel.core_pattern': 'x' },
      { '': '1' },
      { 'net.': '1' },
    ]) {
      t.equal(forbidden(sysctls), 'SysctlForbidden', JSON.stringify(sysctls));
    }
  },
);

t.test('amounts that are none are told', async (t) => {
  for (const shmSize of ['', '0', '-1', '1e99', 'much']) {
    t.throws(() => sandboxSettings(podWith({ shmSize })), /shmSize: .* is not an amount of memory/);
  }
});
