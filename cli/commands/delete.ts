/** `bay delete`: deletes documents and waits until they are gone. */
import type { RemoteClient } from '#api/client/client.ts';
import { hasReason } from '#api/resources/status.ts';
import { UsageError } from '../arguments.ts';
import { watchUntil } from '../await-healthy.ts';
import { tellFailure, withClient } from '../documents/each.ts';
import {
  clientFlags,
  type DryRun,
  dryRunOf,
  integerOf,
  parseFlags,
  selectionFlags,
  type Values,
} from '../documents/flags.ts';
import { pathOfPlace, send } from '../documents/requests.ts';
import { eachFound, type Found } from '../documents/select.ts';
import { objectLabel, typeLabel } from '../object-name.ts';
import { timeLimitMs } from '../time-limit.ts';

const flags = {
  ...clientFlags,
  ...selectionFlags,
  'grace-period': { type: 'string' },
  now: { type: 'boolean' },
  force: { type: 'boolean' },
  cascade: { type: 'string', bare: 'background' },
  wait: { type: 'boolean' },
  'no-wait': { type: 'boolean' },
  timeout: { type: 'string' },
  'ignore-not-found': { type: 'boolean' },
  'dry-run': { type: 'string', bare: 'client' },
  output: { type: 'string', short: 'o' },
} as const;

interface How {
  readonly grace: number | undefined;
  readonly propagation: string;
  readonly isForced: boolean;
  readonly dryRun: DryRun;
  readonly onlyName: boolean;
}

const propagations: Readonly<Record<string, string>> = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
  true: 'Background',
  false: 'Orphan',
};

function graceOf(values: Values<typeof flags>): number | undefined {
  const text = values['grace-period'];
  const grace = text === undefined ? undefined : integerOf(text, '--grace-period');
  if (values.now === true) {
    if (grace !== undefined) {
      throw new UsageError('--now and --grace-period cannot be specified together');
    }
    return 1;
  }
  if (values.force === true) {
    if (grace !== undefined && grace > 0) {
      throw new UsageError(
        '--force and --grace-period greater than 0 cannot be specified together',
      );
    }
    return 0;
  }
  if (grace === undefined || grace < 0) return undefined;
  // To go without its last moment is what --force is for.
  return Math.max(grace, 1);
}

function howOf(values: Values<typeof flags>): How {
  const { cascade = 'background', output } = values;
  const propagation = propagations[cascade];
  if (propagation === undefined) {
    throw new UsageError(
      `invalid cascade value (${cascade}). Must be "background", "foreground", or "orphan"`,
    );
  }
  if (output !== undefined && output !== 'name') {
    throw new UsageError(`unexpected -o output mode: ${output}. We only support '-o name'`);
  }
  return {
    grace: graceOf(values),
    propagation,
    isForced: values.force === true,
    dryRun: dryRunOf(values['dry-run']),
    onlyName: output === 'name',
  };
}

async function remove(client: RemoteClient, found: Found, how: How): Promise<void> {
  if (how.dryRun === 'client') return;
  await send(client, 'DELETE', pathOfPlace(found), {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    propagationPolicy: how.propagation,
    ...(how.grace === undefined ? {} : { gracePeriodSeconds: how.grace }),
    ...(how.dryRun === 'server' ? { dryRun: ['All'] } : {}),
  });
}

function said(found: Found, { isForced, dryRun, onlyName }: How): string {
  if (onlyName) return `${objectLabel(found.type, found.name)}\n`;
  const what = isForced ? 'force deleted' : 'deleted';
  const dry = { none: '', client: ' (dry run)', server: ' (server dry run)' }[dryRun];
  return `${typeLabel(found.type)} "${found.name}" ${what}${dry}\n`;
}

/** Resolves with how many are there still. */
async function untilGone(
  client: RemoteClient,
  deleted: readonly Found[],
  timeoutMs: number,
): Promise<number> {
  const signal = timeoutMs > 0 ? AbortSignal.timeout(timeoutMs) : new AbortController().signal;
  const gone = await Promise.all(
    deleted.map(async (found) => {
      const { uid } = found.object.metadata;
      const isGone = await watchUntil(client, found, (one) => one?.metadata.uid !== uid, signal);
      if (!isGone) {
        const label = objectLabel(found.type, found.name);
        process.stderr.write(
          `bay: timed out waiting for ${label} to go; 'bay get ${label} -o yaml' shows its finalizers\n`,
        );
      }
      return isGone;
    }),
  );
  return gone.filter((isGone) => !isGone).length;
}

function check(values: Values<typeof flags>, words: readonly string[]): void {
  const { filename, kustomize } = values;
  if (words.length === 0 && filename === undefined && kustomize === undefined) {
    throw new UsageError('say what to delete: bay delete pod NAME, or bay delete -f FILE');
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('delete', args, flags);
  check(values, words);
  const how = howOf(values);
  const timeoutMs = timeLimitMs(values.timeout ?? '0', '--timeout');
  if (how.isForced && how.grace === 0) {
    process.stderr.write(
      'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n',
    );
  }
  const mayBeAbsent = values['ignore-not-found'] === true;
  return withClient(values, async (client) => {
    const deleted: Found[] = [];
    let failures = 0;
    const failed = (error: unknown): void => {
      if (mayBeAbsent && hasReason(error, 'NotFound')) return;
      failures += 1;
      tellFailure(error);
    };
    const each = async (found: Found) => {
      await remove(client, found, how);
      deleted.push(found);
      process.stdout.write(said(found, how));
    };
    const selection = { ...values, words };
    const count = await eachFound(client, selection, 'delete', each, failed);
    if (count === 0 && failures === 0 && !mayBeAbsent) process.stdout.write('No resources found\n');
    const waits = values.wait !== false && values['no-wait'] !== true && !how.isForced;
    if (!waits || how.dryRun !== 'none') return failures > 0 ? 1 : 0;
    const late = await untilGone(client, deleted, timeoutMs);
    return failures + late > 0 ? 1 : 0;
  });
}
