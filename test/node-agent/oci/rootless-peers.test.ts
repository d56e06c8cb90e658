/** The same bundle of a user under crun, runc and here: what is seen from inside is the same. */

import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { v2MountOf } from '#node-agent/container/cgroups.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { namespaces } from './bundle.ts';
import { asUser, givesNamespaces, mapped, uid, userRig } from './rootless.ts';

needsRoot();
const v2 = v2MountOf(readFileSync('/proc/self/mountinfo', 'utf8'));
if (v2 === undefined || !givesNamespaces()) {
  t.pass('skipped', { skip: 'needs a cgroup v2 hierarchy, and user namespaces for users' });
  process.exit();
}

const rig = userRig(scratch('oci-rootless-peers')());
const session = `${rig.directory}/session`;
mkdirSync(session);
chownSync(session, uid, uid);

/** crun takes no machine with both versions of cgroups. */
const remount = [
  'while umount -R -l /sys 2> /dev/null; do :; done',
  'mount -t sysfs sysfs /sys && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"',
].join('; ');
const through = [
  ...['unshare', '-m', '--propagation', 'private', 'sh', '-c', remount, 'sh'],
  ...[...asUser, 'env', `XDG_RUNTIME_DIR=${session}`],
];

/** Who, with what rights; devices; mounts by place, kind and access, in no order. */
const script = [
  'id; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups',
  'grep -e ^Cap -e ^Groups -e NoNewPrivs: -e ^Seccomp: -e ^Umask /proc/self/status',
  'cat /proc/self/oom_score_adj /proc/self/cgroup; ulimit -n; hostname; pwd; echo $PATH',
  'stat -c "%n %F %t:%T %u:%g %a" /dev/*/ /dev/n* /dev/z* /dev/f* /dev/random /dev/urandom /dev/tty | sort',
  `awk '{ for (i = 7; $i != "-"; i++); print "mount", $5, $(i + 1), $4, substr($6, 1, 2) }' /proc/self/mountinfo | sort`,
].join('\n');

const others = namespaces.filter(({ type }) => type !== 'network');
const sys = { destination: '/sys', type: 'none', source: '/sys' };
const proc = { destination: '/proc', type: 'proc', source: 'proc' };
const sysOptions = ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'];

/** A field that both have not is as the bundles of all tests have it. */
const cases: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'all namespaces': { linux: { ...mapped(), cgroupsPath: null } },
  'the network of the host': {
    linux: { ...mapped({ namespaces: [...others, { type: 'user' }] }), cgroupsPath: null },
    mounts: [proc, { ...sys, options: sysOptions }],
  },
};

/** Masks are everybody's own. */
const comparable = (text: string): string[] =>
  text.split('\n').filter((line) => !/^mount \/(proc|sys)\//.test(line));

for (const [name, change] of Object.entries(cases))
  t.test(`${name}: as under crun and runc`, async (t) => {
    // Debian 12's crun and runc know no later version.
    const bundle = rig.bundle(['sh', '-c', script], {
      ...change,
      ociVersion: '1.0.0',
      process: { oomScoreAdj: 500 },
    });
    const ours = await rig.run(['run', '-b', bundle, 'ours'], { through });
    t.equal(ours.stderr, '');
    t.match(ours.stdout, 'uid=0');
    for (const peer of ['crun', 'runc']) {
      const words = [...through.slice(1), peer, 'run', '-b', bundle, `of-${peer}`];
      const theirs = spawnSync(through[0] ?? '', words, { encoding: 'utf8' });
      if (/: not found|No such file/.test(theirs.stderr)) {
        t.comment(`${peer} is not here`);
        continue;
      }
      t.equal(theirs.status, 0, theirs.stderr);
      t.strictSame(comparable(ours.stdout), comparable(theirs.stdout), peer);
    }
  });
