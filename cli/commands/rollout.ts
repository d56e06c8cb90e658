/** `bay rollout`: follow, redo and undo the roll-out of a workload. */
import { UsageError } from '../arguments.ts';
import { changeEach, changeFlags } from '../documents/change.ts';
import { forEachFound, tellFailure, withClient } from '../documents/each.ts';
import { integerOf, parseFlags } from '../documents/flags.ts';
import type { Action } from '../rollout/change.ts';

const flags = {
  ...changeFlags,
  watch: { type: 'boolean', short: 'w' },
  timeout: { type: 'string' },
  revision: { type: 'string' },
  'to-revision': { type: 'string' },
} as const;

type Values = ReturnType<typeof parseFlags<typeof flags>>['values'];

const actions = ['history', 'pause', 'restart', 'resume', 'status', 'undo'];

/** A type alone means all of it. */
const everyOne = (words: readonly string[], values: Values): boolean =>
  words.length === 1 && values.selector === undefined;

const revisionOf = (text: string | undefined, flag: string): number => {
  const revision = integerOf(text ?? '0', flag);
  if (revision >= 0) return revision;
  throw new UsageError(`${flag} ${revision}: revisions are counted from 1`);
};

async function history(values: Values, words: readonly string[]): Promise<number> {
  const { historyOf } = await import('../rollout/history.ts');
  const revision = revisionOf(values.revision, '--revision');
  return forEachFound(
    { ...values, all: everyOne(words, values), words },
    'rollout history',
    async (client, found) => {
      const text = await historyOf(client, found, revision, values.output);
      process.stdout.write(text);
    },
  );
}

/** What changes an object says so, or shows it as `-o` asks. */
const changeAll = (
  action: string,
  values: Values,
  words: readonly string[],
  each: Parameters<typeof changeEach>[3],
): Promise<number> =>
  changeEach(
    `rollout ${action}`,
    {
      ...values,
      all: everyOne(words, values),
      'field-manager': values['field-manager'] ?? 'bay-rollout',
    },
    words,
    each,
  );

async function undo(values: Values, words: readonly string[]): Promise<number> {
  const { undo: undoOne } = await import('../rollout/undo.ts');
  const revision = revisionOf(values['to-revision'], '--to-revision');
  return changeAll('undo', values, words, (client, found, change) =>
    undoOne(client, found, revision, change),
  );
}

async function change(action: Action, values: Values, words: readonly string[]): Promise<number> {
  const { changeRollout } = await import('../rollout/change.ts');
  return changeAll(action, values, words, (client, found, one) =>
    changeRollout(client, found, action, one),
  );
}

/** Waits until all are rolled out; exit code 1 if one has failed or is late. */
async function status(values: Values, words: readonly string[]): Promise<number> {
  const { followRollout } = await import('../rollout/follow.ts');
  const { eachFound } = await import('../documents/select.ts');
  const { timeLimitMs } = await import('../time-limit.ts');
  const limitMs = timeLimitMs(values.timeout ?? '0', '--timeout');
  const isOnce = values.watch === false;
  return withClient(values, async (client) => {
    let failures = 0;
    const signal = limitMs > 0 ? AbortSignal.timeout(limitMs) : undefined;
    await eachFound(
      client,
      { ...values, all: everyOne(words, values), words },
      'rollout status',
      async (found) => {
        await followRollout(client, found, { isOnce, signal });
      },
      (error) => {
        failures += 1;
        tellFailure(error);
      },
    );
    return failures > 0 ? 1 : 0;
  });
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('rollout', args, flags);
  const [action = '', ...rest] = words;
  if (!actions.includes(action)) {
    const what = action === '' ? 'say what to do' : `there is no 'bay rollout ${action}'`;
    throw new UsageError(`${what}: bay rollout ${actions.join('|')} TYPE/NAME`);
  }
  if (action === 'history') return history(values, rest);
  if (action === 'undo') return undo(values, rest);
  if (action === 'status') return status(values, rest);
  return change(action as Action, values, rest);
}
