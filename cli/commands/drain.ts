/** `bay drain`: moves all pods away from nodes, and keeps new ones away. */
import { setTimeout as pause } from 'node:timers/promises';
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { pods } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import { UsageError } from '../arguments.ts';
import { watchUntil } from '../await-healthy.ts';
import { outcome, tellFailure, withClient } from '../documents/each.ts';
import { clientFlags, dryRunOf, integerOf, parseFlags, writeFlags } from '../documents/flags.ts';
import { errorText } from '../errors.ts';
import { cordon, nodesMeant } from '../nodes/cordon.ts';
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
  process.stderr.write(`evicting pod ${namespace}/${name}\n`);
  await evict(client, pod, how);
  const place = { type: pods, name, namespace };
  const isGone = await watchUntil(client, place, (one) => one?.metadata.uid !== uid, how.signal);
  if (!isGone) throw new Error(`timed out waiting for pod ${namespace}/${name} to go`);
  process.stdout.write(`pod/${name} ${how.isPlainDelete ? 'deleted' : 'evicted'}\n`);
}

type Flags = ReturnType<typeof parseFlags<typeof flags>>['values'];

async function drain(client: RemoteClient, node: KubeObject, values: Flags): Promise<void> {
  const { name } = node.metadata;
  const dryRun = dryRunOf(values['dry-run']);
  process.stdout.write(await cordon(client, node, true, dryRun));
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
  if (plan.errors.length > 0) {
    throw new Error(`unable to drain node "${name}": ${plan.errors.join('; ')}`);
  }
  for (const warning of plan.warnings) process.stderr.write(`Warning: ${warning}\n`);
  if (dryRun !== 'none') {
    for (const { metadata } of plan.evict) {
      process.stdout.write(
        `evicting pod ${metadata.namespace}/${metadata.name} (${dryRun === 'server' ? 'server dry run' : 'dry run'})\n`,
      );
    }
  } else {
    const ms = timeLimitMs(values.timeout ?? '0', '--timeout');
    const grace = values['grace-period'];
    const seconds = grace === undefined ? -1 : integerOf(grace, '--grace-period');
    const how: How = {
      grace: seconds < 0 ? undefined : seconds,
      isPlainDelete: values['disable-eviction'] === true,
      signal: ms > 0 ? AbortSignal.timeout(ms) : new AbortController().signal,
    };
    const done = await Promise.allSettled(plan.evict.map((pod) => away(client, pod, how)));
    const failed = done.flatMap((one) =>
      one.status === 'rejected' ? [errorText(one.reason)] : [],
    );
    if (failed.length > 0) throw new Error(`unable to drain node "${name}": ${failed.join('; ')}`);
  }
  process.stdout.write(outcome(`node/${name}`, 'drained', dryRun));
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('drain', args, flags);
  if ((words.length === 0) === (values.selector === undefined)) {
    throw new UsageError('name the nodes, or select them: bay drain NODE… | -l SELECTOR');
  }
  return withClient(values, async (client) => {
    let failures = 0;
    const failed = (error: unknown) => {
      failures += 1;
      tellFailure(error);
    };
    for (const node of await nodesMeant(client, words, values.selector, failed)) {
      await drain(client, node, values).catch(failed);
    }
    return failures > 0 ? 1 : 0;
  });
}
