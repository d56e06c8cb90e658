/** Why one object is not as it should be, and what helps. Pure. */
import type { ApiObject } from '#api/client/collection.ts';
import { healthOf } from '#api/resources/health.ts';
import { objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import { podCause } from './pod-cause.ts';

export interface Cause {
  /** What is said of it, to follow its name: `is not ready (0 of 1 replicas are available)`. */
  readonly says: string;
  /** What a person can do. */
  readonly fix?: string;
  /** Another object that is to blame: looked at next. */
  readonly because?: { readonly kind: string; readonly name: string; readonly namespace?: string };
}

export type Full = ApiObject & { readonly spec?: unknown; readonly status?: unknown };

interface ConditionOf {
  readonly type: string;
  readonly status: string;
  readonly why: string;
}

const conditionsOf = ({ status }: Full): ConditionOf[] =>
  objectsOf(objectOr(status)['conditions']).map((one) => ({
    type: stringOr(one['type']),
    status: stringOr(one['status']),
    why: stringOr(one['message']) || stringOr(one['reason']),
  }));

/** Conditions that are bad news when they are true. */
const alarms = new Set(
  'ReplicaFailure Failed MemoryPressure DiskPressure PIDPressure NetworkUnavailable Stalled'.split(
    ' ',
  ),
);
/** Conditions that are bad news when they are false. */
const hopes = new Set(
  'Ready Available Progressing Applied Fetched Healthy Established NamesAccepted'.split(' '),
);

/** The word of one of its conditions, the gravest first. */
function alarm(object: Full): string | undefined {
  const all = conditionsOf(object);
  const loud = all.find(
    ({ type, status, why }) => alarms.has(type) && status === 'True' && why !== '',
  );
  const failed = all.find(
    ({ type, status, why }) => hopes.has(type) && status === 'False' && why !== '',
  );
  return (loud ?? failed)?.why;
}

function claimCause({ spec, status }: Full): Cause | undefined {
  const phase = stringOr(objectOr(status)['phase']);
  if (phase === 'Bound') return undefined;
  const name = stringOr(objectOr(spec)['storageClassName']);
  return {
    says: `is ${phase || 'new'}, with no volume bound to it`,
    fix:
      name === ''
        ? 'set spec.storageClassName to one of: bay get storageclasses'
        : `see why the class '${name}' makes none: bay get storageclass ${name} -o yaml`,
  };
}

function nodeCause(object: Full): Cause | undefined {
  const ready = conditionsOf(object).find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') {
    const says = `is not ready${ready === undefined ? '' : `: ${ready.why}`}`;
    return { says, fix: "see that its machine is up and its agent runs: 'bay status' there" };
  }
  if (objectOr(object.spec)['unschedulable'] === true) {
    return {
      says: 'takes no new pods (it is cordoned)',
      fix: `kubectl uncordon ${object.metadata.name}`,
    };
  }
  return undefined;
}

function namespaceCause(object: Full): Cause | undefined {
  if (object.metadata.deletionTimestamp === undefined) return undefined;
  const left = conditionsOf(object).filter(({ status }) => status === 'True');
  return {
    says: `is being deleted: ${left.map(({ why }) => why).join('; ') || 'its content goes first'}`,
  };
}

const gitSyncFixes: Readonly<Record<string, string>> = {
  Suspended: 'set spec.suspend to false',
  Unreachable:
    'see that the repository answers from this machine, and what spec.source.secret holds',
  NoSecret: 'create that Secret in the namespace of the GitSync',
  RenderFailed: 'mend the documents at the places named, and push',
  ApplyFailed: 'mend the documents at the places named, and push',
};

function gitSyncCause(object: Full): Cause | undefined {
  const ready = objectsOf(objectOr(object.status)['conditions']).find(
    (one) => one['type'] === 'Ready',
  );
  if (ready === undefined)
    return { says: 'was not looked at yet', fix: "see that the controllers run: 'bay status'" };
  if (ready['status'] === 'True') return undefined;
  const reason = stringOr(ready['reason']);
  const fix = gitSyncFixes[reason];
  return {
    says: `is not ready (${reason}): ${stringOr(ready['message']).replaceAll('\n', '; ')}`,
    ...(fix === undefined ? {} : { fix }),
  };
}

const byKind: Readonly<Record<string, (object: Full) => Cause | undefined>> = {
  Pod: podCause,
  PersistentVolumeClaim: claimCause,
  Node: nodeCause,
  Namespace: namespaceCause,
  GitSync: gitSyncCause,
};

/** undefined: nothing is wrong with it. */
export function causeOf(object: Full): Cause | undefined {
  const own = byKind[object.kind];
  if (own !== undefined) return own(object);
  const { metadata } = object;
  if (metadata.deletionTimestamp !== undefined) {
    const holders = metadata.finalizers ?? [];
    const says = `is being deleted${holders.length === 0 ? '' : `, and waits for ${holders.join(', ')}`}`;
    return { says };
  }
  const health = healthOf(object);
  if (health.is === 'healthy') return undefined;
  const told = alarm(object);
  const more = told === undefined || health.why.includes(told) ? '' : `; ${told}`;
  return { says: `is not as it should be (${health.why}${more})` };
}
