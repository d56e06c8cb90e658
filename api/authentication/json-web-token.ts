/** JSON Web Tokens (RFC 7519) in compact form, signed with ES256 or RS256 and nothing else. */
import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { isObject, type JsonObject } from '#api/resources/json.ts';

export type Algorithm = 'ES256' | 'RS256';

export interface TokenKey {
  /** The `kid` in a token's header: base64url of the SHA-256 of the public key, as Kubernetes names its keys. */
  readonly id: string;
  readonly algorithm: Algorithm;
  /** Public to verify, private to sign. */
  readonly key: KeyObject;
}

/** The name of a public key. */
export function keyIdOf(publicKey: KeyObject): string {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('base64url');
}

/** The one algorithm a key is used with. Throws an Error for keys of other kinds. */
export function algorithmOf(key: KeyObject): Algorithm {
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (asymmetricKeyType === 'rsa') return 'RS256';
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') {
    return 'ES256';
  }
  throw new Error(`a token key must be RSA or EC on P-256; this one is ${asymmetricKeyType}`);
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** JOSE wants an EC signature as the two numbers side by side (RFC 7518 section 3.4). */
const options = (key: KeyObject) => ({ key, dsaEncoding: 'ieee-p1363' }) as const;

/** The claims as a signed token. */
export function signToken(claims: object, { id, algorithm, key }: TokenKey): string {
  const content = `${encode({ alg: algorithm, kid: id })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(content), options(key));
  return `${content}.${signature.toString('base64url')}`;
}

function decode(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The claims, if one of the keys signed them. The token names its key; the key, not the token, says which algorithm is
 * right (RFC 8725 section 3.1). Times and audiences are not looked at.
 */
export function verifyToken(
  token: string,
  keys: ReadonlyMap<string, TokenKey>,
): JsonObject | undefined {
  const [first = '', payload = '', signature = '', ...more] = token.split('.');
  const header = decode(first);
  if (header === undefined || more.length > 0 || header['crit'] !== undefined) return undefined;
  const known = keys.get(String(header['kid']));
  if (known === undefined || header['alg'] !== known.algorithm) return undefined;
  const content = Buffer.from(`${first}.${payload}`);
  const good = verify('sha256', content, options(known.key), Buffer.from(signature, 'base64url'));
  return good ? decode(payload) : undefined;
}
