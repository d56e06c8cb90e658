/** Makes a container up to its gate: all of `create`, and the first half of `run`. */

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { HandOverError, handOver } from '#native/hand-over.ts';
import { cgroupOf, hierarchiesOf, topmostMissing } from './cgroups.ts';
import type { Config } from './config/config.ts';
import { readConfig } from './config/read-config.ts';
import { containerOrder } from './container-order.ts';
import { delegateCgroup } from './delegation.ts';
import { destroy, killAndWait } from './destroy.ts';
import { ExitError, type Globals, type Log } from './globals.ts';
import { runHere, runHooks } from './hooks.ts';
import { withJoinedMaps } from './joined-maps.ts';
import { afterMounts, beforeMounts, joinedMountsOf } from './joined-mounts.ts';
import { ownHierarchies } from './own-cgroups.ts';
import { writePidFile } from './pid-file.ts';
import { preservedDescriptors } from './preserved.ts';
import { nameOf } from './process-name.ts';
import { refusalMessage } from './refusal.ts';
import { resourcesOf } from './resources.ts';
import { findFooting, isRootless } from './rootless.ts';
import { seccompListener } from './seccomp.ts';
import { Place, type State } from './state.ts';
import { specState } from './status.ts';

export interface CreateOptions {
  readonly id: string;
  readonly bundle: string;
  readonly pidFile: string | undefined;
  /** A socket that wants the terminal's master; needed when the bundle asks for a terminal. */
  readonly console: number | undefined;
  /** How many of our descriptors from 3 on the program gets. */
  readonly preserved: number;
}

/** The bundle, as an absolute path, and its configuration; both before anything is made. */
export function openBundle(bundle: string | undefined): { bundle: string; config: Config } {
  const path = resolve(bundle ?? '.');
  return { bundle: path, config: readConfig(path) };
}

async function firstState(id: string, bundle: string, config: Config): Promise<State> {
  const cgroup = cgroupOf(id, config.linux?.cgroupsPath);
  const resources = resourcesOf(config.linux?.resources);
  const listener = await seccompListener(config.linux?.seccomp);
  const rootfs = resolve(bundle, config.root?.path ?? '');
  const joined = await beforeMounts(config, rootfs);
  const own = isRootless() ? await ownHierarchies() : undefined;
  const made = topmostMissing(await hierarchiesOf({ hierarchies: own }), cgroup);
  return {
    version: 1,
    ociVersion: config.ociVersion,
    id,
    bundle,
    rootfs,
    annotations: config.annotations ?? {},
    created: new Date().toISOString(),
    cgroup,
    ...(made === undefined ? {} : { cgroupMade: made }),
    resources,
    ...(own === undefined ? {} : { hierarchies: own }),
    ...(listener === undefined ? {} : { listener }),
    hooks: config.hooks ?? {},
    ...(config.process == null ? { idle: true } : {}),
    ...(hasUser(config) ? { hasUser: true } : {}),
    ...(joinedMountsOf(config) === undefined ? {} : { ownRoot: true }),
    ...(joined === undefined ? {} : { joinedMounts: joined }),
  };
}

const early = ['prestart', 'createRuntime', 'createContainer'] as const;

/** In the namespaces, but before the root changes: createContainer's paths are the host's. */
function earlyWork(
  place: Place,
  state: State,
  { linux }: Config,
): ((pid: number) => Promise<void>) | undefined {
  const { hooks } = state;
  const devices = linux?.netDevices ?? {};
  const moves = Object.keys(devices).length > 0;
  if (!moves && !early.some((name) => (hooks[name] ?? []).length > 0)) return;
  return async (pid) => {
    if (moves) await (await import('./net-devices.ts')).moveNetDevices(devices, pid);
    const init = nameOf(pid);
    place.write({ ...state, init }); // a hook may ask for the state
    const seen = () => specState({ ...state, init }, 'creating');
    await runHooks('prestart', hooks.prestart, seen, runHere(state.bundle));
    await runHooks('createRuntime', hooks.createRuntime, seen, runHere(state.bundle));
    if ((hooks.createContainer ?? []).length === 0) return;
    const { runInside } = await import('./inside.ts');
    const inside = runInside(place.directory, pid, { ...state, init });
    await runHooks('createContainer', hooks.createContainer, seen, inside);
  };
}

/** Resolves with its process. */
async function make(
  place: Place,
  config: Config,
  state: State,
  around: {
    readonly options: CreateOptions;
    readonly preserved: readonly number[];
    readonly log: Log;
  },
): Promise<number> {
  const { id, console } = around.options;
  const footing = isRootless() ? await findFooting(config) : undefined;
  try {
    const order = await containerOrder(config, state, around.log, footing);
    const hooks = earlyWork(place, state, config);
    return await handOver({
      ...order,
      directory: place.directory,
      id,
      stdio: [0, 1, 2],
      preserved: around.preserved,
      idle: state.idle === true,
      ...(console === undefined ? {} : { console }),
      ...(hooks === undefined ? {} : { hooks }),
    });
  } finally {
    await footing?.held?.release();
  }
}

/**
 * Resolves with the container at its gate, its lock held.
 * @throws Error after everything made has been removed
 */
export async function createContainer(
  options: CreateOptions,
  asked: Config,
  globals: Globals,
): Promise<{ readonly place: Place; readonly state: State }> {
  const { id, bundle, pidFile } = options;
  const config = withJoinedMaps(asked);
  const place = await Place.make(globals.root, id);
  const state = await firstState(id, bundle, config).catch((error: unknown) => {
    place.remove();
    throw error;
  });
  try {
    place.write(state);
    writeFileSync(`${place.directory}/config.json`, JSON.stringify(config, bigintsAsNumbers), {
      mode: 0o600,
    });
    const preserved = preservedDescriptors(options.preserved);
    const pid = await make(place, config, state, { options, preserved, log: globals.log });
    const made = await withMounts({ ...state, init: nameOf(pid) });
    place.write(made);
    if (isRootless()) await warnOfStandIns(config, pid, globals.log);
    if (state.cgroupMade !== undefined) await delegateCgroup(config, state.cgroup);
    if (pidFile !== undefined) writePidFile(pidFile, pid);
    return { place, state: made };
  } catch (error) {
    await undo(place, state, globals);
    throw createError(id, error);
  }
}

async function warnOfStandIns(config: Config, pid: number, log: Log): Promise<void> {
  const { standInWarnings } = await import('./stand-ins.ts');
  for (const warning of standInWarnings(config, pid)) log.warn(warning);
}

async function withMounts(state: State): Promise<State> {
  const { joinedMounts: joined, rootfs } = state;
  return joined === undefined
    ? state
    : { ...state, joinedMounts: await afterMounts(joined, rootfs) };
}

/** `first`: what was to be written before anything was made. */
async function undo(place: Place, first: State, { log }: Globals): Promise<void> {
  try {
    const state = place.isWritten() ? place.read() : first;
    if (state.init !== undefined) await killAndWait(state.init);
    await destroy(place, state, log);
  } catch (error) {
    log.warn(`remove what is left of container ${place.id}: ${(error as Error).message}`);
  } finally {
    place.release();
  }
}

function createError(id: string, cause: unknown): Error {
  if (cause instanceof HandOverError) {
    const { exitCode } = cause.failure;
    const message = `create container ${id}: ${refusalMessage(cause.failure)}`;
    return new ExitError(message, exitCode === 126 || exitCode === 127 ? exitCode : 1, { cause });
  }
  return new Error(`create container ${id}: ${(cause as Error).message}`, { cause });
}

/** JSON has one kind of number: written so that `parseDocument` reads the same again. */
function bigintsAsNumbers(_: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value));
}

const hasUser = ({ linux }: Config): boolean =>
  (linux?.namespaces ?? []).some(({ type }) => type === 'user');
