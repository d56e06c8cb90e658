/** What a namespace lacks of what pods rely on. Pure. */
import type { ConfigMap, Namespace, ServiceAccount } from '#api/resources/types.ts';

export interface View {
  readonly namespace: Namespace | undefined;
  /** ServiceAccount `default`. */
  readonly account: ServiceAccount | undefined;
  /** ConfigMap `kube-root-ca.crt`. */
  readonly configMap: ConfigMap | undefined;
  /** The cluster's CA, PEM. */
  readonly ca: string;
}

/** Objects to be made, or (with a resourceVersion) updated. */
export interface Plan {
  readonly account?: ServiceAccount;
  readonly configMap?: ConfigMap;
}

export function plan({ namespace, account, configMap, ca }: View): Plan {
  if (namespace === undefined || namespace.metadata.deletionTimestamp !== undefined) return {};
  const { name } = namespace.metadata;
  return {
    ...(account === undefined ? { account: defaultAccount(name) } : {}),
    ...(configMap?.data?.['ca.crt'] === ca ? {} : { configMap: rootCa(name, configMap, ca) }),
  };
}

const defaultAccount = (namespace: string): ServiceAccount => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'default', namespace },
});

/** What others have put there besides stays. */
function rootCa(namespace: string, held: ConfigMap | undefined, ca: string): ConfigMap {
  if (held !== undefined) return { ...held, data: { ...held.data, 'ca.crt': ca } };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'kube-root-ca.crt',
      namespace,
      annotations: {
        'kubernetes.io/description':
          'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc.',
      },
    },
    data: { 'ca.crt': ca },
  };
}
