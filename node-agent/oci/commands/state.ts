/** `state ID`: the state of runtime.md, with runc's further fields. */

import { onlyId, parseFlags } from '../arguments.ts';
import type { Globals } from '../globals.ts';
import { peek } from '../state.ts';
import { specState, statusOf } from '../status.ts';

export async function run({ root }: Globals, words: readonly string[]): Promise<number> {
  const { directory, state } = peek(root, onlyId(parseFlags(words, {}).rest));
  const status = await statusOf(directory, state);
  const shown = {
    pid: 0,
    ...specState(state, status),
    status,
    rootfs: state.rootfs,
    created: state.created,
    owner: '',
  };
  process.stdout.write(`${JSON.stringify(shown, undefined, 2)}\n`);
  return 0;
}
