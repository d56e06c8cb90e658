/** The maps of a user namespace that is joined by path, as the kernel has them. */

import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import type { Config } from './config/config.ts';
import type { IdMapping } from './config/linux.ts';

function stat(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return; // what ended meanwhile, or never was: whoever joins it tells
  }
}

/** A process that is in the namespace; undefined when it is kept by a mount alone. */
function someoneIn(path: string): string | undefined {
  const wanted = stat(path);
  if (wanted === undefined) return;
  const [, named] = /^\/proc\/(\d+|self)\/ns\/user$/.exec(path) ?? [];
  const all = function* () {
    if (named !== undefined) yield named;
    yield* readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  };
  for (const pid of all()) {
    const found = stat(`/proc/${pid}/ns/user`);
    if (found?.ino === wanted.ino && found.dev === wanted.dev) return pid;
  }
  return;
}

/** proc(5), uid_map: its first id inside, its first id here, how many. */
export function parseMap(text: string): IdMapping[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number);
      return { containerID, hostID, size };
    });
}

/**
 * Its owners are told by the namespace's own maps, whatever the bundle says: podman writes a map of one id for a
 * namespace that it has only the path of.
 */
export function withJoinedMaps(config: Config): Config {
  const user = (config.linux?.namespaces ?? []).find(({ type }) => type === 'user');
  const pid = user?.path ? someoneIn(user.path) : undefined;
  if (pid === undefined) return config;
  const read = (name: string) => parseMap(readFileSync(`/proc/${pid}/${name}`, 'utf8'));
  try {
    const maps = { uidMappings: read('uid_map'), gidMappings: read('gid_map') };
    return { ...config, linux: { ...config.linux, ...maps } };
  } catch {
    return config; // it ended in between
  }
}
