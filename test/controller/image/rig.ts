/** The controller of Images over nodes and registries in memory, under virtual time. */
import { images, nodes } from '#api/resources/resource-types.ts';
import type { Node } from '#api/resources/types.ts';
import { imageController } from '#controller/image/controller.ts';
import type { Image, ImageSpec } from '#controller/image/types.ts';
import { aNode } from '../../support/builders.ts';
import { running } from '../../support/controllers.ts';
import { FakeNodes } from '../../support/fake-nodes.ts';

/** A reference in a registry. */
export const web = 'registry.example/web:1';
/** An Image. */
export const document = (spec: ImageSpec, name = 'web'): Image => ({
  apiVersion: 'bayplan.dev/v1alpha1',
  kind: 'Image',
  metadata: { name },
  spec,
});
/** A node in a zone. */
export const labelled = (name: string, zone: string, ready = 'True'): Node => {
  const node = aNode(name);
  const conditions = [{ type: 'Ready', status: ready }];
  return {
    ...node,
    metadata: { ...node.metadata, labels: { zone } },
    status: { ...node.status, conditions },
  } as Node;
};

/** The controller over nodes in memory, with the Image "web" created. */
export async function setUp(spec: ImageSpec, ...seeded: Node[]) {
  const fake = new FakeNodes();
  const run = running(imageController(fake));
  for (const node of seeded.length > 0 ? seeded : [labelled('a', 'x'), labelled('b', 'y')]) {
    run.api.seed(nodes, node);
  }
  run.start();
  const collection = run.api.collection<Image>(images);
  await collection.create(document(spec));
  const get = () => collection.get({ name: 'web' });
  const status = async () => (await get()).status;
  const change = async (next: Partial<ImageSpec>) => {
    const now = await get();
    await collection.update({ ...now, spec: { ...now.spec, ...next } });
    await run.settle();
  };
  const ready = async () => (await status())?.conditions?.find(({ type }) => type === 'Ready');
  return { ...run, fake, collection, status, change, ready, get };
}
