/** `bay logout`: forgets the login for a registry, as docker does. */
import { parse, UsageError } from '../arguments.ts';
import { forgetLogin, serverHost, serverKey } from '../registry-login/login.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { positionals } = parse(args, {});
  if (positionals.length > 1) throw new UsageError('name one registry: bay logout [REGISTRY]');
  const key = serverKey(positionals[0]);
  const wasThere = await forgetLogin(key);
  const host = serverHost(key);
  process.stdout.write(
    wasThere ? `Removing login credentials for ${host}\n` : `Not logged in to ${host}\n`,
  );
  return 0;
}
