/** `docker login`: whether a registry takes a login. Nothing of it is kept here. */
import { ImageError, type RegistryCredentials } from '../images.ts';
import { readStart } from './body.ts';
import { registryEndpoint } from './endpoint.ts';
import { imageError } from './problem.ts';
import type { Registry } from './registry.ts';
import { Repository } from './repository.ts';

/** `host[:port]`. @throws ImageError `Unauthorized` when it is not taken */
export async function checkLogin(
  registry: Registry,
  server: string,
  credentials: RegistryCredentials,
): Promise<void> {
  if (!/^[\w.-]+(:\d+)?$|^\[[\da-fA-F:]+\](:\d+)?$/.test(server)) {
    throw new ImageError('InvalidReference', `log in to '${server}': write host[:port]`);
  }
  try {
    const endpoint = await registryEndpoint(`${server}/`, await registry.settings());
    const repository = new Repository(registry.parts, endpoint, { credentials, actions: 'none' });
    const { origin } = await registry.parts.greeting.of(endpoint);
    const to = new URL('/v2/', origin);
    const { body } = await repository.ask({ method: 'GET', to, good: [200] });
    await readStart(body);
  } catch (error) {
    throw imageError(`log in to ${server}`, error);
  }
}
