/** The words after `bay create` that are kinds. */
import type { CreateKind } from './kind.ts';

/** Forms of one kind, each under the words that mean it. */
interface Entry {
  readonly words: readonly string[];
  /** Of a kind that has several forms: the word after it. */
  readonly forms?: readonly string[];
  load(form: string): Promise<CreateKind | undefined>;
}

const entry = (words: readonly string[], load: Entry['load']): Entry => ({ words, load });
const bounds = () => import('./bounds.ts');
const access = () => import('./access.ts');
const workloads = () => import('./workloads.ts');

async function secretForm(form: string): Promise<CreateKind | undefined> {
  const data = await import('./data.ts');
  if (form === 'generic') return data.secretGeneric;
  return form === 'tls' ? data.secretTls : data.secretDockerRegistry;
}

const entries: readonly Entry[] = [
  entry(['namespace', 'ns'], async () => (await bounds()).namespace),
  entry(['configmap', 'cm'], async () => (await import('./data.ts')).configMap),
  { words: ['secret'], forms: ['generic', 'tls', 'docker-registry'], load: secretForm },
  entry(['deployment', 'deploy'], async () => (await workloads()).deployment),
  entry(['job'], async () => (await workloads()).job),
  entry(['cronjob', 'cj'], async () => (await workloads()).cronJob),
  {
    words: ['service', 'svc'],
    forms: ['clusterip', 'nodeport', 'loadbalancer', 'externalname'],
    load: async (form) => (await import('./services.ts')).serviceKinds[form],
  },
  entry(['serviceaccount', 'sa'], async () => (await access()).serviceAccount),
  entry(['role'], async () => (await access()).role),
  entry(['rolebinding'], async () => (await access()).roleBinding),
  entry(['clusterrole'], async () => (await access()).clusterRole),
  entry(['clusterrolebinding'], async () => (await access()).clusterRoleBinding),
  entry(['quota', 'resourcequota'], async () => (await bounds()).quota),
  entry(['poddisruptionbudget', 'pdb'], async () => (await bounds()).podDisruptionBudget),
  entry(['priorityclass', 'pc'], async () => (await bounds()).priorityClass),
  entry(['ingress', 'ing'], async () => (await import('./ingress.ts')).ingress),
];

/** The kind of a word; `undefined` if the word is none. */
export const kindEntry = (word: string): Entry | undefined =>
  entries.find(({ words }) => words.includes(word));

/** Whether `bay create WORD` makes a document: all other words are images. */
export const isKindWord = (word: string): boolean =>
  word === 'token' || kindEntry(word) !== undefined;

/** What to offer after the words of `bay create`: kinds, then their forms. */
export function kindWords(before: readonly string[]): readonly string[] {
  const [kind] = before;
  if (kind === undefined) return [...entries.map(({ words }) => words[0] ?? ''), 'token'];
  return before.length === 1 ? (kindEntry(kind)?.forms ?? []) : [];
}
