/** How images are listed and filtered. */
import t from 'tap';
import { filtersOf } from '#cli/filters.ts';
import { filteredImages, fits, imageFilters, imageRow, named } from '#cli/image-rows.ts';

const image = (letter: string, day: number, tags: readonly string[], labels = {}) => ({
  id: `sha256:${letter.repeat(64)}`,
  digest: `sha256:${letter.repeat(64)}`,
  tags,
  repoDigests: [`docker.io/library/app@sha256:${letter.repeat(64)}`],
  sizeBytes: 1_982_380,
  createdAt: `2026-01-0${day}T00:00:00Z`,
  config: { labels },
});
const all = [
  image('a', 1, ['docker.io/library/app:1', 'reg.io:5000/team/app:2'], { team: 'x' }),
  image('b', 2, []),
  image('c', 3, ['bayplan.local/busybox:latest']),
].flatMap((one) => named(one, 'n1'));
const now = Date.parse('2026-01-04T00:00:00Z');
const shown = (...texts: string[]) =>
  filteredImages(all, filtersOf(texts, imageFilters), now).map(
    ({ repository, tag }) => `${repository}:${tag}`,
  );

t.test('each name is a line; a nameless image has its repository', async (t) => {
  t.strictSame(shown(), [
    'app:1',
    'reg.io:5000/team/app:2',
    'app:<none>',
    'bayplan.local/busybox:latest',
  ]);
  const [first] = all;
  if (first === undefined) return;
  t.match(imageRow(first, false), { ID: 'a'.repeat(12), Size: '1.98MB', Tag: '1' });
  t.equal(imageRow(first, false)['Digest'], `sha256:${'a'.repeat(64)}`);
});

t.test('filters are dockers', async (t) => {
  t.strictSame(shown('dangling=true'), ['app:<none>']);
  t.strictSame(shown('dangling=false').length, 3);
  t.strictSame(shown('label=team=x').length, 2);
  t.strictSame(shown('label=team=y'), []);
  t.strictSame(shown('reference=app'), ['app:1', 'app:<none>']);
  t.strictSame(shown('reference=reg.io:5000/*/app:2'), ['reg.io:5000/team/app:2']);
  t.strictSame(shown('reference=*/app'), [], 'a star does not span slashes');
  t.strictSame(shown('before=busybox', 'dangling=false').length, 0 + 2);
  t.strictSame(shown(`since=${'b'.repeat(12)}`), ['bayplan.local/busybox:latest']);
  t.strictSame(shown('until=36h').length, 3);
  t.throws(() => shown('before=nothing'), /No such image: nothing/);
  t.throws(() => shown('hue=red'), /invalid filter 'hue'/);
});

t.test('a short name means our own images, too', async (t) => {
  const busybox = all.at(-1);
  if (busybox === undefined) return;
  t.ok(fits(busybox, 'busybox'));
  t.notOk(fits(busybox, 'busybox:2'));
});
