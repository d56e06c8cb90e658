/** Makes this machine's Node, before its agent starts, and learns which addresses its pods get. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Credential, call, type Place } from './certificates.ts';

interface Node {
  readonly spec?: { readonly podCIDR?: string };
  readonly status?: { readonly nodeInfo?: { readonly machineID?: string } };
}

const deadlineMs = 60_000;
const pollMs = 100;

function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** @throws Error when another machine has the name, or the cluster gives no addresses */
export async function register(
  place: Place,
  credential: Credential,
  nodeName: string,
): Promise<{ readonly podCidr: string }> {
  const path = '/api/v1/nodes';
  const get = () =>
    call(place, credential, { method: 'GET', path: `${path}/${nodeName}` }) as Promise<Node>;
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName } };
  await call(place, credential, { method: 'POST', path, body: node }).catch((error: Error) => {
    if (!/ 409 /.test(error.message)) throw error;
  });
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const found = await get();
    checkMachine(nodeName, found);
    const podCidr = found.spec?.podCIDR ?? '';
    if (podCidr !== '') return { podCidr };
    if (Date.now() > deadline) {
      throw new Error(
        `node ${nodeName} was given no addresses for its pods in a minute: do the cluster's controllers run, and has its range room?`,
      );
    }
    await sleep(pollMs);
  }
}

function checkMachine(nodeName: string, { status }: Node): void {
  const [theirs = '', ours] = [status?.nodeInfo?.machineID, machineId()];
  if (theirs === '' || ours === '' || theirs === ours) return;
  throw new Error(
    `the cluster has a node ${nodeName} on the machine ${theirs}, and this is ${ours}: choose another with --node-name, or delete that node first`,
  );
}
