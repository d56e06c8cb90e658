/** Signals that the tool gets while it attends a container: they are the container's, or with --sig-proxy=false its own. */
import { constants } from 'node:os';
import type { Test } from 'tap';
import { type TestCluster, waitFor } from '../support/cluster.ts';

interface Attending {
  /** Resolves when the container has been heard. */
  heard(word: string): Promise<unknown>;
  kill(signal: NodeJS.Signals): void;
  /** The exit code, or the signal that ended it. */
  readonly end: Promise<number | string | null>;
  readonly output: () => string;
}

function attend(cluster: TestCluster, ...args: string[]): Attending {
  const child = cluster.bayStarted(...args);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return {
    heard: (word) =>
      waitFor(`'${word}' of bay ${args[0]}`, () => output.includes(word) || undefined),
    kill: (signal) => child.kill(signal),
    end: new Promise((done) => child.on('close', (code, signal) => done(code ?? signal))),
    output: () => output,
  };
}

/** Says when it is up, and by which signal it ends, with exit code 7. */
const script = [
  ...['TERM', 'INT', 'HUP'].map((name) => `trap "echo got ${name}; exit 7" ${name}`),
  'while :; do echo up; sleep 0.1; done',
].join('; ');

export async function proxiedSignals(t: Test, cluster: TestCluster, image: string) {
  const program = [image, 'sh', '-c', script];
  const isRunning = async (name: string) =>
    (await cluster.bay('ps', '-q', '-f', `name=${name}`)).stdout !== '';
  const isGone = (name: string) =>
    waitFor(`${name} to be gone`, async () =>
      (await cluster.bay('inspect', name)).code === 1 ? true : undefined,
    );
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    const running = attend(cluster, 'run', '--rm', '--name', 'proxied', ...program);
    await running.heard('up');
    running.kill(signal);
    t.equal(await running.end, 7, `run: ${signal}: ${running.output()}`);
    t.match(running.output(), `got ${signal.slice(3)}\n`);
    await isGone('proxied');

    const flags = ['run', '--rm', '--sig-proxy=false', '--name', 'alone'];
    const alone = attend(cluster, ...flags, ...program);
    await alone.heard('up');
    alone.kill(signal);
    t.equal(await alone.end, 128 + constants.signals[signal], `${signal} is the tool’s`);
    t.notMatch(alone.output(), 'got');
    t.ok(await isRunning('alone'), 'the container goes on');
    await cluster.bay('stop', '-t', '5', 'alone');
    await isGone('alone');
  }
  await attached(t, cluster, program);
  await givenUp(t, cluster, isGone);
}

async function attached(t: Test, cluster: TestCluster, program: string[]): Promise<void> {
  await cluster.bay('run', '-d', '--name', 'seen', ...program);
  const alone = attend(cluster, 'attach', '--sig-proxy=false', 'seen');
  await alone.heard('up');
  alone.kill('SIGTERM');
  t.equal(await alone.end, 'SIGTERM');
  const attached = attend(cluster, 'attach', 'seen');
  await attached.heard('up');
  t.notMatch(attached.output(), 'got', 'the signal before was not the container’s');
  attached.kill('SIGTERM');
  t.equal(await attached.end, 7, attached.output());
  const again = attend(cluster, 'start', '-a', 'seen');
  await again.heard('up');
  again.kill('SIGINT');
  t.equal(await again.end, 7, again.output());
  t.match(again.output(), 'got INT\n');
  await cluster.bay('rm', 'seen');
}

/** Nobody answers at that registry. */
async function givenUp(t: Test, cluster: TestCluster, isGone: (name: string) => Promise<unknown>) {
  const waiting = attend(cluster, 'run', '--name', 'never', '127.0.0.1:1/none:1');
  await waitFor('the document', async () =>
    (await cluster.bay('inspect', 'never')).code === 0 ? true : undefined,
  );
  waiting.kill('SIGINT');
  t.equal(await waiting.end, 130, waiting.output());
  t.match(waiting.output(), 'container never was given up before it ran: SIGINT');
  await isGone('never');
}
