/** `bay`: finds the command asked for, loads just that one, and turns failures into one clear line. */
import { UsageError } from './arguments.ts';
import { commands } from './commands.ts';
import { errorText } from './errors.ts';

async function main(argv: readonly string[]): Promise<number> {
  const [first, ...args] = argv;
  const name = first === '--version' || first === '-v' ? 'version' : first;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const asked = name === 'help' ? args[0] : undefined;
    const { help } = await import('./help.ts');
    return help(asked);
  }
  if (name === 'completion') {
    const { completion } = await import('./shell-completion.ts');
    return completion(args);
  }
  const command = commands[name];
  if (command === undefined) throw new UsageError(`there is no command '${name}'; see 'bay help'`);
  if (args[0] === '--help' || args[0] === '-h') {
    const { help } = await import('./help.ts');
    return help(name);
  }
  const { run } = await command.load();
  return run(args);
}

/** `bay get pods | head`: whoever read has seen enough. `bay up` goes on without a reader, and sees to that itself. */
function endWithReader(name: string | undefined): void {
  if (name === 'up') return;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

endWithReader(process.argv[2]);
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bay: ${errorText(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
