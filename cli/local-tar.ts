/** Files of this machine as a tar, and a tar as files of this machine: `bay cp`'s own end. */
import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream, type Stats } from 'node:fs';
import {
  chmod,
  lchown,
  link,
  lstat,
  mkdir,
  readdir,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
  utimes,
} from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { extract, type Header, type Pack, pack } from 'tar-stream';
import {
  CapabilityReader,
  capabilityHeader,
  capabilityOf,
  setCapability,
} from './file-capability.ts';

type Entry = Readable & { readonly header: Header };

const execute = promisify(execFile);

/** What is packed, and the names of files that have several. */
interface Packing {
  readonly tar: Pack;
  readonly links: Map<string, string>;
}

/** `source` as a tar whose first entry is called `name`; `''` for a directory's content. Sockets are left out. */
export function packed(
  source: string,
  name: string,
  options: { readonly follow: boolean },
): Readable {
  const tar = pack();
  add({ tar, links: new Map() }, source, name, options.follow).then(
    () => tar.finalize(),
    (error: Error) => tar.destroy(error),
  );
  return tar as unknown as Readable;
}

/** The kernel's number as tars have it (makedev(3)). */
function deviceOf({ rdev }: Stats) {
  const device = BigInt(rdev);
  const devmajor = Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n));
  return { devmajor, devminor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)) };
}

async function add(packing: Packing, path: string, name: string, follow: boolean): Promise<void> {
  const { tar, links } = packing;
  const facts = follow ? await stat(path) : await lstat(path);
  const { uid, gid, mtime, dev, ino, nlink } = facts;
  const common = { name, uid, gid, mtime, mode: facts.mode & 0o7777 };
  if (facts.isDirectory()) {
    if (name !== '') await written(tar, { ...common, type: 'directory' });
    for (const child of (await readdir(path)).sort()) {
      await add(packing, join(path, child), name === '' ? child : `${name}/${child}`, false);
    }
    return;
  }
  const first = nlink > 1 ? links.get(`${dev} ${ino}`) : undefined;
  if (first !== undefined) return written(tar, { ...common, type: 'link', linkname: first });
  links.set(`${dev} ${ino}`, name);
  if (facts.isFile()) {
    const capability = capabilityOf(follow ? await realpath(path) : path);
    // Between two entries: of such a one the library writes none for us.
    if (capability !== undefined) (tar as unknown as Readable).push(capabilityHeader(capability));
    const entry = tar.entry({ ...common, size: facts.size });
    // What grows meanwhile is cut where it was when it was looked at.
    await pipeline(facts.size === 0 ? [] : createReadStream(path, { end: facts.size - 1 }), entry);
  } else if (facts.isSymbolicLink()) {
    await written(tar, { ...common, type: 'symlink', linkname: await readlink(path) });
  } else if (facts.isFIFO()) await written(tar, { ...common, type: 'fifo' });
  else if (facts.isCharacterDevice() || facts.isBlockDevice()) {
    const type = facts.isBlockDevice() ? 'block-device' : 'character-device';
    await written(tar, { ...common, type, ...deviceOf(facts) });
  }
}

const written = (tar: Pack, header: Partial<Header> & { name: string }): Promise<void> =>
  new Promise((resolve, reject) => {
    tar.entry(header, (error) => (error ? reject(error) : resolve()));
  });

/**
 * Extracts below `directory`. What an archive says never leads out of it: names with `..` are refused, and so is anything
 * below a link. `owners`: they are kept, else all is whose process this is.
 */
export async function unpacked(
  tar: Readable,
  directory: string,
  { owners }: { readonly owners: boolean },
): Promise<void> {
  const parser = extract();
  const capabilities = new CapabilityReader();
  const feeding = pipeline(tar, capabilities, parser);
  feeding.catch(() => undefined); // awaited below, unless reading fails first
  const times: { path: string; header: Header }[] = [];
  let count = 0;
  try {
    for await (const entry of parser as AsyncIterable<Entry>) {
      const path = await placeOf(directory, entry.header.name);
      await put(entry, path, directory);
      // Of a second name nothing is new; the kernel would take the capabilities away.
      if (owners && entry.header.type !== 'link')
        await lchown(path, entry.header.uid ?? 0, entry.header.gid ?? 0);
      if (entry.header.type !== 'symlink' && entry.header.type !== 'link') {
        await chmod(path, entry.header.mode ?? 0o644);
        times.push({ path, header: entry.header });
      }
      // After the owner, with which the kernel takes them away.
      const capability = capabilities.told(count);
      const lost = capability === undefined ? undefined : setCapability(path, capability);
      if (lost !== undefined) process.stderr.write(`bay: its capabilities are left out: ${lost}\n`);
      count += 1;
    }
    await feeding;
  } catch (error) {
    parser.destroy();
    throw error;
  }
  // Last: what is put into a directory changes its time.
  for (const { path, header } of times.reverse()) {
    await utimes(path, header.mtime ?? new Date(), header.mtime ?? new Date());
  }
}

async function placeOf(directory: string, name: string): Promise<string> {
  const clean = posix.normalize(name).replace(/\/+$/, '');
  if (clean.startsWith('/') || clean.split('/').includes('..')) {
    throw new Error(`copy ${JSON.stringify(name)}: its name leads out of ${directory}`);
  }
  let place = directory;
  for (const part of clean.split('/').slice(0, -1)) {
    place = join(place, part);
    const facts = await lstat(place).catch(() => undefined);
    if (facts?.isDirectory() !== true) {
      throw new Error(`copy ${JSON.stringify(name)}: ${place} is not a directory`);
    }
  }
  return clean === '.' ? directory : join(directory, clean);
}

async function put(entry: Entry, path: string, directory: string): Promise<void> {
  const { type, linkname = '', mode = 0o644 } = entry.header;
  const before = await lstat(path).catch(() => undefined);
  if (type === 'directory') {
    entry.resume();
    if (before?.isDirectory() === true) return;
    if (before !== undefined) throw new Error(`cannot copy a directory over the file ${path}`);
    await mkdir(path);
    return;
  }
  if (before?.isDirectory() === true) {
    throw new Error(`cannot overwrite directory ${path} with a file`);
  }
  if (before !== undefined) await rm(path);
  if (type === 'file' || type === 'contiguous-file') {
    await pipeline(entry, createWriteStream(path, { mode, flags: 'wx' }));
    return;
  }
  entry.resume();
  if (type === 'symlink') await symlink(linkname, path);
  else if (type === 'link') await link(await placeOf(directory, linkname), path);
  else await makeNode(entry.header, path);
}

const nodes: Readonly<Record<string, string>> = {
  fifo: 'p',
  'character-device': 'c',
  'block-device': 'b',
};

/** Node has no call for it. @throws Error when this user may not, which only root may with devices */
async function makeNode({ type, name, devmajor, devminor }: Header, path: string): Promise<void> {
  const kind = nodes[type ?? ''];
  if (kind === undefined) throw new Error(`copy ${name}: a ${type} cannot be made here`);
  const numbers = kind === 'p' ? [] : [String(devmajor ?? 0), String(devminor ?? 0)];
  await execute('mknod', ['--', path, kind, ...numbers]).catch((cause: unknown) => {
    throw new Error(`copy ${name}: a ${type} cannot be made at ${path}`, { cause });
  });
}

/** Whether the directory of a path is there. */
export const parentExists = (path: string): Promise<boolean> =>
  stat(dirname(path)).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
