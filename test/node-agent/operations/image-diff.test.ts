/** What differs between two images. */
import t from 'tap';
import { diffImages } from '#node-agent/operations/image-diff.ts';
import { dockerArchive } from '../../support/image-archives.ts';
import { loadEntries, storeIn } from '../../support/image-store.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { type TarEntry, tar } from '../../support/tar-builder.ts';

needsRoot();
const directory = scratch('image-diff');

t.test(
  'added, changed and deleted, with those above them, whatever layers they lie in',
  async (t) => {
    const { images } = await storeIn(directory());
    const file = (name: string, content: string, more: Partial<TarEntry> = {}): TarEntry => ({
      name,
      content,
      ...more,
    });
    const dir = (name: string): TarEntry => ({ name, type: '5', mode: 0o755 });
    const link = (name: string, target: string): TarEntry => ({ name, type: '2', link: target });
    const base = tar([
      dir('etc/'),
      file('etc/same', 's'),
      file('etc/content', 'aaaa'),
      file('etc/mode', 'm', { mode: 0o644 }),
      dir('gone/'),
      file('gone/inside', 'x'),
      file('kind', 'was a file'),
      link('link', 'etc/same'),
    ]);
    const top = tar([
      file('etc/content', 'bbbb'),
      file('etc/mode', 'm', { mode: 0o600 }),
      file('.wh.gone', ''),
      file('.wh.kind', ''),
      dir('new/'),
      file('new/file', 'n'),
      link('link', 'etc/mode'),
    ]);
    const kind = tar([dir('kind/'), file('kind/now', 'a directory')]);
    await loadEntries(
      images,
      dockerArchive([
        { layers: [base], tags: ['one:1'] },
        { layers: [base, top, kind], tags: ['two:1'] },
      ]),
    );
    const lines = async (from: string, to: string) =>
      (await diffImages(images, from, to)).map(({ Kind, Path }) => `${'CAD'[Kind]} ${Path}`);
    t.strictSame(await lines('one:1', 'two:1'), [
      'C /etc',
      'C /etc/content',
      'C /etc/mode',
      'D /gone',
      'C /kind',
      'A /kind/now',
      'C /link',
      'A /new',
      'A /new/file',
    ]);
    t.strictSame(await lines('two:1', 'one:1'), [
      'C /etc',
      'C /etc/content',
      'C /etc/mode',
      'A /gone',
      'A /gone/inside',
      'C /kind',
      'C /link',
      'D /new',
    ]);
    t.strictSame(await lines('one:1', 'one:1'), []);
    await t.rejects(diffImages(images, 'one:1', 'three:1'), { code: 'NotFound' });
  },
);
