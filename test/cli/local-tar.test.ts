/** `bay cp`'s own end: what is packed here is unpacked here as it was. */
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import t from 'tap';
import { packed, unpacked } from '#cli/local-tar.ts';
import { needsRoot, scratch } from '../support/scratch.ts';
import { type TarEntry, tar } from '../support/tar-builder.ts';

needsRoot();
const directory = scratch('local-tar');

t.test('links of both kinds, FIFOs and devices come along', async (t) => {
  const from = directory();
  mkdirSync(join(from, 'd'));
  writeFileSync(join(from, 'd/file'), 'content');
  linkSync(join(from, 'd/file'), join(from, 'd/other'));
  symlinkSync('nowhere', join(from, 'd/link'));
  execFileSync('mkfifo', [join(from, 'd/fifo')]);
  execFileSync('mknod', [join(from, 'd/device'), 'c', '259', '70000']);
  const to = directory();
  await unpacked(packed(join(from, 'd'), 'new', { follow: false }), to, { owners: true });
  const facts = (name: string) => lstatSync(join(to, 'new', name));
  t.equal(facts('file').ino, facts('other').ino);
  t.equal(readFileSync(join(to, 'new/other'), 'utf8'), 'content');
  t.equal(readlinkSync(join(to, 'new/link')), 'nowhere');
  t.ok(facts('fifo').isFIFO());
  t.equal(facts('device').rdev, lstatSync(join(from, 'd/device')).rdev);
});

t.test('the content of a directory, or one file under another name', async (t) => {
  const from = directory();
  writeFileSync(join(from, 'file'), 'x');
  const to = directory();
  await unpacked(packed(from, '', { follow: false }), to, { owners: false });
  await unpacked(packed(join(from, 'file'), 'named', { follow: false }), to, { owners: false });
  t.equal(readFileSync(join(to, 'file'), 'utf8'), 'x');
  t.equal(readFileSync(join(to, 'named'), 'utf8'), 'x');
});

t.test('nothing leads out of where it goes', async (t) => {
  const hostile: readonly (readonly [string, readonly TarEntry[]])[] = [
    ['leads out', [{ name: '../out' }]],
    ['leads out', [{ name: '/out' }]],
    ['is not a directory', [{ name: 'l', type: '2', link: '..' }, { name: 'l/out' }]],
    ['leads out', [{ name: 'h', type: '1', link: '../secret' }]],
  ];
  for (const [why, entries] of hostile) {
    const to = directory();
    writeFileSync(join(to, '../secret'), 'outside');
    await t.rejects(unpacked(Readable.from([tar(entries)]), to, { owners: false }), {
      message: new RegExp(why),
    });
    t.throws(() => lstatSync(join(to, '../out')));
    t.equal(lstatSync(join(to, '../secret')).nlink, 1);
  }
});
