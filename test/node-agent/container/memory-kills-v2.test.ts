/**
 * Processes killed for want of memory where cgroup v2 counts them. Machines with v1's controller have no `memory.events`:
 * what the kernel tells of is another file of a v2 cgroup, and what is read then was recorded.
 */
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import t, { type Test } from 'tap';
import { encodeContainer } from '#native/encode.ts';
import { decodeExited, encodeFrame, encodeNumbers, frame } from '#native/frames.ts';
import { namespaceType } from '#native/protocol.ts';
import { reap, startSupervisor } from '#native/spawn.ts';
import { readHierarchies } from '#node-agent/container/cgroups.ts';
import { SupervisorConnection } from '#node-agent/container/connection.ts';
import { plainContainer, program } from '../../native/plain-container.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { busyboxLayer, until } from './node.ts';

needsRoot();
const { v2 } = await readHierarchies();
if (v2 === undefined) {
  t.pass('skipped', { skip: 'needs a cgroup v2 hierarchy' });
  process.exit();
}
const fresh = scratch('memory-kills-v2');
const layer = busyboxLayer(fresh());
let count = 0;

/** A container whose supervisor is told that `oomFile` counts; `poke` makes the kernel tell of the cgroup's file. */
async function start(t: Test, oomFile: (events: string, directory: string) => string) {
  const cgroup = `${v2}/bayplan-test-v2-kills-${process.pid}-${count++}`;
  const directory = fresh();
  mkdirSync(cgroup);
  t.teardown(() => rmdirSync(cgroup));
  for (const name of ['state', 'upper', 'work']) mkdirSync(`${directory}/${name}`);
  const { pid, socket } = await startSupervisor({
    directory: `${directory}/state`,
    id: 'v2',
    before: [],
    rest: (give) =>
      give({
        meanwhile: [],
        spec: encodeContainer({
          ...plainContainer,
          layers: [layer],
          upper: `${directory}/upper`,
          work: `${directory}/work`,
          logPath: `${directory}/log`,
          oomFile: oomFile(`${cgroup}/cgroup.events`, directory),
          namespaces: (['mount', 'pid'] as const).map((kind) => ({
            type: namespaceType[kind],
            path: '',
          })),
          process: program(['sleep', '1000']),
        }),
      }),
  });
  const connection = SupervisorConnection.adopt(socket);
  let frozen = 0;
  const poke = () => {
    frozen = 1 - frozen;
    writeFileSync(`${cgroup}/cgroup.freeze`, String(frozen));
  };
  return { directory, pid, connection, poke };
}

/** Kills the container; gives its end, once the supervisor has ended, too. */
async function end(
  { connection, pid }: { connection: SupervisorConnection; pid: number },
  heard: (type: number, payload: Buffer) => void,
) {
  let exited: ReturnType<typeof decodeExited> | undefined;
  const gone = new Promise<void>((resolve) => {
    connection.listen({
      frame: ({ type, payload }) => {
        heard(type, payload);
        if (type === frame.exited) exited = decodeExited(payload);
      },
      closed: resolve,
    });
  });
  connection.sendEncoded(encodeNumbers(frame.signal, 9));
  await until('its end', () => exited !== undefined);
  connection.sendEncoded(encodeNumbers(frame.acknowledge));
  await gone;
  await reap(pid);
  return exited;
}

t.test('a file that says nothing of it costs nothing, however often it changes', async (t) => {
  const started = await start(t, (events) => events);
  // Its events come at most every 10 ms.
  for (let round = 0; round < 40; round += 1) {
    started.poke();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const fields = readFileSync(`/proc/${started.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  t.ok(ticks < 10, `${ticks} hundredths of a second of processor time`);
  const told: number[] = [];
  const exited = await end(started, (type) => told.push(type));
  t.notOk(told.includes(frame.outOfMemory));
  t.equal(exited?.oomKilled, false);
});

const recorded = (kills: number) =>
  `low 0\nhigh 0\nmax 31\noom ${kills + 1}\noom_kill ${kills}\noom_group_kill 0\n`;

t.test('each event of memory.events tells how many were killed so far, and once', async (t) => {
  const started = await start(t, (events, directory) => {
    const path = `${directory}/memory.events`;
    symlinkSync(events, path);
    return path;
  });
  const { directory, connection, poke } = started;
  const record = (kills: number) => {
    writeFileSync(`${directory}/next`, recorded(kills));
    renameSync(`${directory}/next`, `${directory}/memory.events`);
  };
  const told: number[] = [];
  const hear = (type: number, payload: Buffer) => {
    if (type === frame.outOfMemory) told.push(payload.readUInt32LE(0));
  };
  connection.listen({ frame: ({ type, payload }) => hear(type, payload), closed: () => {} });
  connection.sendEncoded(encodeFrame(frame.status));
  for (const kills of [0, 1, 1, 3]) {
    record(kills);
    poke();
    if (kills > 0) await until(`${kills} are told`, () => told.at(-1) === kills);
  }
  record(4);
  const exited = await end(started, hear);
  t.strictSame(told.slice(0, 2), [1, 3]);
  t.equal(exited?.oomKilled, true, 'what grew since the last event counts at the end');
});
