/** What rmi may take away. */
import t from 'tap';
import type { StoredImage } from '#node-agent/image/image-table.ts';
import { removal } from '#node-agent/image/untag.ts';

const image = (letter: string, ...tags: string[]): StoredImage => ({
  digest: `sha256:${letter.repeat(64)}`,
  id: `sha256:${letter.repeat(64)}`,
  tags,
  layers: [],
  config: {} as StoredImage['config'],
});
const one = image('a', 'docker.io/library/a:1', 'docker.io/library/a:2');
const two = image('b', 'docker.io/library/b:1', 'reg.io/b:1');
const all = [one, two];
const user = (of: StoredImage, running: boolean) =>
  new Map([[of.digest, { container: 'web', running }]]);
const nobody = new Map();

t.test('a name goes; with the last one the image', async (t) => {
  const asked = { force: false, users: user(one, true) };
  const first = removal(all, { image: one, tag: 'docker.io/library/a:1' }, asked);
  t.match(first, { untagged: ['docker.io/library/a:1'], deleted: [] }, 'another name is left');
  t.strictSame(first.images.at(-1)?.tags, ['docker.io/library/a:2']);
  const single = image('c', 'docker.io/library/c:1');
  const last = removal(
    [single],
    { image: single, tag: 'docker.io/library/c:1' },
    { force: false, users: nobody },
  );
  t.match(last, { images: [], deleted: [single.id] });
});

t.test(
  'what a container uses is refused in dockers words, and stays nameless when forced',
  async (t) => {
    const single = image('c', 'docker.io/library/c:1');
    const found = { image: single, tag: 'docker.io/library/c:1' };
    for (const running of [true, false]) {
      const users = user(single, running);
      t.throws(() => removal([single], found, { force: false, users }), {
        code: 'InUse',
        message:
          /unable to remove repository reference .*c:1" \(must force\) - container web is using/,
      });
      const forced = removal([single], found, { force: true, users });
      t.match(forced, { untagged: ['docker.io/library/c:1'], deleted: [] });
      t.match(forced.images, [{ id: single.id, tags: [] }]);
    }
  },
);

t.test('by its ID an image goes with all names, if they are of one repository', async (t) => {
  const gone = removal(all, { image: one }, { force: false, users: nobody });
  t.match(gone, { images: [two], untagged: one.tags, deleted: [one.id] });
  const several = { image: two };
  t.throws(() => removal(all, several, { force: false, users: nobody }), /multiple repositories/);
  t.match(removal(all, several, { force: true, users: nobody }), { images: [one] });
  t.throws(
    () => removal(all, several, { force: true, users: user(two, true) }),
    /cannot be forced\) - image is being used by running container web/,
  );
  t.throws(
    () => removal(all, several, { force: false, users: user(two, false) }),
    /must be forced\) - image is being used by stopped container web/,
  );
  const kept = removal(all, several, { force: true, users: user(two, false) });
  t.match(kept, { untagged: two.tags, deleted: [] }, 'a stopped container can be started again');
});
