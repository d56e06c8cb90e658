/** A supervisor, or the child it makes, is killed before each call that it makes: its program runs at most once. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { leftOver, machine } from '../../support/machine.ts';
import './dying-supervisor.ts';
import { takeOver } from './agent-life.ts';
import { containerSpec, exited, sandboxSpec, startNode, stopNode, traces } from './node.ts';

/** `EVERY=1` tries all of them; each run tries others. */
const every = Number(process.env['EVERY'] ?? 16);
const first = Number(process.env['SEED'] ?? Date.now()) % every;

const before = machine();
const node = await startNode('dying');
t.setTimeout(300_000);
t.teardown(() => stopNode(node));
const seen = `${node.directory}/seen`;
mkdirSync(seen);
const runs = (): number => readFileSync(`${seen}/runs`, 'utf8').split('\n').length - 1;

/** Starts a container whose supervisor dies before that call; whether it got as far. */
async function attempt(t: Test, sandboxId: string, number: number): Promise<boolean> {
  writeFileSync(`${seen}/runs`, '');
  writeFileSync(`${node.runDir}/fail-at`, String(number));
  const spec = containerSpec(node, sandboxId, {
    args: ['sh', '-c', 'echo ran >> /seen/runs; exit 5'],
    mounts: [{ type: 'bind', source: seen, target: '/seen', readonly: false }],
  });
  const failed = await node.runtime.start(spec).then(
    () => false,
    () => true,
  );
  const end = await exited(node, spec.id);
  const all = failed ? 'StartError' : end.exitCode === 5 ? undefined : 'Unknown';
  if (end.reason !== undefined) t.equal(end.reason, all, `call ${number}: as it is told`);
  t.ok(runs() <= 1, `call ${number}: ran ${runs()} times`);
  if (end.exitCode === 5) t.equal(runs(), 1, `call ${number}: it ran`);
  // The next life knows the same, and does not find one that may have run as one that never did.
  const { containers } = await takeOver(node);
  t.match(containers, [{ spec: { id: spec.id }, state: { exitCode: end.exitCode } }]);
  await node.runtime.remove(spec.id);
  await node.runtime.removeLayer(spec.layerDir);
  return failed || end.exitCode !== 5;
}

t.test('a supervisor or its child that dies has run its program at most once', async (t) => {
  t.setTimeout(300_000);
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  let number = first;
  while (await attempt(t, sandbox.id, number)) number += every;
  t.comment(`every ${every} from ${first} up to ${number}`);
  t.ok(number > 100, 'the last is past the last call');
  rmSync(`${node.runDir}/fail-at`);
  await node.runtime.removeSandbox(sandbox.id);
  t.strictSame(traces(node), []);
  t.strictSame(await leftOver(before), {});
});
