/** `bay rollout restart`, `pause` and `resume`. */
import type { RemoteClient } from '#api/client/client.ts';
import { objectOr } from '#api/resources/json.ts';
import type { Change } from '../documents/change.ts';
import { patchPlace } from '../documents/requests.ts';
import type { Found } from '../documents/select.ts';
import { isKind, notSupported, refusal, specOf } from './kinds.ts';

/** Under this key kubectl and others keep the time of the last restart. */
const restartedAt = 'kubectl.kubernetes.io/restartedAt';

export type Action = 'restart' | 'pause' | 'resume';

/** To the second, as kubectl writes it. */
const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

const patches = {
  restart: () => ({ spec: { template: { metadata: { annotations: { [restartedAt]: now() } } } } }),
  pause: () => ({ spec: { paused: true } }),
  resume: () => ({ spec: { paused: null } }),
} as const;

const doing = { restart: 'restarting', pause: 'pausing', resume: 'resuming' } as const;
const done = { restart: 'restarted', pause: 'paused', resume: 'resumed' } as const;

/** When the pods were told last to be made anew. */
function lastRestart({ object }: Found): unknown {
  const { metadata } = objectOr(specOf(object)['template']);
  return objectOr(objectOr(metadata)['annotations'])[restartedAt];
}

function check(found: Found, action: Action): void {
  const kinds = action === 'restart' ? ['Deployment', 'DaemonSet', 'StatefulSet'] : ['Deployment'];
  if (!isKind(found, ...kinds)) throw notSupported(found, doing[action]);
  const isPaused = specOf(found.object)['paused'] === true;
  if (action === 'restart' && isPaused) {
    throw refusal(found, "can't restart paused deployment (run 'bay rollout resume' first)");
  }
  if (action === 'pause' && isPaused) throw refusal(found, 'is already paused');
  if (action === 'resume' && !isPaused) throw refusal(found, 'is not paused');
  if (action === 'restart' && lastRestart(found) === now()) {
    throw refusal(found, 'was restarted within this second: wait before it is restarted again');
  }
}

/** @throws Error when the object cannot be changed so, StatusError when the server refuses it */
export async function changeRollout(
  client: RemoteClient,
  found: Found,
  action: Action,
  { dryRun, options, tell }: Change,
): Promise<void> {
  check(found, action);
  const after =
    dryRun === 'client'
      ? found.object
      : await patchPlace(client, found, patches[action](), 'strategic', options);
  tell(found.type, done[action], after);
}
