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
import { capabilityHeader } from '#cli/file-capability.ts';
import { packed, unpacked } from '#cli/local-tar.ts';
import { getXattr, setXattr } from '#native/files.ts';
import { needsRoot, scratch } from '../support/scratch.ts';
import { paxRecord, type TarEntry, tar } from '../support/tar-builder.ts';

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

/** cap_net_bind_service, and bytes that are no UTF-8 (linux/capability.h, vfs_cap_data). */
const capability = Buffer.from('0100000200ff80fe00000000c0ff000000000000', 'hex').subarray(0, 20);

t.test('the capabilities of programs come along, whatever their names and sizes', async (t) => {
  const from = directory();
  const names = ['a', 'ü', 'n'.repeat(180), 'empty', `${'d'.repeat(90)}/${'e'.repeat(90)}`];
  mkdirSync(join(from, 'd'.repeat(90)));
  for (const [index, name] of names.entries()) {
    writeFileSync(join(from, name), 'x'.repeat(name === 'empty' ? 0 : 700 * index));
    setXattr(join(from, name), 'security.capability', capability);
    writeFileSync(join(from, `${name}-plain`), 'y');
  }
  setXattr(join(from, 'a'), 'user.note', Buffer.from('n'));
  linkSync(join(from, 'a'), join(from, 'b'));
  symlinkSync('a', join(from, 'link'));
  for (const owners of [true, false]) {
    const to = directory();
    await unpacked(packed(from, '', { follow: false }), to, { owners });
    for (const name of [...names, 'b']) {
      t.strictSame(getXattr(join(to, name), 'security.capability'), capability, name);
      const plain = name === 'b' ? 'link' : `${name}-plain`;
      t.equal(getXattr(join(to, plain), 'security.capability'), undefined, plain);
    }
    t.equal(getXattr(join(to, 'a'), 'user.note'), undefined, 'as docker, this one alone');
  }
  const to = directory();
  await unpacked(packed(join(from, 'link'), 'new', { follow: true }), to, { owners: true });
  t.strictSame(getXattr(join(to, 'new'), 'security.capability'), capability);
});

t.test('capabilities are found however the stream is cut', async (t) => {
  const key = 'SCHILY.xattr.security.capability';
  const pax = { [key]: capability };
  for (const length of [1, 20, 51, 52, 53, 54, 55, 56, 57, 948, 950, 952]) {
    const value = Buffer.alloc(length, 0xfe);
    const whole = paxRecord(key, value);
    const header = capabilityHeader(value);
    t.strictSame(header.subarray(512, 512 + whole.length), whole, `${length} bytes`);
    t.equal(header.length % 512, 0);
    const listed = execFileSync('tar', ['-tf', '-'], {
      input: Buffer.concat([header, tar([{ name: 'f' }])]),
    });
    t.equal(listed.toString(), 'f\n', 'as other programs read it');
  }
  const archive = tar([
    { name: 'f', pax: { ...pax, comment: 'x'.repeat(600) }, content: Buffer.alloc(1000, 1) },
    { name: 'd', type: '5' },
    { name: 'g', pax, content: Buffer.alloc(0) },
    { name: 'h', content: Buffer.alloc(512, 2) },
  ]);
  for (const size of [1, 7, 511, 512, 513, 4096]) {
    const pieces = Array.from({ length: Math.ceil(archive.length / size) }, (_, i) =>
      archive.subarray(i * size, (i + 1) * size),
    );
    const to = directory();
    await unpacked(Readable.from(pieces), to, { owners: false });
    const held = (name: string) => getXattr(join(to, name), 'security.capability');
    t.strictSame([held('f'), held('g')], [capability, capability], `pieces of ${size}`);
    t.strictSame([held('d'), held('h')], [undefined, undefined]);
  }
});
