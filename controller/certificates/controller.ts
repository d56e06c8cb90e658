/**
 * CertificateSigningRequests for Kubernetes' own signers: nodes' requests are approved if the requester may, approved
 * ones are signed by the cluster's authority, old ones deleted.
 */
import type { Collection } from '#api/client/collection.ts';
import { resourcePath } from '#api/client/paths.ts';
import { certificateSigningRequests } from '#api/resources/resource-types.ts';
import type { CertificateSigningRequest } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { type Outcome, reconcileKeys, requeueAfter } from '#controller/runtime/reconcile.ts';
import { selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { deleteObject } from '#controller/runtime/write.ts';
import type { Plan, Recognized } from './plan.ts';
import type { AuthorityFiles } from './sign.ts';

const reviews = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

class Requests {
  readonly #world: World;
  readonly #authority: () => Promise<AuthorityFiles>;
  readonly cache: Cache<CertificateSigningRequest>;

  constructor(world: World, authority: () => Promise<AuthorityFiles>) {
    this.#world = world;
    this.#authority = authority;
    this.cache = world.cache<CertificateSigningRequest>(certificateSigningRequests);
  }

  get #collection(): Collection<CertificateSigningRequest> {
    return this.#world.collection(certificateSigningRequests);
  }

  async reconcile(name: string, signal: AbortSignal): Promise<Outcome> {
    const csr = this.cache.get(name);
    if (csr === undefined || csr.metadata.deletionTimestamp !== undefined) {
      return { actions: [] };
    }
    // Most clusters never see one: what reads and signs them is loaded with the first.
    const { endOf, plan } = await import('./plan.ts');
    const left = endOf(csr) - this.#world.clock.now();
    if (left <= 0) {
      await deleteObject(this.#collection, csr, signal);
      return { actions: ['delete: it has served its time'] };
    }
    return requeueAfter(left, ...(await this.#perform(csr, plan(csr), signal)));
  }

  async #perform(
    csr: CertificateSigningRequest,
    plan: Plan,
    signal: AbortSignal,
  ): Promise<string[]> {
    switch (plan.type) {
      case 'nothing':
        return [];
      case 'ask': {
        const as = await this.#allowed(csr, plan.as, signal);
        if (as === undefined) return [];
        await this.#approve(csr, as, signal);
        return [`approve as ${as}`];
      }
      case 'fail':
        await this.#write(csr, { conditions: [this.#failed(plan.why)] }, signal);
        return [`refuse: ${plan.why}`];
      case 'sign': {
        const { signedCertificate } = await import('./sign.ts');
        const grant = { ...plan, usages: csr.spec.usages ?? [] };
        const certificate = signedCertificate(grant, await this.#authority());
        await this.#write(csr, { certificate }, signal);
        return ['sign'];
      }
    }
  }

  /** The first of what the requester would have to be allowed to create that it may create. */
  async #allowed(
    { spec }: CertificateSigningRequest,
    wanted: readonly Recognized[],
    signal: AbortSignal,
  ): Promise<Recognized | undefined> {
    for (const subresource of wanted) {
      const resource = { group: 'certificates.k8s.io', resource: 'certificatesigningrequests' };
      const asked = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: spec.username,
          uid: spec.uid,
          groups: spec.groups,
          extra: spec.extra,
          resourceAttributes: { ...resource, subresource, verb: 'create', version: '*' },
        },
      };
      const answer = await this.#world.client.request('POST', reviews, asked, signal);
      if ((answer as { status?: { allowed?: boolean } }).status?.allowed === true) {
        return subresource;
      }
    }
    return undefined;
  }

  async #approve(
    csr: CertificateSigningRequest,
    as: Recognized,
    signal: AbortSignal,
  ): Promise<void> {
    const self =
      as === 'selfnodeclient' ? 'self kubelet client certificate' : 'kubelet client certificate';
    const condition = {
      type: 'Approved',
      status: 'True',
      reason: 'AutoApproved',
      message: `Auto approving ${self} after SubjectAccessReview.`,
    };
    const conditions = [...(csr.status?.conditions ?? []), condition];
    const { name } = csr.metadata;
    const path = resourcePath(certificateSigningRequests, { name, subresource: 'approval' });
    const body = { ...csr, status: { ...csr.status, conditions } };
    const approved = await this.#world.client.request('PUT', path, body, signal);
    this.cache.put(approved as CertificateSigningRequest);
  }

  #failed(message: string) {
    const time = timestamp(this.#world.clock.now());
    return {
      type: 'Failed',
      status: 'True',
      reason: 'SignerValidationFailure',
      message,
      lastUpdateTime: time,
      lastTransitionTime: time,
    };
  }

  async #write(
    csr: CertificateSigningRequest,
    { conditions = [], ...more }: NonNullable<CertificateSigningRequest['status']>,
    signal: AbortSignal,
  ): Promise<void> {
    const before = csr.status?.conditions ?? [];
    const status = { ...csr.status, ...more, conditions: [...before, ...conditions] };
    this.cache.put(await this.#collection.updateStatus({ ...csr, status }, signal));
  }
}

/** `authority`: the cluster's certificate and key, read when the first certificate is signed. */
export const certificatesController = (authority: () => Promise<AuthorityFiles>): Controller => ({
  name: 'certificates',
  run: (world) => {
    const all = new Requests(world, authority);
    const keys$ = whenSynced([all.cache], selfKeys(all.cache.changes));
    const { clock } = world;
    return reconcileKeys(keys$, (name, signal) => all.reconcile(name, signal), { clock });
  },
});
