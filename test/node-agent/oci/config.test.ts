/** config.json as strangers write it: what is taken, and what is refused with its field. */

import t from 'tap';
import { processOf } from '#node-agent/oci/config/read-config.ts';
import { badness, good, namespaces, problemsOf } from './config-problems.ts';

t.test(
  'a plain bundle is taken, with nulls as Go writes them and fields nobody knows',
  async (t) => {
    t.strictSame(problemsOf(JSON.stringify(good)), []);
    t.strictSame(
      badness({
        hooks: null,
        mounts: null,
        annotations: null,
        zos: { anything: 1 },
        linux: { seccomp: null, sysctl: null, devices: null, intelRdt: {} },
        process: { rlimits: null, capabilities: null, user: { additionalGids: null } },
      }),
      [],
    );
    t.strictSame(badness({ process: null }), [], 'a process is needed only to start');
  },
);

t.test('numbers that would become others', async (t) => {
  const cases: readonly (readonly [object, string])[] = [
    [{ process: { user: { uid: 4294967296 } } }, 'process.user.uid: expected an id'],
    [{ process: { user: { uid: 2147483648 } } }, 'process.user.uid: expected an id'],
    [{ process: { user: { uid: -1 } } }, 'process.user.uid: expected an id'],
    [{ process: { user: { gid: '0' } } }, 'process.user.gid: expected an id'],
    [{ process: { user: { gid: 0.5 } } }, 'process.user.gid: expected an id'],
    [{ process: { user: { additionalGids: [1, 2 ** 31] } } }, 'process.user.additionalGids[1]:'],
    [{ process: { user: { umask: 0o1000 } } }, 'process.user.umask: expected a umask'],
    [{ process: { oomScoreAdj: 1001 } }, 'process.oomScoreAdj: expected'],
    [
      { process: { ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 8 } } },
      'process.ioPriority.pri',
    ],
  ];
  for (const [change, wanted] of cases) {
    t.match(badness(change).join('\n'), wanted, wanted);
  }
  const text = JSON.stringify(good).replace('"uid":0', '"uid":1e9');
  t.strictSame(problemsOf(text), [
    'process.user.uid: expected an id from 0 to 2147483647, found 1e9',
  ]);
  const huge = JSON.stringify(good).replace('"uid":0', `"uid":${'9'.repeat(40)}`);
  t.match(problemsOf(huge)[0], 'process.user.uid: expected an id');
});

t.test('names that are empty, twice, unknown or cut short', async (t) => {
  const cases: readonly (readonly [object, string])[] = [
    [{ process: { args: [] } }, 'process.args: expected at least one'],
    [{ process: { args: [''] } }, 'process.args[0]: expected a program, found ""'],
    [{ process: { args: ['a\0b'] } }, 'process.args[0]: expected text without NUL'],
    [{ process: { env: ['A'] } }, 'process.env[0]: expected NAME=value, found "A"'],
    [{ process: { env: ['=x'] } }, 'process.env[0]: expected NAME=value'],
    [{ process: { env: ['A=b\0c'] } }, 'process.env[0]: expected NAME=value'],
    [{ process: { cwd: '' } }, 'process.cwd: expected an absolute path, found ""'],
    [{ process: { cwd: 'tmp' } }, 'process.cwd: expected an absolute path, found "tmp"'],
    [{ root: { path: '' } }, 'root.path: expected a path, found ""'],
    [{ root: null }, 'root.path: expected a path, found nothing'],
    [{ ociVersion: '2.0.0' }, 'ociVersion: expected a version 1.x'],
    [{ ociVersion: 1 }, 'ociVersion: expected a version 1.x'],
    [{ hostname: 'a'.repeat(65) }, 'hostname: expected a host name'],
    [{ annotations: { '': 'x' } }, 'annotations'],
    [{ mounts: [{ destination: '' }] }, 'mounts[0].destination: expected a path'],
    [{ mounts: [{ destination: '/x', options: [''] }] }, 'mounts[0].options[0]: expected text'],
    [
      { linux: { namespaces: [...namespaces, { type: 'pid' }] } },
      'linux.namespaces[6].type: pid is given twice',
    ],
    [
      { linux: { namespaces: [...namespaces, { type: 'net' }] } },
      'linux.namespaces[6].type: expected one of',
    ],
    [
      { linux: { namespaces: [...namespaces, { type: 'user', path: 'x' }] } },
      'linux.namespaces[6].path: expected an absolute path',
    ],
    [
      { process: { rlimits: [{ type: 'RLIMIT_X', soft: 1, hard: 1 }] } },
      'process.rlimits[0].type: expected',
    ],
    [
      { process: { rlimits: [0, 1].map(() => ({ type: 'RLIMIT_CPU', soft: 1, hard: 1 })) } },
      'process.rlimits[1].type: RLIMIT_CPU is given twice',
    ],
    [
      { process: { rlimits: [{ type: 'RLIMIT_CPU', soft: 2, hard: 1 }] } },
      'process.rlimits[0].soft: 2 is more',
    ],
    [
      { process: { scheduler: { policy: 'SCHED_X' } } },
      'process.scheduler.policy: expected one of',
    ],
    [{ linux: { rootfsPropagation: 'foo' } }, 'linux.rootfsPropagation: expected one of'],
    [
      { linux: { personality: { domain: 'WINDOWS' } } },
      'linux.personality.domain: expected one of',
    ],
    [{ hooks: { prestart: [{ path: 'x' }] } }, 'hooks.prestart[0].path: expected an absolute path'],
    [
      { hooks: { poststop: [{ path: '/x', timeout: 0 }] } },
      'hooks.poststop[0].timeout: expected seconds',
    ],
    [
      { linux: { devices: [{ path: '/dev/x', type: 'c' }] } },
      'linux.devices[0]: a device of type c needs major',
    ],
    [
      { linux: { devices: [{ path: 'x', type: 'p' }] } },
      'linux.devices[0].path: expected an absolute path',
    ],
    [
      { linux: { devices: [{ path: '/dev/../x', type: 'p' }] } },
      'linux.devices[0].path: /dev/../x contains ..',
    ],
    [{ linux: { maskedPaths: ['proc'] } }, 'linux.maskedPaths[0]: expected an absolute path'],
    [{ linux: { cgroupsPath: '/a/../../b' } }, 'linux.cgroupsPath: /a/../../b contains ..'],
    [{ linux: { intelRdt: { closID: 'a' } } }, 'linux.intelRdt: is not supported'],
    [
      { linux: { uidMappings: [{ containerID: 0, hostID: 0, size: 1 }] } },
      'linux.uidMappings: needs a user namespace',
    ],
    [
      {
        linux: {
          namespaces: [...namespaces, { type: 'user' }],
          uidMappings: [{ containerID: 0, hostID: 7, size: 2 }],
          gidMappings: [{ containerID: 0, hostID: 7, size: 2 }],
        },
        process: { user: { uid: 1, gid: 2, additionalGids: [0, 3] } },
      },
      'process.user.gid: 2 is not mapped by linux.gidMappings\nprocess.user.additionalGids[1]: 3 is not',
    ],
    [
      { linux: { timeOffsets: { boottime: { secs: 1 } } } },
      'linux.timeOffsets: needs a new time namespace',
    ],
    [{ linux: { namespaces: [{ type: 'pid' }] } }, 'linux.namespaces: a mount namespace is needed'],
  ];
  for (const [change, wanted] of cases) t.match(badness(change).join('\n'), wanted, wanted);
});

t.test('all that is wrong is told at once', async (t) => {
  const problems = badness({ ociVersion: 'x', root: { path: 1 }, process: { cwd: 2 } });
  t.equal(problems.length, 3);
});

t.test('process documents of exec are read as strictly', async (t) => {
  const read = (process: object) => () => processOf('process.json', JSON.stringify(process));
  t.throws(read({ cwd: '/' }), /process.args: expected a list/);
  t.throws(read({ cwd: '/proc/self/fd/3', args: ['x'] }), /process.cwd/);
  t.throws(read({ cwd: '/', args: ['x'], user: { uid: 2 ** 31 } }), /user.uid: expected an id/);
  t.equal(processOf('p', '{"cwd":"/","args":["x"]}').cwd, '/');
});
