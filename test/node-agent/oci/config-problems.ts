/** Configurations and what is wrong in them. */

import { ConfigError } from '#node-agent/oci/config/problem.ts';
import { configOf } from '#node-agent/oci/config/read-config.ts';

/** Of a container that shares nothing. */
export const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({
  type,
}));

/** A configuration nobody objects to. */
export const good = {
  ociVersion: '1.2.0',
  root: { path: 'rootfs' },
  process: { cwd: '/', args: ['true'], user: { uid: 0, gid: 0 } },
  linux: { namespaces },
};

/** Deep: what is given replaces, all else stays. */
function merge(base: unknown, change: unknown): unknown {
  if (typeof change !== 'object' || change === null || Array.isArray(change)) return change;
  const present = (typeof base === 'object' && base !== null ? base : {}) as Record<
    string,
    unknown
  >;
  const changes = Object.entries(change).map(([key, value]) => [key, merge(present[key], value)]);
  return { ...present, ...Object.fromEntries(changes) };
}

/** What is wrong in a config.json. */
export function problemsOf(text: string): string[] {
  try {
    configOf(text);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

/** What is wrong in a good one with a change. */
export const badness = (change: object): string[] =>
  problemsOf(JSON.stringify(merge(good, change)));
