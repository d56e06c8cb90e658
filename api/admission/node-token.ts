/** Which service account tokens a node may ask for: those of pods that run on it, as the pods ask for them. */
import { type JsonObject, stringOr } from '#api/resources/json.ts';
import { issuer } from '../authentication/service-account-tokens.ts';
import { nodeOf } from '../authorization/node-graph.ts';
import { podReferences } from '../authorization/pod-references.ts';
import type { WatchCache } from '../storage/watch-cache.ts';

export interface NodeTokenRequest {
  readonly node: string;
  readonly namespace: string;
  /** `spec.boundObjectRef`. */
  readonly reference: JsonObject;
  readonly audiences: readonly string[];
}

/** Why not; nothing if it may. */
export function checkNodeToken(
  { node, namespace, reference, audiences }: NodeTokenRequest,
  cache: WatchCache,
): string | undefined {
  if (reference['kind'] !== 'Pod' || reference['apiVersion'] !== 'v1') {
    return `node "${node}" requested a token not bound to a pod`;
  }
  const uid = stringOr(reference['uid']);
  if (uid === '') return `node "${node}" requested token with a pod binding without a uid`;
  const pod = cache.get(`/registry/pods/${namespace}/${stringOr(reference['name'])}`)?.object();
  if (pod === undefined || pod.metadata.uid !== uid || nodeOf(pod) !== node) {
    return `node "${node}" requested a token bound to a pod scheduled on a different node`;
  }
  const named = podReferences(pod).audiences;
  const foreign = audiences.filter((one) => !named.has(one) && !(one === issuer && named.has('')));
  if (foreign.length === 0) return undefined;
  return `audience "${foreign[0]}" not found in pod spec volume`;
}
