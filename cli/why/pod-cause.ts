/** Why a pod does not do its work, and what helps. Pure. */
import { numberOr, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { Cause, Full } from './cause.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What the scheduler says, and what helps. */
const placementFixes: readonly (readonly [RegExp, string])[] = [
  [
    /nsufficient (cpu|memory|ephemeral)/,
    'lower resources.requests, remove other pods, or add a node (bay join)',
  ],
  [/free ports/, 'another pod has the hostPort; choose another'],
  [
    /node affinity|node selector/,
    'label a node as the pod wants it: bay get nodes, then kubectl label node …',
  ],
  [/untolerated taint/, 'tolerate the taint in spec.tolerations, or take it off the node'],
  [/ersistentVolumeClaim|volume/, 'see the claim: bay why pvc/…'],
  [/unschedulable/, 'kubectl uncordon a node'],
  [/no nodes/i, "there are no nodes; see 'bay status'"],
];

const waitingFixes: Readonly<Record<string, (container: Fields, pod: string) => string>> = {
  ErrImagePull: pullFix,
  ImagePullBackOff: pullFix,
  InvalidImageName: () => 'write the image as [HOST/]NAME[:TAG]',
  ErrImageNeverPull: () => 'load the image (bay load), or set imagePullPolicy to IfNotPresent',
  CreateContainerConfigError: () => 'create what is missing, or mark the reference optional: true',
  SignatureValidationFailed: () => 'sign the image, or see: bay get imagepolicies',
};

function pullFix({ image }: Fields): string {
  return `see that the name is right and the registry answers: bay pull ${stringOr(image)}; a private one needs imagePullSecrets`;
}

const exitCodes: Readonly<Record<number, string>> = {
  125: 'the container could not be made',
  126: 'its program cannot be executed',
  127: 'its program was not found',
  137: 'it was killed (SIGKILL)',
  139: 'it crashed (SIGSEGV)',
  143: 'it was told to end (SIGTERM)',
};

function ended(state: Fields, name: string, pod: string): Cause {
  const code = numberOr(state['exitCode']);
  const logs = `bay logs -p -c ${name} ${pod}`;
  if (state['reason'] === 'OOMKilled') {
    return {
      says: `its container ${name} needed more memory than its limit`,
      fix: `raise resources.limits.memory of ${name}, or have it use less`,
    };
  }
  const more = exitCodes[code];
  const message = stringOr(state['message']).trim();
  const why = [more, message].filter(Boolean).join(': ');
  return {
    says: `its container ${name} ends with exit code ${code}${why === '' ? '' : ` (${why})`}`,
    fix:
      code === 126 || code === 127
        ? `mend command and args of ${name}; ${logs}`
        : `read what it wrote last: ${logs}`,
  };
}

/** Of a container that is not running, or not ready. */
function containerCause(container: Fields, pod: string, isInit: boolean): Cause | undefined {
  const state = objectOr(container['state']);
  const name = stringOr(container['name']);
  const waiting = objectOr(state['waiting']);
  const reason = stringOr(waiting['reason']);
  const last = objectOr(objectOr(container['lastState'])['terminated']);
  if (reason === 'CrashLoopBackOff' && Object.keys(last).length > 0) {
    const { says, ...rest } = ended(last, name, pod);
    return { says: `${says}, ${numberOr(container['restartCount'])} times by now`, ...rest };
  }
  if (reason !== '' && reason !== 'PodInitializing') {
    const message = stringOr(waiting['message']);
    const fix = waitingFixes[reason]?.(container, pod);
    const says = `its container ${name} waits (${reason}${message === '' ? '' : `: ${message}`})`;
    return { says, ...(fix === undefined ? {} : { fix }) };
  }
  const terminated = objectOr(state['terminated']);
  if (numberOr(terminated['exitCode']) !== 0) return ended(terminated, name, pod);
  if (state['running'] === undefined || container['ready'] === true) return undefined;
  if (isInit)
    return { says: `its init container ${name} has not ended`, fix: `bay logs -c ${name} ${pod}` };
  return {
    says: `its container ${name} runs, and its readiness probe has not succeeded`,
    fix: `see what the probe asks for and what the container says: bay logs -c ${name} ${pod}`,
  };
}

function unplaced(conditions: readonly Fields[]): Cause | undefined {
  const scheduled = conditions.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.['status'] !== 'False') return undefined;
  const message = stringOr(scheduled['message']);
  const claim = /persistentvolumeclaim "([^"]+)"/i.exec(message)?.[1];
  const fix = placementFixes.find(([pattern]) => pattern.test(message))?.[1];
  return {
    says: `no node takes it: ${message || stringOr(scheduled['reason'])}`,
    ...(fix === undefined ? {} : { fix }),
    ...(claim === undefined ? {} : { because: { kind: 'PersistentVolumeClaim', name: claim } }),
  };
}

/** undefined: it does what it is there for. */
export function podCause({ metadata, spec, status }: Full): Cause | undefined {
  const fields = objectOr(status);
  const pod = `pod/${metadata.name}`;
  if (metadata.deletionTimestamp !== undefined) return { says: 'is being deleted' };
  if (fields['phase'] === 'Succeeded') return undefined;
  const conditions = objectsOf(fields['conditions']);
  const placement = unplaced(conditions);
  if (placement !== undefined) return placement;
  for (const list of ['initContainerStatuses', 'containerStatuses']) {
    for (const container of objectsOf(fields[list])) {
      const cause = containerCause(container, pod, list === 'initContainerStatuses');
      if (cause !== undefined) return cause;
    }
  }
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (ready?.['status'] === 'True') return undefined;
  const node = stringOr(objectOr(spec)['nodeName']);
  const says = stringOr(fields['message']) || `is ${stringOr(fields['phase']) || 'new'}`;
  return node === '' ? { says } : { says, because: { kind: 'Node', name: node } };
}
