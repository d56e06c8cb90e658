/**
 * Loads the addon and turns the errors it throws into `NativeError`.
 */

import { createRequire } from 'node:module';
import { NativeError } from './binding.ts';

type Call = (...args: readonly unknown[]) => unknown;

/** The directory that holds `native.node`, `supervisor` and `init`. */
export const buildDir = new URL('./build/', import.meta.url).pathname;

/** The supervisor's program; `BAY_SUPERVISOR` names another build of it, for tests. */
export const supervisorPath: string = process.env['BAY_SUPERVISOR'] ?? `${buildDir}supervisor`;

/** The addon; `BAY_ADDON` names another build of it, for tests. */
const addonPath: string = process.env['BAY_ADDON'] ?? `${buildDir}native.node`;

function asNativeError(error: unknown): unknown {
  if (!(error instanceof Error) || !('errno' in error) || !('syscall' in error)) return error;
  const facts = error as unknown as { errno: number; code: string; syscall: string; path: string };
  const native = new NativeError(error.message, {
    errno: facts.errno,
    code: facts.code,
    syscall: facts.syscall,
    path: facts.path,
  });
  if (error.stack !== undefined) native.stack = error.stack;
  if ('entry' in error) Object.assign(native, { entry: error.entry }); // work on archives says which
  return native;
}

function wrapped(call: Call): Call {
  return (...args) => {
    try {
      const result = call(...args);
      if (!(result instanceof Promise)) return result;
      return result.catch((error: unknown) => {
        throw asNativeError(error);
      });
    } catch (error) {
      throw asNativeError(error);
    }
  };
}

let loaded: Readonly<Record<string, Call>> | undefined;

/**
 * The addon's functions, seen as `Face` (each concern declares its own face beside its wrappers).
 * Every function throws, or rejects with, `NativeError` when a system call fails.
 * @throws Error when the addon has not been built.
 */
export function loadAddon<Face>(): Face {
  if (loaded === undefined) {
    const path = addonPath;
    try {
      const addon = createRequire(import.meta.url)(path) as Readonly<Record<string, Call>>;
      loaded = Object.fromEntries(Object.entries(addon).map(([name, f]) => [name, wrapped(f)]));
    } catch (cause) {
      throw new Error(`load ${path}: not built or not loadable; run \`npm run native\``, { cause });
    }
  }
  return loaded as Face;
}
