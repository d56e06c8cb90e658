/** `bay apply -f`. */
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import { matchesLabels, parseLabelSelector } from '#api/resources/selector.ts';
import { type Applied, applyManifests } from '../apply.ts';
import { ApplySet, type Member, memberOf } from '../apply-set.ts';
import { UsageError } from '../arguments.ts';
import { untilHealthy } from '../await-healthy.ts';
import { openClient } from '../connection.ts';
import { discover, typeOfKind } from '../discovery.ts';
import { outcome } from '../documents/each.ts';
import {
  clientFlags,
  dryRunOf,
  parseFlags,
  selectionFlags,
  type Values,
  writeFlags,
} from '../documents/flags.ts';
import { type Printer, printerOf } from '../documents/print.ts';
import { manifestsOf } from '../documents/select.ts';
import type { Manifest } from '../manifests.ts';
import { objectLabel } from '../object-name.ts';
import { timeLimitMs } from '../time-limit.ts';

const flags = {
  ...clientFlags,
  ...selectionFlags,
  ...writeFlags,
  // Always so; taken for those who write it for kubectl.
  'server-side': { type: 'boolean' },
  'force-conflicts': { type: 'boolean' },
  output: { type: 'string', short: 'o' },
  prune: { type: 'boolean' },
  set: { type: 'string' },
  wait: { type: 'boolean' },
  timeout: { type: 'string' },
} as const;

/** What a pipeline can tell apart. */
const exitCodes = { done: 0, refused: 1, unhealthy: 3 } as const;
const defaultTimeout = '5m';

interface Asked {
  readonly client: RemoteClient;
  readonly manifests: readonly Manifest[];
  readonly namespace: string;
  readonly values: Values<typeof flags>;
  readonly print: Printer | undefined;
}

/** Objects in the form of the inventory, as far as their kinds are known before anything is applied. */
async function intended({ client, manifests, namespace }: Asked): Promise<Member[]> {
  const types = await discover(client);
  return manifests.flatMap(({ object }) => {
    const type = typeOfKind(types, object);
    if (type === undefined || object.metadata.name === undefined) return [];
    const metadata = { namespace, ...object.metadata };
    return [memberOf(type, { ...object, metadata } as ApiObject)];
  });
}

async function applyAll(asked: Asked): Promise<{ applied: Applied[]; failed: number }> {
  const { client, manifests, namespace, values, print } = asked;
  const applied: Applied[] = [];
  let failed = 0;
  const dryRun = dryRunOf(values['dry-run']);
  await applyManifests(
    client,
    manifests,
    namespace,
    {
      onApplied: (one) => {
        applied.push(one);
        const label = objectLabel(one.type, one.object.metadata.name);
        process.stdout.write(print?.(one.object) ?? outcome(label, one.outcome, dryRun));
      },
      onProblem: ({ place, object }, error) => {
        failed += 1;
        const what = `${object.kind} ${object.metadata.name}`;
        process.stderr.write(`bay: ${place}: apply ${what}: ${error.message}\n`);
      },
    },
    {
      fieldManager: values['field-manager'] ?? 'bay',
      force: true,
      ...(dryRun === 'none' ? {} : { dryRun: 'All' as const }),
    },
  );
  return { applied, failed };
}

/** Resolves with the exit code. */
async function wait({ client, values }: Asked, applied: readonly Applied[]): Promise<number> {
  const timeout = values.timeout ?? defaultTimeout;
  const signal = AbortSignal.timeout(timeLimitMs(timeout, '--timeout'));
  const objects = applied.map(({ type, object }) => ({
    type,
    name: object.metadata.name,
    namespace: type.namespaced ? object.metadata.namespace : undefined,
  }));
  const late = await untilHealthy(client, objects, signal);
  for (const { label, why } of late) process.stderr.write(`bay: ${label} is not ready: ${why}\n`);
  if (late.length === 0) return exitCodes.done;
  const which = late.length === 1 ? 'it' : 'each of them';
  process.stderr.write(`bay: waited up to ${timeout}; 'bay why' tells the cause of ${which}\n`);
  return exitCodes.unhealthy;
}

/** Two pipelines that both name no set would remove each other's objects. */
function mustBeOurs(
  set: ApplySet,
  wanted: readonly Member[],
  { values }: Asked,
  name: string,
): void {
  const labels = (all: readonly Member[]) => all.map((one) => objectLabel(one, one.name));
  const ours = new Set(labels(wanted));
  const held = labels(set.members);
  if (values.set !== undefined || held.length === 0 || held.some((one) => ours.has(one))) return;
  throw new UsageError(
    `the set '${name}' has none of these documents, but ${held.slice(0, 3).join(', ')}; name yours with --set NAME`,
  );
}

async function applyWithSet(
  asked: Asked,
  name: string,
): Promise<{ applied: Applied[]; failed: number }> {
  const set = new ApplySet(asked.client, asked.namespace, name);
  await set.read();
  const wanted = await intended(asked);
  mustBeOurs(set, wanted, asked, name);
  await set.intend(wanted);
  const { applied, failed } = await applyAll(asked);
  const members = applied.map(({ type, object }) =>
    memberOf(type, object as ApiObject, object.metadata.uid),
  );
  if (failed > 0) {
    const made = new Map(members.map((one) => [`${one.kind}/${one.namespace}/${one.name}`, one]));
    const keyOf = (one: Member) => `${one.kind}/${one.namespace}/${one.name}`;
    await set.write(set.members.map((one) => made.get(keyOf(one)) ?? one));
    process.stderr.write('bay: nothing is pruned, because documents could not be applied\n');
    return { applied, failed };
  }
  await set.prune(members, (label, what) => {
    const hint = what === 'kept' ? ' (annotate bayplan.dev/prune=true to remove it)' : '';
    process.stdout.write(`${label} ${what}${hint}\n`);
  });
  return { applied, failed };
}

function check(values: Values<typeof flags>, paths: readonly string[]): void {
  if (paths.length === 0 && values.kustomize === undefined) {
    throw new UsageError('name the documents with -f FILE, -f DIRECTORY, -k DIRECTORY or -f -');
  }
  if (values.prune === true && dryRunOf(values['dry-run']) !== 'none') {
    throw new UsageError('--prune with --dry-run: bay diff -f … shows what would change');
  }
  if (values.set !== undefined && !/^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$/.test(values.set)) {
    throw new UsageError(`--set '${values.set}': small letters, digits and dashes`);
  }
  timeLimitMs(values.timeout ?? defaultTimeout, '--timeout');
}

/** Exit code 1 if a document could not be applied (the others are), 3 if with `--wait` something is not healthy in time. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('apply', args, flags);
  const filename = [...(values.filename ?? []), ...words];
  check(values, filename);
  const print = values.output === undefined ? undefined : await printerOf(values.output);
  const all = await manifestsOf({ ...values, filename, words: [] });
  const manifests = values.selector === undefined ? all : selected(all, values.selector);
  if (manifests.length === 0) throw new UsageError('no objects passed to apply');
  const client = await openClient(values);
  try {
    const namespace = values.namespace ?? 'default';
    const asked = { client, manifests, namespace, values, print };
    const { applied, failed } =
      values.prune === true
        ? await applyWithSet(asked, values.set ?? 'default')
        : await applyAll(asked);
    const isDry = dryRunOf(values['dry-run']) !== 'none';
    const code = values.wait === true && !isDry ? await wait(asked, applied) : exitCodes.done;
    return failed > 0 ? exitCodes.refused : code;
  } finally {
    client.close();
  }
}

/** Those whose own labels match. */
function selected(manifests: readonly Manifest[], text: string): Manifest[] {
  const selector = parseLabelSelector(text);
  return manifests.filter(({ object }) => matchesLabels(selector, object.metadata.labels ?? {}));
}
