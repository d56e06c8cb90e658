/**
 * Bootstrap tokens `<id>.<secret>`: Secrets `bootstrap-token-<id>` in kube-system, with which a node that joins asks for
 * its certificate (`plugin/pkg/auth/authenticator/token/bootstrap`).
 */
import { timingSafeEqual } from 'node:crypto';
import { objectOr, stringOr } from '#api/resources/json.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import { everybody, type User } from './user.ts';

const form = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const groupPrefix = 'system:bootstrappers:';
const groupForm = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

const equal = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/** The user of a bootstrap token; `undefined` if it is none, is not known, has expired or is not for authentication. */
export function bootstrapUser(token: string, cache: WatchCache, now: Date): User | undefined {
  const [, id = '', secret = ''] = form.exec(token) ?? [];
  if (id === '') return undefined;
  const stored = cache.get(`/registry/secrets/kube-system/bootstrap-token-${id}`)?.object();
  if (stored === undefined || stored['type'] !== 'bootstrap.kubernetes.io/token') return undefined;
  if (stored.metadata.deletionTimestamp !== undefined) return undefined;
  const fields = objectOr(stored['data']);
  const field = (name: string) => Buffer.from(stringOr(fields[name]), 'base64').toString();
  const expires = field('expiration');
  const expired = expires !== '' && !(Date.parse(expires) > now.getTime());
  const meant = field('usage-bootstrap-authentication') === 'true' && field('token-id') === id;
  if (!meant || expired || !equal(field('token-secret'), secret)) return undefined;
  const extra = field('auth-extra-groups')
    .split(',')
    .filter((group) => groupForm.test(group));
  return {
    name: `system:bootstrap:${id}`,
    groups: [...new Set([groupPrefix.slice(0, -1), ...extra, everybody])],
  };
}
