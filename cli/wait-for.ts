/** `bay wait --for`: until documents have a condition, a value, are there or gone; as kubectl's `wait`. */
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import { healthOf } from '#api/resources/health.ts';
import { getField, isObject, objectOr, objectsOf } from '#api/resources/json.ts';
import { hasReason } from '#api/resources/status.ts';
import { clientOptions, parse, UsageError } from './arguments.ts';
import { type Awaited, watchUntil } from './await-healthy.ts';
import { openClient } from './connection.ts';
import { type DiscoveredType, discover, typeNamed } from './discovery.ts';
import { objectLabel } from './object-name.ts';
import { timeLimitMs } from './time-limit.ts';

const options = {
  ...clientOptions,
  for: { type: 'string' },
  timeout: { type: 'string' },
  selector: { type: 'string', short: 'l' },
  all: { type: 'boolean' },
} as const;

const usual = '30s';

interface Goal {
  readonly isMet: (object: ApiObject | undefined) => boolean;
  /** Said when it is met; absent: `condition met`. */
  readonly said?: string;
  /** An object that is not there is waited for; else that is an error, or, of `delete`, all there is to it. */
  readonly awaitsObject?: boolean;
}

/** `{.status.phase}`, `.status.phase`, `{.spec.containers[0].image}`. */
function valueAt(object: unknown, path: string): unknown {
  const steps = path.replace(/^\{|\}$/g, '').match(/[^.[\]]+/g) ?? [];
  return steps.reduce<unknown>((value, step) => {
    if (Array.isArray(value)) return value[Number(step)];
    return isObject(value) ? getField(value, step) : undefined;
  }, object);
}

function condition(text: string): Goal {
  const [type = '', wanted = 'true'] = text.split('=');
  const isMet = (object: ApiObject | undefined) => {
    const { status } = (object ?? {}) as { status?: unknown };
    const found = objectsOf(objectOr(status)['conditions']).find(
      (one) => String(one['type']).toLowerCase() === type.toLowerCase(),
    );
    // What was said of an older document does not count.
    const seen = found?.['observedGeneration'];
    const isOld = typeof seen === 'number' && seen < (object?.metadata.generation ?? 0);
    return !isOld && String(found?.['status'] ?? '').toLowerCase() === wanted.toLowerCase();
  };
  return { isMet };
}

function goalOf(text: string): Goal {
  if (text === 'delete') return { isMet: (object) => object === undefined };
  if (text === 'create') return { isMet: (object) => object !== undefined, awaitsObject: true };
  if (text === 'healthy') {
    const isMet = (object: ApiObject | undefined) => healthOf(object).is === 'healthy';
    return { isMet, said: 'is healthy', awaitsObject: true };
  }
  const [kind, ...rest] = text.split('=');
  if (kind === 'condition' && rest.length > 0) return condition(rest.join('='));
  if (kind === 'jsonpath' && rest.length > 0) {
    const [path = '', ...value] = rest.join('=').replace(/^'|'$/g, '').split('=');
    const wanted = value.length === 0 ? undefined : value.join('=');
    const isMet = (object: ApiObject | undefined) => {
      const found = valueAt(object, path);
      return wanted === undefined ? found !== undefined : String(found) === wanted;
    };
    return { isMet };
  }
  throw new UsageError(
    `--for '${text}': use condition=TYPE[=STATUS], jsonpath={.a.b}=VALUE, create, delete or healthy`,
  );
}

type Named = readonly [DiscoveredType, string];

async function named(
  client: RemoteClient,
  words: readonly string[],
  namespace: string,
  values: { readonly selector?: string | undefined; readonly all?: boolean | undefined },
): Promise<Named[]> {
  const types = await discover(client);
  const [first = '', ...names] = words;
  if (words.some((word) => word.includes('/'))) {
    return words.map((word) => {
      const [type = '', name = ''] = word.split('/');
      if (name === '') throw new UsageError(`'${word}': say TYPE/NAME`);
      return [typeNamed(types, type), name];
    });
  }
  const type = typeNamed(types, first);
  if (names.length > 0) return names.map((name) => [type, name]);
  if (values.all !== true && values.selector === undefined) {
    throw new UsageError(`name the ${first} to wait for, or use -l SELECTOR or --all`);
  }
  const { items } = await client.collection<ApiObject>(type).list({
    ...(type.namespaced ? { namespace } : {}),
    ...(values.selector === undefined ? {} : { labelSelector: values.selector }),
  });
  return items.map(({ metadata }) => [type, metadata.name]);
}

/** Whether there is anything to wait for. @throws StatusError `NotFound` for one that has to be there and is not */
async function isWaitedFor(
  client: RemoteClient,
  goal: Goal,
  { type, name, namespace }: Awaited,
): Promise<boolean> {
  if (goal.awaitsObject === true) return true;
  const ref = namespace === undefined ? { name } : { name, namespace };
  return client
    .collection<ApiObject>(type)
    .get(ref)
    .then(
      () => true,
      (error: unknown) => {
        if (hasReason(error, 'NotFound') && goal.isMet(undefined)) return false;
        throw error;
      },
    );
}

/** Exit code 1 if one is not so in time, or there is none. */
export async function waitFor(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  if (positionals.length === 0)
    throw new UsageError('say what to wait for: bay wait --for=… TYPE/NAME');
  const goal = goalOf(values.for ?? '');
  const timeout = values.timeout ?? usual;
  const ms = timeLimitMs(timeout, '--timeout');
  const client = await openClient(values);
  try {
    const namespace = values.namespace ?? 'default';
    const objects = await named(client, positionals, namespace, values);
    if (objects.length === 0 && !goal.isMet(undefined)) {
      process.stderr.write('bay: no matching resources found\n');
      return 1;
    }
    const signal = AbortSignal.timeout(ms);
    const met = await Promise.all(
      objects.map(async ([type, name]) => {
        const awaited = { type, name, namespace: type.namespaced ? namespace : undefined };
        if (!(await isWaitedFor(client, goal, awaited))) return true;
        const isMet = await watchUntil(client, awaited, goal.isMet, signal);
        const label = objectLabel(type, name);
        if (isMet) process.stdout.write(`${label} ${goal.said ?? 'condition met'}\n`);
        else process.stderr.write(`bay: waited ${timeout} for ${values.for} of ${label}\n`);
        return isMet;
      }),
    );
    return met.every(Boolean) ? 0 : 1;
  } finally {
    client.close();
  }
}
