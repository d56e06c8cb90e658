/** What an earlier life of the agent left of pods. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Pods that have a directory or a log: an earlier life of the agent knew them. */
export async function podsOnDisk(dataDir: string) {
  const [uids, logs] = await Promise.all([
    readdir(join(dataDir, 'pods')).catch(() => []),
    readdir(join(dataDir, 'log', 'pods')).catch(() => []),
  ]);
  const named = logs.map((entry) => {
    const [namespace = '', name = '', uid = ''] = entry.split('_');
    return { namespace, name, uid };
  });
  const known = new Set(named.map(({ uid }) => uid));
  const bare = uids.filter((uid) => !known.has(uid));
  return [...named, ...bare.map((uid) => ({ uid, namespace: '', name: '' }))];
}
