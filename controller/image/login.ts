/** The login that a Secret of type kubernetes.io/dockerconfigjson holds for an image's registry. */
import { readImageName } from '#api/resources/image-name.ts';
import { objectOr, stringOr } from '#api/resources/json.ts';
import type { Secret } from '#api/resources/types.ts';
import type { Login } from './node-images.ts';

/** undefined when it has none. @throws Error when it is no such Secret; what is in it is never shown */
export function loginFor(secret: Secret, image: string): Login | undefined {
  const { name, namespace } = secret.metadata;
  const json = secret.data?.['.dockerconfigjson'];
  const what = `the Secret ${namespace}/${name}`;
  if (json === undefined) throw new Error(`${what} has no ".dockerconfigjson"`);
  const { repository } = readImageName(image);
  const auths = Object.entries(objectOr(parsed(json, what)['auths']));
  const [best] = auths
    .map(([key, auth]) => ({ key: plain(key), auth: objectOr(auth) }))
    .filter(({ key }) => repository === key || repository.startsWith(`${key}/`))
    .sort((a, b) => b.key.length - a.key.length);
  return best === undefined ? undefined : loginOf(best.auth);
}

function parsed(base64: string, what: string) {
  try {
    return objectOr(JSON.parse(Buffer.from(base64, 'base64').toString('utf8')));
  } catch {
    throw new Error(`the ".dockerconfigjson" of ${what} is not JSON`);
  }
}

/** Scheme, slash and API version are decoration; Docker Hub has an old name. */
const plain = (key: string): string =>
  key
    .replace(/^https?:\/\//, '')
    .replace(/\/(v[12]\/?)?$/, '')
    .replace(/^index\.docker\.io/, 'docker.io');

function loginOf(auth: Readonly<Record<string, unknown>>): Login {
  const text = (field: string) => stringOr(auth[field]);
  if (text('registrytoken') !== '') return { registrytoken: text('registrytoken') };
  if (text('identitytoken') !== '') return { identitytoken: text('identitytoken') };
  const pair = Buffer.from(text('auth'), 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  const username = text('username') || pair.slice(0, Math.max(colon, 0));
  return { username, password: text('password') || pair.slice(colon + 1) };
}
