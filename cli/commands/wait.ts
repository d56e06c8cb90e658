/** `bay wait`: until containers have ended, printing their exit codes; with `--for`, until documents are as asked. */
import { eachContainer, untilEnded } from '../lifecycle.ts';

export async function run(args: readonly string[]): Promise<number> {
  if (args.some((arg) => arg === '--for' || arg.startsWith('--for='))) {
    const { waitFor } = await import('../wait-for.ts');
    return waitFor(args);
  }
  return eachContainer(args, 'wait', async (client, ref) => {
    const { status } = await untilEnded(client, ref);
    return String(status?.exitCode ?? 0);
  });
}
