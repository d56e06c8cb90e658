/** What the container may use, and when it ends, is started again, or is said to be unwell. */
import { value } from '#api/resources/quantity.ts';
import { UsageError } from '../arguments.ts';
import type { Container } from '../container.ts';
import { restartOf } from '../restart-policy.ts';
import type { RunFlags } from './flags.ts';
import { integer, memory, oneOf, seconds, some } from './values.ts';

type Spec = Container['spec'];

const sharesBounds = { least: 2, most: 262_144 };
const oomBounds = { least: -1000, most: 1000 };

function cpus(text: string): string {
  if (/^\d*\.?\d+$/.test(text) && Number(text) > 0) return text;
  throw new UsageError(`--cpus '${text}': a number greater than 0`);
}

/** docker's 0 and -1 are no limit. */
function pids(text: string): number | undefined {
  const limit = integer('--pids-limit', text, { least: -1 });
  return limit > 0 ? limit : undefined;
}

/** docker's least: no program begins in less, and the kernel's words for that tell nobody why. */
const leastBytes = 6 << 20;

function limit(text: string): string {
  const amount = memory('-m', text);
  if (value(amount) >= leastBytes) return amount;
  throw new UsageError(`-m '${text}': Minimum memory limit allowed is 6MB`);
}

/** Memory and swap together; it is at least the memory's own limit. */
function swap(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return text === '-1' ? text : memory('--memory-swap', text);
}

const given = <T>(text: string | undefined, read: (text: string) => T): T | undefined =>
  text === undefined ? undefined : read(text);

function resources(flags: RunFlags): Spec['resources'] {
  if (flags['memory-swap'] !== undefined && flags.memory === undefined) {
    throw new UsageError('--memory-swap: set --memory, too');
  }
  const found = {
    ...some('memory', given(flags.memory, limit)),
    ...some('cpu', given(flags.cpus, cpus)),
    ...some(
      'memoryReservation',
      given(flags['memory-reservation'], (text) => memory('--memory-reservation', text)),
    ),
    ...some('memorySwap', swap(flags['memory-swap'])),
    ...some(
      'cpuShares',
      given(flags['cpu-shares'], (text) => integer('--cpu-shares', text, sharesBounds)),
    ),
    ...some('cpuset', flags['cpuset-cpus']),
    ...some('pids', given(flags['pids-limit'], pids)),
  };
  return Object.keys(found).length === 0 ? undefined : found;
}

function healthcheck(flags: RunFlags): Spec['healthcheck'] {
  const command = flags['health-cmd'];
  if (flags['no-healthcheck'] === true) {
    if (command !== undefined) throw new UsageError('--no-healthcheck contradicts --health-cmd');
    return { test: ['NONE'] };
  }
  const more = (
    ['health-interval', 'health-timeout', 'health-retries', 'health-start-period'] as const
  ).find((flag) => flags[flag] !== undefined);
  if (command === undefined) {
    if (more !== undefined) throw new UsageError(`--${more}: set --health-cmd, too`);
    return undefined;
  }
  const time = (flag: 'health-interval' | 'health-timeout' | 'health-start-period') =>
    given(flags[flag], (text) => seconds(`--${flag}`, text));
  return {
    test: ['CMD-SHELL', command],
    ...some('intervalSeconds', time('health-interval')),
    ...some('timeoutSeconds', time('health-timeout')),
    ...some('startPeriodSeconds', time('health-start-period')),
    ...some(
      'retries',
      given(flags['health-retries'], (text) => integer('--health-retries', text, { least: 1 })),
    ),
  };
}

const pullPolicies = { always: 'Always', missing: 'IfNotPresent', never: 'Never' } as const;

export function limitFields(flags: RunFlags): Partial<Spec> {
  const score = given(flags['oom-score-adj'], (text) =>
    integer('--oom-score-adj', text, oomBounds),
  );
  const pull = given(flags.pull, (text) => oneOf('--pull', text, ['always', 'missing', 'never']));
  return {
    ...some('resources', resources(flags)),
    ...some('oomScoreAdj', score),
    ...restartOf(flags.restart ?? 'no'),
    ...some(
      'imagePullPolicy',
      given(pull, (word) => pullPolicies[word as keyof typeof pullPolicies]),
    ),
    ...some('stopSignal', flags['stop-signal']?.toUpperCase()),
    ...some(
      'stopTimeout',
      given(flags['stop-timeout'], (text) => integer('--stop-timeout', text, { least: 0 })),
    ),
    ...some('healthcheck', healthcheck(flags)),
    ...(flags.rm === true ? { autoRemove: true } : {}),
  };
}
