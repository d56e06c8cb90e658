/** Claims, pods that use them, and nodes whose directories are a list. */
import { failure } from '#api/resources/status.ts';
import type { PersistentVolumeClaim, Pod } from '#api/resources/types.ts';
import { aPod } from '../../support/builders.ts';

/** Nodes that remember what was removed, and may be away. */
export function fakeNodes() {
  const removed: string[] = [];
  const fake = {
    removed,
    away: false,
    remove: async (node: string, volume: string) => {
      if (fake.away) throw failure(503, 'ServiceUnavailable', `${node} does not answer`);
      removed.push(`${node}/${volume}`);
    },
  };
  return fake;
}

export const place = (name: string) => ({ name, namespace: 'default' });
/** A pod that mounts the claim. */
export const using = (name: string, claim: string): Pod =>
  aPod(name, { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: claim } }] });
/** The claim as a client creates it. */
export const fresh = (claim: PersistentVolumeClaim): PersistentVolumeClaim => {
  const { uid: _, annotations: __, ...metadata } = claim.metadata;
  return { ...claim, metadata };
};
