/** The keys of service account tokens: one that signs, and those whose signatures count. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { algorithmOf, keyIdOf, type TokenKey } from './json-web-token.ts';

export interface TokenKeys {
  readonly signing: TokenKey;
  /** By key id. */
  readonly verifying: ReadonlyMap<string, TokenKey>;
}

const block = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g;

function tokenKey(publicKey: KeyObject, key: KeyObject): TokenKey {
  return { id: keyIdOf(publicKey), algorithm: algorithmOf(publicKey), key };
}

/**
 * `privatePem`: the key that signs. `publicPem`: one or more public keys; to rotate, put the new one beside the old
 * one. Throws an Error if a key is not one.
 */
export function readTokenKeys(privatePem: string, publicPem: string): TokenKeys {
  const privateKey = createPrivateKey(privatePem);
  const own = createPublicKey(privateKey);
  const others = (publicPem.match(block) ?? []).map((pem) => createPublicKey(pem));
  const verifying = [own, ...others].map((key) => tokenKey(key, key));
  return {
    signing: tokenKey(own, privateKey),
    verifying: new Map(verifying.map((key) => [key.id, key])),
  };
}

/** The public keys as a JSON Web Key Set (RFC 7517). */
export function keySet({ verifying }: TokenKeys): object {
  return {
    keys: [...verifying.values()].map(({ id, algorithm, key }) => ({
      use: 'sig',
      kid: id,
      alg: algorithm,
      ...key.export({ format: 'jwk' }),
    })),
  };
}
