/** `bay drain`: moves all pods away from nodes, and keeps new ones away. */
import { setTimeout as pause } from 'node:timers/promises';
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { pods } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import { watchUntil } from '../await-healthy.ts';
import { outcome, tellFailure, withClient } from '../documents/each.ts';
import { clientFlags, dryRunOf, integerOf, parseFlags, writeFlags } from '../documents/flags.ts';
import { errorText } from '../errors.ts';
import { allMeant, checkMeant, cordonAll } from '../nodes/cordon.ts';
import { drainPlan } from '../nodes/drain-plan.ts';
import { timeLimitMs } from '../time-limit.ts';

const flags = {
  ...clientFlags,
  selector: { type: 'string', short: 'l' },
  'pod-selector': { type: 'string' },
  'dry-run': writeFlags['dry-run'],
  force: { type: 'boolean' },
  'ignore-daemonsets': { type: 'boolean' },
  'delete-emptydir-data': { type: 'boolean' },
  'disable-eviction': { type: 'boolean' },
  'grace-period': { type: 'string' },
  timeout: { type: 'string' },
} as const;

interface How {
  readonly grace: number | undefined;
  readonly isPlainDelete: boolean;
  readonly signal: AbortSignal;
}

/** A disruption budget says "not now" by 429: asked again this much later, as kubectl does. */
const againMs = 5_000;

async function evict(client: RemoteClient, pod: KubeObject, how: How): Promise<void> {
  const { name, namespace = 'default' } = pod.metadata;
  const grace = how.grace === undefined ? {} : { gracePeriodSeconds: how.grace };
  const all = client.collection<ApiObject>(pods);
  for (;;) {
    try {
      if (how.isPlainDelete) await all.delete({ name, namespace }, grace);
      else {
        await all.createSubresource({ name, namespace }, 'eviction', {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { name, namespace },
          ...(how.grace === undefined ? {} : { deleteOptions: grace }),
        });
      }
      return;
    } catch (error) {
      if (hasReason(error, 'NotFound')) return;
      if (!hasReason(error, 'TooManyRequests') || how.signal.aborted) throw error;
      process.stderr.write(
        `error when evicting pods/"${name}" -n "${namespace}" (will retry after 5s): ${error.message}\n`,
      );
      await pause(againMs, undefined, { signal: how.signal }).catch(() => undefined);
    }
  }
}

async function away(client: RemoteClient, pod: KubeObject, how: How): Promise<void> {
  const { name, namespace = 'default', uid } = pod.metadata;
  if (!how.isPlainDelete) process.stdout.write(`evicting pod ${namespace}/${name}\n`);
  await evict(client, pod, how);
  const place = { type: pods, name, namespace };
  const isGone = await watchUntil(client, place, (one) => one?.metadata.uid !== uid, how.signal);
  if (!isGone) throw new Error(`timed out waiting for pod ${namespace}/${name} to go`);
  process.stdout.write(`pod/${name} ${how.isPlainDelete ? 'deleted' : 'evicted'}\n`);
}

type Flags = ReturnType<typeof parseFlags<typeof flags>>['values'];

/** What keeps a node from being drained: of each pod, or of each kind of them. */
class NotDrained extends Error {
  override readonly name = 'NotDrained';
  readonly reasons: readonly string[];
  constructor(reasons: readonly string[]) {
    super(reasons.length === 1 ? reasons[0] : `[${reasons.join(', ')}]`);
    this.reasons = reasons;
  }
}

function howOf(values: Flags): How {
  const ms = timeLimitMs(values.timeout ?? '0', '--timeout');
  const grace = values['grace-period'];
  const seconds = grace === undefined ? -1 : integerOf(grace, '--grace-period');
  return {
    grace: seconds < 0 ? undefined : seconds,
    isPlainDelete: values['disable-eviction'] === true,
    signal: ms > 0 ? AbortSignal.timeout(ms) : new AbortController().signal,
  };
}

/** Of a cordoned node. @throws NotDrained */
async function drain(client: RemoteClient, name: string, values: Flags, how: How): Promise<void> {
  const dryRun = dryRunOf(values['dry-run']);
  const selector = values['pod-selector'];
  const { items } = await client.collection<KubeObject>(pods).list({
    fieldSelector: `spec.nodeName=${name}`,
    ...(selector === undefined ? {} : { labelSelector: selector }),
  });
  const plan = drainPlan(items, {
    force: values.force === true,
    ignoreDaemonSets: values['ignore-daemonsets'] === true,
    deleteEmptyDirData: values['delete-emptydir-data'] === true,
  });
  if (plan.errors.length > 0) throw new NotDrained(plan.errors);
  for (const warning of plan.warnings) process.stderr.write(`Warning: ${warning}\n`);
  if (dryRun !== 'none') {
    for (const { metadata } of plan.evict) {
      const of = `evicting pod ${metadata.namespace}/${metadata.name}`;
      process.stdout.write(`${of} (${dryRun === 'server' ? 'server dry run' : 'dry run'})\n`);
    }
  } else {
    const done = await Promise.allSettled(plan.evict.map((pod) => away(client, pod, how)));
    const failed = done.flatMap((one) =>
      one.status === 'rejected' ? [errorText(one.reason)] : [],
    );
    if (failed.length > 0) throw new NotDrained(failed);
  }
  process.stdout.write(outcome(`node/${name}`, 'drained', dryRun));
}

/** In kubectl's frame: each failure as it comes, then the nodes that are left, then why. */
function tellPending(pending: ReadonlyMap<string, readonly string[]>): void {
  const names = [...pending.keys()].map((name) => ` ${name}\n`);
  const reasons = [...pending.values()].flat().map((reason) => `${reason}\n`);
  process.stderr.write(
    `There are pending nodes to be drained:\n${names.join('')}${reasons.join('')}`,
  );
}

/** All nodes are cordoned before the first is emptied: its pods must not go to the next. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('drain', args, flags);
  checkMeant('drain', words, values.selector);
  const dryRun = dryRunOf(values['dry-run']);
  const how = howOf(values);
  return withClient(values, async (client) => {
    const all = await allMeant(client, words, values.selector);
    if (all === undefined || !(await cordonAll(client, all, true, dryRun))) return 1;
    const pending = new Map<string, readonly string[]>();
    for (const { metadata } of all) {
      const { name } = metadata;
      await drain(client, name, values, how).catch((error: unknown) => {
        const text = error instanceof NotDrained ? error.message : errorText(error);
        pending.set(name, error instanceof NotDrained ? error.reasons : [text]);
        tellFailure(
          new Error(`unable to drain node "${name}" due to error: ${text}, continuing command...`),
        );
      });
    }
    if (pending.size > 0) tellPending(pending);
    return pending.size > 0 ? 1 : 0;
  });
}
