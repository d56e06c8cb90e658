/** Runs `bay`'s commands within the test's own process: a start of Node each would cost more than all they do. */
import { UsageError } from '#cli/arguments.ts';
import { commands } from '#cli/commands.ts';
import { errorText } from '#cli/errors.ts';
import type { Outcome } from './kubectl.ts';

type Write = typeof process.stdout.write;

/** What is written meanwhile, as text. */
function caught(stream: NodeJS.WriteStream): { text: () => string; end: () => void } {
  const { write } = stream;
  let text = '';
  stream.write = ((chunk: string | Uint8Array) => {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    return true;
  }) as Write;
  return {
    text: () => text,
    end: () => {
      stream.write = write;
    },
  };
}

/** One at a time: the command line's exit code and what it wrote. */
export function bayFor(kubeconfig: string): (...args: readonly string[]) => Promise<Outcome> {
  return async (name = '', ...args) => {
    const command = commands[name];
    if (command === undefined) throw new Error(`there is no command '${name}'`);
    const { run } = await command.load();
    const stdout = caught(process.stdout);
    const stderr = caught(process.stderr);
    let code = 1;
    try {
      code = await run(['--kubeconfig', kubeconfig, ...args]);
    } catch (error) {
      process.stderr.write(`bay: ${errorText(error)}\n`);
      code = error instanceof UsageError ? 2 : 1;
    } finally {
      stdout.end();
      stderr.end();
    }
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  };
}
