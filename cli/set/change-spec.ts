/** The frame of `bay set`: each document that is meant gets one patch, or none when all is so already. */
import type { RemoteClient } from '#api/client/client.ts';
import type { PatchType } from '#api/client/collection.ts';
import { changeEach, type changeFlags } from '../documents/change.ts';
import type { Values } from '../documents/flags.ts';
import { patchPlace } from '../documents/requests.ts';
import type { Found } from '../documents/select.ts';

export interface Setting {
  /** `set image`. */
  readonly command: string;
  /** What has been done: `image updated`. */
  readonly what: string;
  readonly form: PatchType;
  readonly values: Values<typeof changeFlags> & { readonly [flag: string]: unknown };
  readonly words: readonly string[];
}

/** `patchOf`: undefined if nothing is to be changed. */
export function setEach(
  { command, what, form, values, words }: Setting,
  patchOf: (found: Found, client: RemoteClient) => object | undefined | Promise<object | undefined>,
): Promise<number> {
  return changeEach(command, values, words, async (client, found, { options, dryRun, tell }) => {
    const patch = await patchOf(found, client);
    if (patch === undefined) return;
    // Without the server it cannot be known what becomes of it: the server's own dry run tells.
    const isDry = dryRun !== 'none';
    tell(found.type, what, await patchPlace(client, found, patch, form, { ...options, isDry }));
  });
}
