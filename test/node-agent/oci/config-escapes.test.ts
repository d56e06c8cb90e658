/** Fields by which a bundle could reach the host: refused. */

import t from 'tap';
import { sysctlPath } from '#node-agent/oci/config/sysctls.ts';
import { badness, namespaces, problemsOf } from './config-problems.ts';

t.test('working directories that lead through descriptors (CVE-2024-21626)', async (t) => {
  for (const cwd of [
    '/proc/self/fd/7',
    '/proc/self/fd/7/../../..',
    '//proc//self///fd/7',
    '/proc/1/root',
    '/proc/thread-self/cwd',
    '/proc/self/task/1/fd/9',
  ]) {
    t.match(badness({ process: { cwd } })[0], 'process.cwd:', cwd);
  }
  t.strictSame(badness({ process: { cwd: '/proc/self' } }), []);
});

t.test('user namespaces: maps that are missing, overlap or end nowhere', async (t) => {
  const user = (uidMappings: object[], gidMappings = [{ containerID: 0, hostID: 1, size: 1 }]) =>
    badness({ linux: { namespaces: [...namespaces, { type: 'user' }], uidMappings, gidMappings } });
  t.match(user([])[0], 'linux.uidMappings: expected at least one range');
  t.match(
    user([{ containerID: 0, hostID: 0, size: 0 }])[0],
    'linux.uidMappings[0].size: expected a size',
  );
  t.match(
    user([{ containerID: 0, hostID: 2 ** 32 - 1, size: 2 }])[0],
    'linux.uidMappings[0].size: 2 ids',
  );
  const twice = [0, 1].map(() => ({ containerID: 5, hostID: 100, size: 10 }));
  t.match(user(twice)[0], 'linux.uidMappings[1].containerID: overlaps');
  t.strictSame(user([{ containerID: 0, hostID: 100000, size: 65536 }]), []);
});

t.test(
  'kernel parameters: only those of own namespaces, one line each (CVE-2022-0811)',
  async (t) => {
    const sysctl = (name: string, value = '1') => badness({ linux: { sysctl: { [name]: value } } });
    for (const name of [
      'net.ipv4.ip_forward',
      'kernel.shmmax',
      'fs.mqueue.msg_max',
      'net/ipv4/conf/eth0.1/x',
    ]) {
      t.strictSame(sysctl(name), [], name);
    }
    for (const name of [
      'kernel.core_pattern',
      'kernel.shm_rmid_forced+kernel.core_pattern=|/evil #',
      'kernel/../kernel/core_pattern',
      'net..ipv4',
      'net.ipv4.ip_forward=1',
      '/proc/sys/net/x',
      'vm.overcommit_memory',
      '',
    ]) {
      t.equal(sysctl(name).length, 1, JSON.stringify(name));
    }
    t.match(sysctl('kernel.shmmax', '1\nkernel.core_pattern=x')[0], 'expected one line');
    const shared = {
      linux: { namespaces: [{ type: 'mount' }], sysctl: { 'net.core.somaxconn': '1' } },
    };
    t.match(badness(shared)[0], 'needs a network namespace');
    t.match(
      badness({ hostname: 'x', linux: { namespaces: [{ type: 'mount' }] } })[0],
      'hostname: needs a uts',
    );
    t.equal(sysctlPath('net.ipv4.conf.eth0/1.x'), 'net/ipv4/conf/eth0.1/x');
    t.equal(sysctlPath('net/ipv4/conf/eth0.1/x'), 'net/ipv4/conf/eth0.1/x');
  },
);

t.test('what is no document at all', async (t) => {
  t.match(problemsOf('{')[0], 'not JSON');
  t.match(problemsOf('[]')[0], 'expected an object');
  t.match(problemsOf('null')[0], 'expected an object');
  t.equal(problemsOf('['.repeat(200_000)).length, 1, 'deep nesting ends in an error');
  const polluted =
    '{"__proto__":{"root":{"path":"x"}},"ociVersion":"1.0.0","linux":{"namespaces":[{"type":"mount"}]}}';
  t.match(problemsOf(polluted)[0], 'root.path');
  t.equal(({} as Record<string, unknown>)['root'], undefined);
});
