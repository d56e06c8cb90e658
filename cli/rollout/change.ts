/** `bay rollout restart`, `pause` and `resume`. */
import type { RemoteClient } from '#api/client/client.ts';
import type { DryRun } from '../documents/flags.ts';
import { patchPlace } from '../documents/requests.ts';
import type { Found } from '../documents/select.ts';
import { objectLabel } from '../object-name.ts';
import { isKind, notSupported, specOf } from './kinds.ts';

/** Under this key kubectl and others keep the time of the last restart. */
const restartedAt = 'kubectl.kubernetes.io/restartedAt';

const patches = {
  restart: () => ({
    spec: {
      template: {
        metadata: {
          annotations: { [restartedAt]: new Date().toISOString().replace(/\.\d+Z$/, 'Z') },
        },
      },
    },
  }),
  pause: () => ({ spec: { paused: true } }),
  resume: () => ({ spec: { paused: null } }),
} as const;

const said = { restart: 'restarted', pause: 'paused', resume: 'resumed' } as const;

function check(found: Found, action: keyof typeof patches): void {
  const kinds = action === 'restart' ? ['Deployment', 'DaemonSet', 'StatefulSet'] : ['Deployment'];
  if (!isKind(found, ...kinds))
    throw notSupported(
      found,
      action === 'restart' ? 'restarting' : action === 'pause' ? 'pausing' : 'resuming',
    );
  const label = objectLabel(found.type, found.name);
  const isPaused = specOf(found.object)['paused'] === true;
  if (action === 'restart' && isPaused) {
    throw new Error(`${label}: can't restart paused deployment (run 'bay rollout resume' first)`);
  }
  if (action === 'pause' && isPaused) throw new Error(`${label} is already paused`);
  if (action === 'resume' && !isPaused) throw new Error(`${label} is not paused`);
}

/** Resolves with what was done, in one word. */
export async function changeRollout(
  client: RemoteClient,
  found: Found,
  action: string,
  { dryRun, fieldManager }: { readonly dryRun: DryRun; readonly fieldManager: string },
): Promise<string> {
  const which = action as keyof typeof patches;
  check(found, which);
  if (dryRun !== 'client') {
    const isDry = dryRun === 'server';
    await patchPlace(client, found, patches[which](), 'strategic', { isDry, fieldManager });
  }
  return said[which];
}
