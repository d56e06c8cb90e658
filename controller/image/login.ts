/** The login that a Secret of type kubernetes.io/dockerconfigjson or dockercfg holds for an image's registry. */
import { readImageName } from '#api/resources/image-name.ts';
import { objectOr, stringOr } from '#api/resources/json.ts';
import { matchingKeys } from '#api/resources/registry-keys.ts';
import type { Secret } from '#api/resources/types.ts';
import type { Login } from './node-images.ts';

/** undefined when it has none. @throws Error when it is no such Secret; what is in it is never shown */
export function loginFor(secret: Secret, image: string): Login | undefined {
  const { name, namespace } = secret.metadata;
  const what = `the Secret ${namespace}/${name}`;
  const auths = authsOf(secret, what);
  const { repository } = readImageName(image);
  const [best] = matchingKeys(Object.keys(auths), repository);
  return best === undefined ? undefined : loginOf(objectOr(auths[best]));
}

/** In the older form (`kubernetes.io/dockercfg`) they are the whole document. */
function authsOf({ data = {} }: Secret, what: string) {
  const { '.dockerconfigjson': json, '.dockercfg': legacy } = data;
  if (json !== undefined) return objectOr(parsed(json, `".dockerconfigjson" of ${what}`)['auths']);
  if (legacy !== undefined) return parsed(legacy, `".dockercfg" of ${what}`);
  throw new Error(`${what} has no ".dockerconfigjson"`);
}

function parsed(base64: string, what: string) {
  try {
    return objectOr(JSON.parse(Buffer.from(base64, 'base64').toString('utf8')));
  } catch {
    throw new Error(`the ${what} is not JSON`);
  }
}

function loginOf(auth: Readonly<Record<string, unknown>>): Login {
  const text = (field: string) => stringOr(auth[field]);
  if (text('registrytoken') !== '') return { registrytoken: text('registrytoken') };
  if (text('identitytoken') !== '') return { identitytoken: text('identitytoken') };
  const pair = Buffer.from(text('auth'), 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  const username = text('username') || pair.slice(0, Math.max(colon, 0));
  return { username, password: text('password') || pair.slice(colon + 1) };
}
