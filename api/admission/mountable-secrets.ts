/**
 * Accounts annotated with `kubernetes.io/enforce-mountable-secrets`: their pods use no Secret that the account does not
 * list (`plugin/pkg/admission/serviceaccount`). Every way a Secret gets into a pod counts: CVE-2023-2728 forgot ephemeral
 * containers, CVE-2024-3177 `envFrom`.
 */
import { type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';

const annotation = 'kubernetes.io/enforce-mountable-secrets';

const containerLists: readonly (readonly [list: string, what: string])[] = [
  ['initContainers', 'init container'],
  ['containers', 'container'],
  ['ephemeralContainers', 'ephemeral container'],
];

/** A Secret in use: which, and where as an error names it. */
interface Use {
  readonly secret: string;
  readonly where: string;
}

const use = (secret: unknown, where: string): Use[] =>
  secret === undefined
    ? []
    : [{ secret: stringOr(secret), where: `${where}="${stringOr(secret)}"` }];

function ofVolume(volume: JsonObject): Use[] {
  const name = (source: unknown) => objectOr(source)['name'];
  const projected = objectsOf(objectOr(volume['projected'])['sources']);
  return [
    ...use(objectOr(volume['secret'])['secretName'], 'volume with secret.secretName'),
    ...projected.flatMap(({ secret }) => use(name(secret), 'volume with secret.secretName')),
  ];
}

function ofContainer(container: JsonObject, what: string): Use[] {
  const who = `${what} ${stringOr(container['name'])}`;
  const variables = objectsOf(container['env']).flatMap(({ name, valueFrom }) => {
    const where = `${who} with envVar ${stringOr(name)} referencing secret.secretName`;
    return use(objectOr(objectOr(valueFrom)['secretKeyRef'])['name'], where);
  });
  const sources = objectsOf(container['envFrom']).flatMap(({ secretRef }) =>
    use(objectOr(secretRef)['name'], `${who} with envFrom referencing secret.secretName`),
  );
  return [...variables, ...sources];
}

const namesIn = (list: unknown): Set<string> =>
  new Set(objectsOf(list).map(({ name }) => stringOr(name)));

/** Why the account's pods may not look like this; `undefined` if they may. */
export function unlistedSecret(spec: JsonObject, account: KubeObject): string | undefined {
  if (!/^(1|t|T|TRUE|true|True)$/.test(account.metadata.annotations?.[annotation] ?? '')) {
    return undefined;
  }
  const because = `is not allowed because service account ${account.metadata.name} does not reference that`;
  const listed = namesIn(account['secrets']);
  const uses = [
    ...objectsOf(spec['volumes']).flatMap(ofVolume),
    ...containerLists.flatMap(([list, what]) =>
      objectsOf(spec[list]).flatMap((container) => ofContainer(container, what)),
    ),
  ];
  const wrong = uses.find(({ secret }) => !listed.has(secret));
  if (wrong !== undefined) return `${wrong.where} ${because} secret`;
  const pulling = namesIn(account['imagePullSecrets']);
  const pulled = objectsOf(spec['imagePullSecrets']).map(({ name }) => stringOr(name));
  const at = pulled.findIndex((name) => !pulling.has(name));
  return at < 0
    ? undefined
    : `imagePullSecrets[${at}].name="${pulled[at]}" ${because} imagePullSecret`;
}
