/** Waits for the parts of a starting cluster, and asks the node to stop its containers when the cluster stops. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '#api/client/collection.ts';
import { nodes } from '#api/resources/resource-types.ts';
import { StatusError } from '#api/resources/status.ts';
import type { Node } from '#api/resources/types.ts';
import type { Cluster, Settings } from '../cluster.ts';
import { type NodePlace, nodePlaces } from './node-places.ts';

/** See `first-documents.ts`: an import would load far more. */
const { request } = process.getBuiltinModule('node:https');

const pollMs = 15;
const deadlineMs = 60_000;

/**
 * Asks until `ask` resolves with true; refusals and failures are asked again. Rejects after `limitMs` (a minute unless
 * told), naming `what`.
 */
export async function until(
  what: string,
  ask: () => Promise<boolean>,
  limitMs = deadlineMs,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  let last = 'no answer';
  for (;;) {
    try {
      if (await ask()) return;
      last = 'not yet';
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      last = error.message;
    }
    if (Date.now() > deadline)
      throw new Error(`wait for ${what}: ${last} after ${limitMs / 1000} s`);
    await sleep(pollMs);
  }
}

/** Resolves when the API server says that it is ready. */
export function untilReady(client: Client): Promise<void> {
  return until('the API server', async () => {
    await client.request('GET', '/readyz');
    return true;
  });
}

/** Resolves when the node has reported itself ready. */
export function nodeReady(client: Client, name: string): Promise<void> {
  const collection = client.collection<Node>(nodes);
  return until(`node ${name}`, async () => {
    const node = await collection.get({ name });
    const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
    return ready?.status === 'True';
  });
}

/** The plural names of our own kinds, as the definitions in `crds/` have them. */
function ownKinds(): string[] {
  const folder = join(import.meta.dirname, '../../crds');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => /^ {4}plural: (\w+)$/m.exec(readFileSync(join(folder, name), 'utf8'))?.[1])
    .filter((plural) => plural !== undefined);
}

/** Resolves when what every document may count on is there: our own kinds, and the account that pods run as. */
export async function furnished(client: Client): Promise<void> {
  const paths = ownKinds().map((plural) => `/apis/bayplan.dev/v1alpha1/${plural}?limit=1`);
  paths.push('/api/v1/namespaces/default/serviceaccounts/default');
  const answered = async (path: string) => {
    await client.request('GET', path);
    return true;
  };
  await Promise.all(paths.map((path) => until(path, () => answered(path))));
}

/**
 * Has the node agent stop all containers and take its networks, mounts and cgroups away. An agent that cannot is told of,
 * and no failure: the containers go on.
 */
export async function stopContainers(
  cluster: Cluster,
  settings: Settings,
  say: (text: string) => void,
): Promise<void> {
  say('stopping containers …');
  try {
    await Promise.all(
      nodePlaces(cluster, settings).map((place) => askToStop(cluster, settings, place)),
    );
  } catch (error) {
    say(`containers could not be stopped (${(error as Error).message}); they go on without us`);
  }
}

function askToStop(cluster: Cluster, settings: Settings, place: NodePlace): Promise<void> {
  const file = (name: string) => readFileSync(join(cluster.pki, name));
  return new Promise((done, fail) => {
    const call = request(
      {
        host: place.address,
        port: settings.agentPort,
        path: '/shutdown?containers=stop',
        method: 'POST',
        ca: file('ca.crt'),
        cert: file('admin.crt'),
        key: file('admin.key'),
        servername: place.name,
        timeout: 60_000,
      },
      (response) => {
        response.resume();
        if (response.statusCode === 200) response.on('end', () => done());
        else fail(new Error(`the node agent answered ${response.statusCode}`));
      },
    );
    call.on('timeout', () => call.destroy(new Error('the node agent gave no answer in 60 s')));
    call.on('error', (error) => fail(new Error(`ask the node agent: ${error.message}`)));
    call.end();
  });
}
