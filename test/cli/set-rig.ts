/** A server whose namespaces `default` and `theirs` hold the same: what `bay set` does in one, kubectl does in the other. */
import type { Test } from 'tap';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';

/** What is compared of a namespace. */
type State = (namespace: string) => Promise<unknown>;

/** Words after `set`, the exit code, what stderr says. */
export type Refusal = readonly [words: readonly string[], code: number, message: RegExp];

/** Two Deployments and a CronJob in each namespace; more is made with `inBoth`. */
export async function setRig(t: Test) {
  t.setTimeout(120_000);
  const server = await startTestServer();
  t.teardown(() => server.close());
  const bay = bayFor(server.kubeconfig);
  const newest = kubectlReleases().at(-1);
  const inBoth = async (...words: readonly string[]) => {
    for (const namespace of ['default', 'theirs']) await bay(...words, '-n', namespace);
  };
  await bay('create', 'namespace', 'theirs');
  await inBoth('create', 'deployment', 'web', '--image=one:1,two:1');
  await inBoth('create', 'deployment', 'other', '--image=one:1');
  await inBoth('create', 'cronjob', 'each', '--image=a', '--schedule=* * * * *');

  /** Each line says and does what the real kubectl says and does. In the end the state matches `end`. */
  const asKubectl = (lines: readonly (readonly string[])[], state: State, end: RegExp) =>
    t.test('as kubectl', { skip: newest === undefined && 'needs kubectl' }, async (t) => {
      const kubectl = kubectlFor(server.kubeconfig, newest?.program);
      t.teardown(() => kubectl.close());
      for (const words of lines) {
        const theirs = await kubectl(['set', ...words, '-n', 'theirs']);
        const ours = await bay('set', ...words);
        const line = `${words.join(' ')}: ${ours.stderr} ${theirs.stderr}`;
        t.equal(ours.stdout, theirs.stdout, line);
        t.equal(ours.code, theirs.code, line);
        t.strictSame(await state('default'), await state('theirs'), line);
      }
      t.match(JSON.stringify(await state('default')), end);
    });
  const refuses = (cases: readonly Refusal[], state: State) =>
    t.test('what is wrong is told, and nothing is changed', async (t) => {
      const before = await state('default');
      for (const [words, code, message] of cases) {
        t.match(await bay('set', ...words), { code, stderr: message }, words.join(' '));
      }
      t.strictSame(await state('default'), before);
    });
  return { client: server.client(), inBoth, asKubectl, refuses };
}
