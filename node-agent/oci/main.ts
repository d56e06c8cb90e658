/**
 * `bay oci`, `bay-oci`: the runtime-spec's operations with runc's command line, for podman, containerd and everybody who
 * has a bundle. Nothing is loaded but what the command needs: a container's start waits for two of these.
 */

import { parseFlags, UsageError } from './arguments.ts';
import { type Globals, openLog } from './globals.ts';

interface Command {
  run(globals: Globals, words: readonly string[]): Promise<number>;
}

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  create: () => import('./commands/create.ts'),
  start: () => import('./commands/start.ts'),
  run: () => import('./commands/run.ts'),
  state: () => import('./commands/state.ts'),
  kill: () => import('./commands/kill.ts'),
  delete: () => import('./commands/delete.ts'),
  exec: () => import('./commands/exec.ts'),
  ps: () => import('./commands/ps.ts'),
  pause: () => import('./commands/pause.ts'),
  resume: () => import('./commands/resume.ts'),
  update: () => import('./commands/update.ts'),
  events: () => import('./commands/events.ts'),
  list: () => import('./commands/list.ts'),
  features: () => import('./commands/features.ts'),
  spec: () => import('./commands/spec.ts'),
};

const usage = `usage: bay oci [--root DIR] [--log FILE] [--log-format text|json] [--debug] COMMAND …

  create  [-b BUNDLE] [--console-socket S] [--pid-file F] [--preserve-fds N] ID
  start   ID
  run     [-d] [-b BUNDLE] [--console-socket S] [--pid-file F] [--preserve-fds N] [--keep] ID
  state   ID
  kill    [-a] ID [SIGNAL]
  delete  [-f] ID
  exec    [-d] [-t] [-p FILE] [-u UID[:GID]] [-e K=V]… [--cwd D] [--pid-file F] [--console-socket S] ID COMMAND…
  ps      [-f table|json] ID [PS FLAGS]
  pause, resume ID
  update  [-r FILE] [--memory BYTES] [--cpu-share N] [--pids-limit N] … ID
  events  [--stats] [--interval SECONDS] ID
  list    [-f table|json] [-q]
  features
  spec    [-b BUNDLE] [--rootless]
`;

/** Root's is not looked for: every start waits for this. */
async function defaultRoot(): Promise<string> {
  return (await import('./state-root.ts')).stateRoot();
}

async function main(words: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(
    words,
    {
      root: { kind: 'text' },
      log: { kind: 'text' },
      'log-format': { kind: 'text' },
      debug: { kind: 'on' },
      'systemd-cgroup': { kind: 'on' },
      'cgroup-manager': { kind: 'text' },
      rootless: { kind: 'text' },
      criu: { kind: 'text' },
      version: { kind: 'on', short: 'v' },
      help: { kind: 'on', short: 'h' },
    },
    'first',
  );
  const [name, ...args] = rest;
  if (flags.version) return (await import('./commands/version.ts')).run();
  if (flags.help || name === undefined || name === 'help' || args[0] === '--help') {
    process.stdout.write(usage);
    return 0;
  }
  const log = openLog({ path: flags.log, format: flags['log-format'], debug: flags.debug });
  try {
    if (flags['systemd-cgroup'] || flags['cgroup-manager'] === 'systemd') {
      throw new UsageError(
        '--systemd-cgroup: cgroups are made by ourselves, not by systemd; tell the caller to use cgroupfs',
      );
    }
    const load = commands[name];
    if (load === undefined) {
      const known = name === 'checkpoint' || name === 'restore' ? 'is not supported' : 'is unknown';
      throw new UsageError(`the command ${JSON.stringify(name)} ${known}; see bay oci --help`);
    }
    const command = await load();
    return await command.run({ root: flags.root ?? (await defaultRoot()), log }, args);
  } catch (error) {
    return log.failed((await import('./rights.ts')).withRights(error));
  }
}

// Not awaited at the top: a script (cli/pack.mjs) cannot.
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
