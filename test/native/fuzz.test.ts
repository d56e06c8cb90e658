/** What reads strangers' bytes in the supervisor, under sanitizers, with messages changed by chance. */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { encodeContainer, encodeProcess } from '#native/encode.ts';
import { encodeFrame, encodeNumbers, frame } from '#native/frames.ts';
import { namespaceType } from '#native/protocol.ts';
import {
  standardDevices,
  standardLinks,
  wireMount,
} from '#node-agent/container/standard-mounts.ts';
import { scratch } from '../support/scratch.ts';
import { plainContainer, program } from './plain-container.ts';
import { hasSanitizers } from './sanitizers.ts';

const fresh = scratch('fuzz');
const native = resolve(import.meta.dirname, '../../native');
const target = `${native}/build/sanitized/fuzz-reader`;
/** `ROUNDS=10000000 node test/native/fuzz.test.ts` looks longer. */
const rounds = process.env['ROUNDS'] ?? '100000';
const seed = process.env['SEED'] ?? String(Date.now() % 1_000_000);

const map = [{ inside: 0, outside: 100_000, size: 65_536 }];
const process_ = program(['sh', '-c', 'true'], {
  groups: [1, 2, 3],
  rlimits: [{ resource: 7, soft: 1n, hard: 2n }],
  scheduler: new Uint8Array(48),
  firstCpus: new Uint8Array(8),
  landlock: { handled: 7n, rules: [{ access: 4n, path: '/bin' }] },
  cgroups: ['/a', '/b'],
  cgroup2: '/c',
  env: ['A=1', 'B=2'],
  seccomp: new Uint8Array(16),
  memoryPolicy: { mode: 2, nodes: new Uint8Array(8) },
});
const container = encodeContainer({
  ...plainContainer,
  namespaces: Object.values(namespaceType).map((type) => ({ type, path: '' })),
  uidMap: map,
  gidMap: map,
  timeOffsets: [{ clock: 7, seconds: 1n, nanoseconds: 2 }],
  sysctls: [{ name: 'net/x', value: '1' }],
  layers: ['/one', '/two'],
  upper: '/upper',
  work: '/work',
  mounts: [
    wireMount({ type: 'tmpfs', target: '/t', options: ['size=1', 'sync'], uidMap: map }),
    wireMount({ kind: 1, root: '/r', source: 's', target: '/x' }),
  ],
  devices: standardDevices,
  links: standardLinks,
  masked: ['/m'],
  readonlyPaths: ['/r'],
  process: process_,
});
const samples = {
  C: Buffer.from(container),
  P: encodeProcess(process_),
  F: Buffer.concat([
    encodeNumbers(frame.signal, 15),
    encodeFrame(frame.stdin, Buffer.alloc(3000, 'x')),
    encodeFrame(frame.exec, encodeProcess(process_)),
    encodeFrame(frame.status),
  ]),
};

t.test(
  'specs, processes and frames',
  { skip: !hasSanitizers() && 'needs a gcc with sanitizers' },
  async (t) => {
    execFileSync('make', ['-s', '-C', native, 'fuzz']);
    const directory = fresh();
    const files = Object.entries(samples).map(([kind, bytes]) => {
      const path = `${directory}/${kind}`;
      writeFileSync(path, Buffer.concat([Buffer.from(kind), bytes]));
      return path;
    });
    t.comment(`SEED=${seed} ROUNDS=${rounds}`);
    const said = execFileSync(target, [seed, rounds, ...files], { encoding: 'utf8' });
    const taken = Number(/, (\d+) of them/.exec(said)?.[1]);
    t.ok(taken >= 2, said);
  },
);
