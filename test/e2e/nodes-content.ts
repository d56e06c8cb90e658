/** Content goes from node to node: a snapshot with its volumes, an image that one of them was given. */
import { join } from 'node:path';
import t from 'tap';
import type { Node, Pod } from '#api/resources/types.ts';
import { type TestCluster, waitFor } from '../support/cluster.ts';

export interface Nodes {
  readonly cluster: TestCluster;
  readonly list: <T>(type: string) => Promise<T[]>;
  readonly apply: (name: string, text: string) => Promise<void>;
}

/** A Container with a volume of its own on one node. */
const keeping = (name: string, { node, image }: { node: string; image: string }) => `
apiVersion: bayplan.dev/v1alpha1
kind: Container
metadata: { name: ${name} }
spec:
  image: '${image}'
  command: [sleep, 1d]
  stopTimeout: 0
  nodeSelector: { kubernetes.io/hostname: ${node} }
  mounts: [{ type: volume, target: /data }]
`;

export function testContentOnNodes({ cluster, list, apply }: Nodes): void {
  t.test('a snapshot with its volumes is restored on another node', async (t) => {
    const names = (await list<Node>('nodes')).map(({ metadata }) => metadata.name).sort();
    const [first = '', second = ''] = names;
    const image = 'bayplan.local/busybox:latest';
    const runs = (name: string) =>
      waitFor(`${name} to run`, async () =>
        (await cluster.bay('exec', name, 'true')).code === 0 ? true : undefined,
      );
    await apply('kept', keeping('kept', { node: first, image }));
    await runs('kept');
    const write = 'echo file > /root-file; echo volume > /data/file';
    t.equal((await cluster.bay('exec', 'kept', 'sh', '-c', write)).code, 0);
    const taken = await cluster.bay('snapshot', '--volumes', '--image', 'kept:1', 'kept', 'kept-1');
    t.equal(taken.code, 0, taken.stderr);
    await apply('restored', keeping('restored', { node: second, image: 'kept:1' }));
    await runs('restored');
    const { stdout } = await cluster.bay('exec', 'restored', 'cat', '/root-file', '/data/file');
    t.equal(stdout, 'file\nvolume\n');
    const pods = await list<Pod>('pods');
    const nodeOf = (name: string) =>
      pods.find(({ metadata }) => metadata.name === name)?.spec?.nodeName;
    t.strictSame([nodeOf('kept'), nodeOf('restored')], [first, second]);
    t.equal((await cluster.bay('rm', '-f', 'kept', 'restored')).code, 0);
  });

  t.test('an image that is loaded runs on all nodes, without a registry', async (t) => {
    const made = join(cluster.folder, 'image.tar');
    const commands = [
      ['run', '--name', 'maker', 'bayplan.local/busybox:latest', 'sh', '-c', 'echo here > /own'],
      ['commit', 'maker', 'own/image:1'],
      ['rm', 'maker'],
      ['save', '-o', made, 'own/image:1'],
      ['rmi', 'own/image:1'],
      ['load', '-i', made],
    ];
    for (const words of commands) {
      const { code, stderr } = await cluster.bay(...words);
      t.equal(code, 0, `${words.join(' ')}: ${stderr}`);
    }
    const names = (await list<Node>('nodes')).map(({ metadata }) => metadata.name).sort();
    const pod = (node: string) => `
apiVersion: v1
kind: Pod
metadata: { name: 'on-${node}' }
spec:
  nodeName: ${node}
  restartPolicy: Never
  containers: [{ name: main, image: 'own/image:1', command: [cat, /own] }]
`;
    await apply('on-all', names.map(pod).join('---\n'));
    for (const node of names) {
      await waitFor(`the pod on ${node} to have run`, async () => {
        const { stdout } = await cluster.bay('logs', `pod/on-${node}`);
        return stdout === 'here\n' ? true : undefined;
      });
    }
    const pods = names.map((node) => `on-${node}`);
    t.equal((await cluster.bay('delete', 'pod', ...pods)).code, 0);
  });
}
