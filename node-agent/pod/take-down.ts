/** Takes away what a pod left: surroundings first, records and logs when the API has forgotten the pod. */
import { rm } from 'node:fs/promises';
import { hasReason } from '#api/resources/status.ts';
import { removeTree } from '../volume/removal.ts';
import { keepLog } from './kept-logs.ts';
import { layerDir, logFile, podDir, podLogDir } from './paths.ts';
import type { PodState } from './pod-state.ts';
import type { World } from './world.ts';

/** Sandbox, network and volumes. Records, layers and logs stay for `kubectl logs`. Safe to repeat. */
export async function tearDown(world: World, state: PodState): Promise<void> {
  const { uid } = state.identity;
  state.pulls.cancel();
  if (state.sandboxId !== undefined) await world.runtime.removeSandbox(state.sandboxId);
  state.ahead.clear();
  state.sandboxId = undefined;
  state.volumesReady = false;
  await Promise.all([world.network.detach(uid), world.volumes.release(uid)]);
  state.standing = false;
  // One that found no address left has one now; the others wait on.
  for (const other of world.states.values()) if (other.retrySandbox()) break;
}

/** Tells the API that the pod is off this node: its last status, then delete with grace 0. */
export async function deletePod(world: World, state: PodState): Promise<void> {
  const { uid, namespace, name } = state.identity;
  await world.status.flush(uid);
  try {
    await world.pods.delete({ namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
  } catch (error) {
    // Gone already, or another pod has the name: there is nothing left to delete.
    if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error;
  }
  state.released = true;
}

/** Forgets one ended attempt with its layer and log. */
export async function forgetAttempt(
  world: World,
  state: PodState,
  old: { readonly container: string; readonly id: string },
): Promise<void> {
  const attempt = state.attempts(old.container).find(({ id }) => id === old.id);
  await removeRecord(world, state, old.id);
  if (attempt !== undefined) {
    await rm(logFile(world.paths, state.identity, attempt), { force: true });
  }
  state.forget(old.container, old.id);
}

async function removeRecord(world: World, state: PodState, id: string): Promise<void> {
  if (world.runtime.get(id) !== undefined) await world.runtime.remove(id);
  await world.runtime.removeLayer(layerDir(world.paths, state.identity.uid, id));
}

/** What a Container's Pod has written stays with the Container. */
async function keepLogs({ runtime, kept, paths }: World, state: PodState): Promise<void> {
  for (const attempt of state.allAttempts()) {
    const layer = runtime.get(attempt.id)?.spec.layerDir;
    const keeper = layer === undefined ? undefined : kept.ownerOf(layer);
    if (keeper === undefined) continue;
    await keepLog(kept.dir(keeper), logFile(paths, state.identity, attempt), attempt.attempt);
  }
}

/** The API has forgotten the pod: nothing of it stays on the node but what its Container keeps. */
export async function erase(world: World, state: PodState): Promise<void> {
  const { uid } = state.identity;
  world.status.forget(uid);
  await keepLogs(world, state);
  await Promise.all(state.allAttempts().map(({ id }) => removeRecord(world, state, id)));
  await Promise.all([
    removeTree(podDir(world.paths, uid)),
    removeTree(podLogDir(world.paths, state.identity)),
  ]);
  await world.kept.removeGone();
}

/** The disk is short: writable layers of runs that have ended go at once. Records and logs stay, and so do kept layers. */
export async function removeEndedLayers(world: World): Promise<void> {
  for (const state of world.states.values()) {
    if (state.holds > 0) continue;
    for (const { id, state: of } of state.allAttempts()) {
      if (of.phase !== 'exited') continue;
      await world.runtime.removeLayer(layerDir(world.paths, state.identity.uid, id));
    }
  }
}
