/** OpenID Connect discovery of the issuer of service account tokens: others can check them without asking us. */
import { issuer } from '../authentication/service-account-tokens.ts';
import { keySet, type TokenKeys } from '../authentication/token-keys.ts';
import type { Body } from './reply.ts';

const keysPath = '/openid/v1/jwks';

const body = (document: object, contentType: string): Body => ({
  status: 200,
  contentType,
  chunks: [Buffer.from(JSON.stringify(document))],
  headers: { 'cache-control': 'public, max-age=3600' },
});

/** `/.well-known/openid-configuration` (Kubernetes' selection of RFC 8414's fields). `host` reached us. */
export function issuerConfiguration(keys: TokenKeys, host: string): Body {
  const algorithms = [...keys.verifying.values()].map(({ algorithm }) => algorithm);
  const document = {
    issuer,
    jwks_uri: `https://${host}${keysPath}`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(algorithms)],
  };
  return body(document, 'application/json');
}

/** `/openid/v1/jwks`. */
export const issuerKeys = (keys: TokenKeys): Body => body(keySet(keys), 'application/jwk-set+json');
