/** The directories behind local volumes, asked of their node's agent through the API server. */
import type { Client } from '#api/client/collection.ts';
import { hasReason } from '#api/resources/status.ts';

export interface NodeVolumes {
  /** Removes what the volume holds; that it is gone already is as good. Rejects with StatusError. */
  remove(node: string, volume: string, signal: AbortSignal): Promise<void>;
}

export const remoteNodeVolumes = (client: Client): NodeVolumes => ({
  remove: async (node, volume, signal) => {
    const path = `/api/v1/nodes/${node}/proxy/volumes/${encodeURIComponent(volume)}`;
    await client.request('DELETE', path, undefined, signal).catch((error: unknown) => {
      if (!hasReason(error, 'NotFound')) throw error;
    });
  },
});
