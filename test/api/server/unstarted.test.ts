/** Which node a container gets that never ran and is asked for its files. */
import t from 'tap';
import type { KubeObject } from '#api/resources/meta.ts';
import { isUnplaced, nodeFor } from '#api/server/streams/unstarted.ts';

const container = (state: string | undefined, node?: string): KubeObject => ({
  apiVersion: 'bayplan.dev/v1alpha1',
  kind: 'Container',
  metadata: { name: 'c' },
  spec: { image: 'i', ...(state === undefined ? {} : { state }) },
  ...(node === undefined ? {} : { status: { node } }),
});

interface Facts {
  readonly images?: readonly string[];
  readonly ready?: string;
  readonly spec?: object;
}

const node = (name: string, { images = [], ready = 'True', spec = {} }: Facts): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  spec,
  status: { conditions: [{ type: 'Ready', status: ready }], images: [{ names: images }] },
});

t.test('only one at rest that no node has', async (t) => {
  t.equal(isUnplaced(container('Created')), true);
  t.equal(isUnplaced(container('Stopped')), true);
  t.equal(isUnplaced(container('Created', 'n1')), false);
  t.equal(isUnplaced(container('Running')), false, 'the scheduler finds its node');
  t.equal(isUnplaced(container(undefined)), false);
});

t.test('a node that has the image, else any that takes pods', async (t) => {
  const taints = (effect: string) => ({ spec: { taints: [{ key: 'k', effect }] } });
  const nodes = [
    node('lost', { images: ['i'], ready: 'Unknown' }),
    node('cordoned', { images: ['i'], spec: { unschedulable: true } }),
    node('tainted', { images: ['i'], ...taints('NoExecute') }),
    node('first', taints('PreferNoSchedule')),
    node('holder', { images: ['docker.io/library/i:latest'] }),
  ];
  t.equal(nodeFor(nodes, 'i'), 'holder');
  t.equal(nodeFor(nodes, 'other'), 'first');
  t.equal(nodeFor(nodes.slice(0, 3), 'i'), undefined);
});
