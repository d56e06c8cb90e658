/**
 * Documents of strangers, changed by chance: read whole, or refused with field and reason; never anything else. What is
 * taken of a seccomp profile becomes a program that the kernel would take.
 */
import t from 'tap';
import { compile } from '#node-agent/container/seccomp/compile.ts';
import { ProfileError } from '#node-agent/container/seccomp/document.ts';
import { readProfile } from '#node-agent/container/seccomp/read-profile.ts';
import { ConfigError } from '#node-agent/oci/config/problem.ts';
import { configOf, processOf } from '#node-agent/oci/config/read-config.ts';
import { mutatedJson } from '../../support/mutate-json.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { checkProgram } from '../container/seccomp/simulator.ts';
import { good } from './config-problems.ts';

/** `ROUNDS=1000000 node test/node-agent/oci/fuzz.test.ts` looks longer; `SEED=` repeats. */
const rounds = Number(process.env['ROUNDS'] ?? 3000);
const { random, seed } = seededRandom();
t.comment(`SEED=${seed} ROUNDS=${rounds}`);

const process_ = {
  ...good.process,
  terminal: false,
  consoleSize: { height: 24, width: 80 },
  user: { uid: 1, gid: 2, umask: 18, additionalGids: [3] },
  env: ['A=1'],
  capabilities: { bounding: ['CAP_CHOWN'], effective: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'] },
  rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 }],
  noNewPrivileges: true,
  oomScoreAdj: 5,
};
const profile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 1,
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
  syscalls: [
    { names: ['read', 'write', 'mkdir'], action: 'SCMP_ACT_ALLOW' },
    {
      names: ['clone', 'personality'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value: 2114060288, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
    },
    { names: ['socket'], action: 'SCMP_ACT_ERRNO', errnoRet: 22 },
  ],
};
const config = {
  ...good,
  process: process_,
  hostname: 'h',
  mounts: [{ destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'ro'] }],
  hooks: { prestart: [{ path: '/bin/true', args: ['true'], env: ['A=1'], timeout: 1 }] },
  annotations: { a: 'b' },
  linux: {
    ...good.linux,
    devices: [{ path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode: 438, uid: 0, gid: 0 }],
    sysctl: { 'net.ipv4.ip_forward': '1' },
    resources: {
      memory: { limit: 1000000, swap: 2000000 },
      cpu: { shares: 512, quota: 1000, period: 10000, cpus: '0' },
      pids: { limit: 5 },
      devices: [{ allow: false, access: 'rwm' }],
    },
    maskedPaths: ['/proc/kcore'],
    readonlyPaths: ['/proc/sys'],
    seccomp: profile,
  },
};

/** How many were taken; anything but the refusal is thrown on, with the text. */
function tried(
  read: (text: string) => unknown,
  document: unknown,
  isRefusal: (error: unknown) => boolean,
) {
  let taken = 0;
  for (let round = 0; round < rounds; round += 1) {
    const text = mutatedJson(document, random);
    try {
      read(text);
      taken += 1;
    } catch (error) {
      if (!isRefusal(error)) throw new Error(`SEED=${seed}: ${text}`, { cause: error });
    }
  }
  return taken;
}

const isConfigError = (error: unknown): boolean =>
  error instanceof ConfigError &&
  error.problems.length > 0 &&
  error.problems.every(({ path, message }) => path !== '' && message !== '');

t.test('config.json', async (t) => {
  t.ok(configOf(JSON.stringify(config)), 'the unchanged one is taken');
  const taken = tried(configOf, config, isConfigError);
  t.ok(taken > 0 && taken < rounds, `${taken} of ${rounds} taken`);
});

t.test('the process document of exec', async (t) => {
  const taken = tried((text) => processOf('process.json', text), process_, isConfigError);
  t.ok(taken > 0 && taken < rounds, `${taken} of ${rounds} taken`);
});

t.test('seccomp profiles', async (t) => {
  const facts = { capabilities: 0n, kernel: '6.1.0' };
  const assemble = (text: string) => {
    const { program } = compile(readProfile(text, facts));
    checkProgram(program);
  };
  assemble(JSON.stringify(profile));
  const taken = tried(
    assemble,
    profile,
    (error) => error instanceof ProfileError && error.message !== '',
  );
  t.ok(taken > 0 && taken < rounds, `${taken} of ${rounds} taken`);
});
