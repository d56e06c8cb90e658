/** Writes what `protocol.ts` describes, as `src/protocol.h` draws it and `src/supervisor/spec.c` reads it. */

import {
  processFlag,
  type WireContainer,
  type WireIdMap,
  type WireMount,
  type WireProcess,
} from './protocol.ts';
import { WireWriter } from './wire-writer.ts';

function writeSettings(writer: WireWriter, process: WireProcess): void {
  writer.bytes(process.scheduler);
  writer.u32(process.ioPriority);
  writer.u32(process.personality);
  writer.bytes(process.firstCpus);
  writer.bytes(process.lastCpus);
  writer.string(process.apparmor);
  writer.string(process.selinux);
  writer.u64(process.landlock.handled);
  writer.list(process.landlock.rules, (rule) => {
    writer.u64(rule.access);
    writer.string(rule.path);
  });
}

function writeConfinement(writer: WireWriter, process: WireProcess): void {
  writer.u32(process.uid);
  writer.u32(process.gid);
  writer.list(process.groups, (group) => writer.u32(group));
  writer.u32(process.umask);
  writer.u32(process.owner);
  const { bounding, effective, permitted, inheritable, ambient } = process.capabilities;
  for (const set of [bounding, effective, permitted, inheritable, ambient]) writer.u64(set);
  writer.u32(process.oomScoreAdj);
  writer.fixed(process.rlimits, (limit) => {
    writer.u32(limit.resource);
    writer.u64(limit.soft);
    writer.u64(limit.hard);
  });
  writeSettings(writer, process);
  writer.strings(process.cgroups);
  writer.string(process.cgroup2);
}

function writeProcess(writer: WireWriter, process: WireProcess, confined = process): void {
  const { memoryPolicy } = process;
  writer.u32(process.flags | (memoryPolicy === undefined ? 0 : processFlag.memoryPolicy));
  writer.u32(process.columns);
  writer.u32(process.rows);
  writer.item(confined, (of) => writeConfinement(writer, of));
  writer.strings(process.args);
  writer.strings(process.env);
  writer.string(process.cwd);
  writer.bytes(process.seccomp);
  writer.u32(process.seccompFlags);
  if (memoryPolicy === undefined) return;
  writer.u32(memoryPolicy.mode);
  writer.bytes(memoryPolicy.nodes);
}

/**
 * The body of an `exec` request. `confined`: where its user, rights, limits and cgroups come from; frozen, that is
 * encoded once for all of a container's processes.
 */
export function encodeProcess(process: WireProcess, confined: WireProcess = process): Buffer {
  const writer = new WireWriter();
  writeProcess(writer, process, confined);
  return Buffer.from(writer.take());
}

function writeIdMap(writer: WireWriter, map: readonly WireIdMap[]): void {
  writer.list(map, ({ inside, outside, size }) => {
    writer.u32(inside);
    writer.u32(outside);
    writer.u32(size);
  });
}

function writeMount(writer: WireWriter, mount: WireMount): void {
  writer.u32(mount.kind);
  writer.u32(mount.flags);
  writer.u32(mount.set);
  writer.u32(mount.clear);
  writer.u32(mount.recursiveSet);
  writer.u32(mount.recursiveClear);
  writer.u32(mount.propagation);
  writer.u32(mount.recursivePropagation);
  writer.string(mount.type);
  writer.string(mount.root);
  writer.string(mount.source);
  writer.string(mount.target);
  writer.strings(mount.options);
  writeIdMap(writer, mount.uidMap);
  writeIdMap(writer, mount.gidMap);
}

function writeIsolation(writer: WireWriter, container: WireContainer): void {
  writer.list(container.namespaces, ({ type, path }) => {
    writer.u32(type);
    writer.string(path);
  });
  writeIdMap(writer, container.uidMap);
  writeIdMap(writer, container.gidMap);
  writer.list(container.timeOffsets, (offset) => {
    writer.u32(offset.clock);
    writer.u64(offset.seconds);
    writer.u32(offset.nanoseconds);
  });
  writer.string(container.hostname);
  writer.string(container.domainname);
  writer.list(container.sysctls, ({ name, value }) => {
    writer.string(name);
    writer.string(value);
  });
}

function writeFiles(writer: WireWriter, container: WireContainer): void {
  writer.u32(container.rootPropagation);
  writer.strings(container.layers);
  writer.string(container.upper);
  writer.string(container.work);
  const write = (mount: WireMount) => writeMount(writer, mount);
  writer.list(container.mounts, (mount) => writer.item(mount, write));
  writer.u32(container.mountsBeforeDevices);
  writer.fixed(container.devices, (device) => {
    writer.string(device.path);
    for (const value of [device.mode, device.major, device.minor, device.uid, device.gid]) {
      writer.u32(value);
    }
  });
  writer.fixed(container.links, ({ path, content }) => {
    writer.string(path);
    writer.string(content);
  });
  writer.fixed(container.masked, (path) => writer.string(path));
  writer.fixed(container.readonlyPaths, (path) => writer.string(path));
}

/**
 * The spec a supervisor is started with, without its magic and length, which the addon puts before it.
 * Valid until the next message is encoded: whoever starts a supervisor copies it when given it.
 */
export function encodeContainer(container: WireContainer): Buffer {
  const writer = new WireWriter();
  writer.u32(container.flags);
  writer.string(container.logPath);
  writer.u64(BigInt(container.logLargeBytes));
  writer.u64(BigInt(container.logMostBytes));
  writer.string(container.oomFile);
  writeIsolation(writer, container);
  writeFiles(writer, container);
  writeProcess(writer, container.process);
  return writer.take();
}
