/** `DELETE /volumes/{name}`: what a persistent volume of this node holds goes, once its claim is gone. */
import { join } from 'node:path';
import { badRequest } from '#api/resources/status.ts';
import { removeTree } from '../volume/removal.ts';
import { type Call, type Route, sendJson } from './node-api.ts';

/** A PersistentVolume's name: nothing that leads out of the directory. */
const volumeName = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/** `dir`: where this node's persistent volumes are. Nothing there is no error. */
export const volumeRoute = (dir: string): Route<Call> => ({
  method: 'DELETE',
  path: /^\/volumes\/([^/]+)$/,
  answer: async ({ response, parts: [name = ''] }) => {
    if (!volumeName.test(name) || name.includes('..')) {
      throw badRequest(`${JSON.stringify(name)} is not the name of a volume`);
    }
    await removeTree(join(dir, name));
    sendJson(response, { removed: name });
  },
});
