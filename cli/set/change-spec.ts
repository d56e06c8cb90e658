/** The frame of `bay set`: each document that is meant gets one patch, or none when all is so already. */
import type { RemoteClient } from '#api/client/client.ts';
import type { PatchType } from '#api/client/collection.ts';
import { openClient } from '../connection.ts';
import { changeEach, changeFlags } from '../documents/change.ts';
import type { Values } from '../documents/flags.ts';
import { patchPlace } from '../documents/requests.ts';
import type { Found } from '../documents/select.ts';
import { eachLocal, patched } from './local.ts';

/** Flags of all that is set. */
export const settingFlags = { ...changeFlags, local: { type: 'boolean' } } as const;

/** The server, opened when it is needed first: `--local` does without it, as far as it can. */
export type Opened = () => Promise<RemoteClient>;

export interface Setting {
  /** `set image`. */
  readonly command: string;
  /** What has been done: `image updated`. */
  readonly what: string;
  readonly form: PatchType;
  readonly values: Values<typeof settingFlags> & { readonly [flag: string]: unknown };
  readonly words: readonly string[];
}

/** A client that is opened at most once, and closed at the end of `work` if it was. */
export async function withOpened<T>(
  values: Setting['values'],
  work: (client: Opened) => Promise<T>,
): Promise<T> {
  let opened: Promise<RemoteClient> | undefined;
  try {
    return await work(() => {
      opened ??= openClient(values);
      return opened;
    });
  } finally {
    (await opened?.catch(() => undefined))?.close();
  }
}

/** `patchOf`: undefined if nothing is to be changed. */
export function setEach(
  { command, what, form, values, words }: Setting,
  patchOf: (found: Found, client: Opened) => object | undefined | Promise<object | undefined>,
): Promise<number> {
  if (values.local === true) {
    return withOpened(values, (client) =>
      eachLocal(values, words, async (found, { tell }) => {
        const patch = await patchOf(found, client);
        if (patch !== undefined) tell(found.type, what, patched(found.object, patch));
      }),
    );
  }
  return changeEach(command, values, words, async (client, found, { options, dryRun, tell }) => {
    const patch = await patchOf(found, async () => client);
    if (patch === undefined) return;
    // Without the server it cannot be known what becomes of it: the server's own dry run tells.
    const isDry = dryRun !== 'none';
    tell(found.type, what, await patchPlace(client, found, patch, form, { ...options, isDry }));
  });
}
