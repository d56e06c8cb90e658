/** `exec ID COMMAND…`: a further process of a container, as restricted as its first. */

import { closeSync } from 'node:fs';
import { resolve } from 'node:path';
import { openPidfd, socketPair } from '#native/descriptors.ts';
import { HandOverError, handOver } from '#native/hand-over.ts';
import { parseFlags, UsageError } from '../arguments.ts';
import { configOf, processOf, readBounded } from '../config/read-config.ts';
import { type Console, openConsole } from '../console.ts';
import { execFlags, execProcess } from '../exec-flags.ts';
import { waitFor } from '../foreground.ts';
import { ExitError, type Globals } from '../globals.ts';
import { writePidFile } from '../pid-file.ts';
import { preservedDescriptors } from '../preserved.ts';
import { isAlive } from '../process-name.ts';
import { processOrder } from '../process-order.ts';
import { refusalMessage } from '../refusal.ts';
import { peek, type State } from '../state.ts';
import { statusOf } from '../status.ts';

/** runc's code for an exec that failed for another reason than the program. */
const failedCode = 255;

function refused(id: string, error: unknown): Error {
  if (!(error instanceof HandOverError)) {
    const { message } = error as Error;
    return new ExitError(`exec in ${id}: ${message}`, failedCode, { cause: error });
  }
  const { exitCode } = error.failure;
  const code = exitCode === 126 || exitCode === 127 ? exitCode : failedCode;
  const message = `exec in ${id}: ${refusalMessage(error.failure)}`;
  return new ExitError(message, code, { cause: error });
}

function pidfdOf({ id, init }: State): number {
  const gone = new ExitError(`exec in ${id}: the container is not running`, failedCode);
  if (init === undefined) throw gone;
  const pidfd = openPidfd(init.pid);
  if (isAlive(init)) return pidfd;
  closeSync(pidfd);
  throw gone;
}

async function launch(
  place: { readonly directory: string; readonly state: State },
  spec: Uint8Array,
  console: Console,
  preserved: number,
): Promise<number> {
  const { directory, state } = place;
  const pidfd = pidfdOf(state);
  const notify = state.listener === undefined ? undefined : await listenerRelay(state);
  try {
    return await handOver({
      directory,
      id: state.id,
      spec,
      pidfd,
      stdio: [0, 1, 2],
      preserved: preservedDescriptors(preserved),
      ...(console.socket === undefined ? {} : { console: console.socket }),
      ...(notify === undefined ? {} : { notify: notify.socket }),
    });
  } catch (error) {
    throw refused(state.id, error);
  } finally {
    closeSync(pidfd);
    await notify?.end();
  }
}

/** While the process is made: its listener is brought to who decides, who may be asked before it is executed. */
async function listenerRelay(state: State) {
  const { bringListener, receiveListener } = await import('../notify.ts');
  const [ours, socket] = socketPair();
  let open = true;
  const brought = receiveListener(ours).then((listener) => {
    if (listener === undefined || state.listener === undefined) return;
    bringListener(listener, state.listener, { state, status: 'running' });
  });
  const close = () => {
    if (open) closeSync(socket);
    open = false;
  };
  const end = async () => {
    close();
    await brought.finally(() => closeSync(ours));
  };
  return { socket, end };
}

export async function run(globals: Globals, words: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(words, execFlags, 'first');
  const [id, ...args] = rest;
  if (id === undefined) throw new UsageError('expected the id of a container');
  const place = peek(globals.root, id);
  const status = await statusOf(place.directory, place.state);
  const fits = ['created', 'running', ...(flags['ignore-paused'] ? ['paused'] : [])];
  if (!fits.includes(status)) {
    throw new ExitError(`exec in ${id}: the container is ${status}`, failedCode);
  }
  const config = configOf(readBounded(`${place.directory}/config.json`));
  const file = flags.process && resolve(flags.process);
  const wanted =
    file === undefined
      ? execProcess(config, flags, args)
      : { ...processOf(file, readBounded(file)), ...(flags.tty ? { terminal: true } : {}) };
  const console = openConsole({
    terminal: wanted.terminal === true,
    socketPath: flags['console-socket'],
    foreground: !flags.detach,
  });
  try {
    const asked = { process: wanted, document: file ?? 'exec --additional-gids' };
    const spec = await processOrder(asked, config, place.state, globals.log).catch((error) => {
      throw refused(id, error);
    });
    const pid = await launch(place, spec, console, flags['preserve-fds'] ?? 0);
    if (flags['pid-file'] !== undefined) writePidFile(flags['pid-file'], pid);
    if (flags.detach) return 0;
    const detach = await console.attach();
    const exitCode = await waitFor(pid);
    detach();
    return exitCode;
  } finally {
    console.close();
  }
}
