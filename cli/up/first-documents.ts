/** What `bay up --apply` does: applies the documents, shows how they become real, and says what to try next. */
import type { RemoteClient } from '#api/client/client.ts';
import { applyManifests } from '../apply.ts';
import type { Cluster } from '../cluster.ts';
import { type Container, containersOf, trouble } from '../container.ts';
import { readManifests } from '../manifests.ts';
import { until } from './readiness.ts';

/** An import would load all that the module can give, a fetch client among it: 20 MiB for one GET. */
const { get } = process.getBuiltinModule('node:http');

type Say = (text: string) => void;

/** Whether something answers HTTP at the address. */
function answers(url: string): Promise<boolean> {
  return new Promise((done) => {
    get(url, { timeout: 1_000 }, (response) => {
      response.resume();
      done(true);
    }).on('error', () => done(false));
  });
}

async function showContainer(client: RemoteClient, name: string, namespace: string, say: Say) {
  const started = performance.now();
  const ref = { name, namespace };
  let container: Container | undefined;
  const running = until(`container ${name}`, async () => {
    container = await containersOf(client).get(ref);
    return container.status?.phase === 'running' && container.status.ip !== undefined;
  });
  await running.catch((error: Error) => {
    const why = container === undefined ? undefined : trouble(container);
    throw new Error(why === undefined ? error.message : `container ${name}: ${why}`);
  });
  const ip = container?.status?.ip ?? '';
  say(
    `container ${name} runs at ${ip} after ${((performance.now() - started) / 1000).toFixed(2)} s`,
  );
  const port = container?.spec.ports?.[0]?.containerPort;
  if (port === undefined) return;
  const url = `http://${ip}:${port}`;
  await until(url, () => answers(url));
  say(`\n  ${url}  answers\n`);
}

function sayNext(cluster: Cluster, name: string, say: Say): void {
  const other = cluster.name === 'default' ? '' : ` --name ${cluster.name}`;
  say('Next:');
  say(`  kubectl --kubeconfig ${cluster.kubeconfig} get containers,pods -o wide`);
  say(`  ./bay logs${other} ${name}`);
  say(`  ./bay exec${other} -it ${name} sh`);
  say('\nCtrl-C stops the cluster.');
}

/** Applies the documents of `files`; Containers among them are waited for. Rejects with the first problem. */
export async function applyAndShow(
  client: RemoteClient,
  files: readonly string[],
  cluster: Cluster,
  say: Say,
): Promise<void> {
  const manifests = readManifests(files);
  const shown: { name: string; namespace: string }[] = [];
  const problems: Error[] = [];
  await applyManifests(client, manifests, 'default', {
    onApplied: ({ type, object, outcome }) => {
      const { name, namespace = 'default' } = object.metadata;
      say(`${type.singular}/${name} ${outcome}`);
      if (type.group === 'bayplan.dev' && type.kind === 'Container')
        shown.push({ name, namespace });
    },
    onProblem: ({ place }, error) => problems.push(new Error(`${place}: ${error.message}`)),
  });
  if (problems[0] !== undefined) throw problems[0];
  for (const { name, namespace } of shown) await showContainer(client, name, namespace, say);
  if (shown[0] !== undefined) sayNext(cluster, shown[0].name, say);
}
