/** As far as the network goes, another machine: a network namespace with a cable to this one. Needs root. */
import { closeSync } from 'node:fs';
import { bindNetns, configure, createNetns, linkIndex, removeNetns } from '#native/netlink.ts';
import { addAddress, addVeth, setUp } from '#native/netlink-requests.ts';

export interface OtherMachine {
  /** Its network namespace, for `nsenter --net=…`. */
  readonly netns: string;
  /** This machine's address on the cable. */
  readonly here: string;
  /** Its own. */
  readonly there: string;
  remove(): Promise<void>;
}

/** `netns`: where its namespace is kept. */
export async function otherMachine(netns: string): Promise<OtherMachine> {
  const base = `10.98.${process.pid % 250}`;
  const name = `bpx${process.pid.toString(36)}`;
  const [here, there] = [`${base}.1`, `${base}.2`];
  const fd = await createNetns();
  try {
    const peer = { name: 'eth0', index: 2, mac: '0a:60:00:00:00:02', netns: fd };
    await configure([addVeth({ name, peer })]);
    await configure([addAddress({ ip: here, prefix: 24, index: await linkIndex(name) })]);
    const inside = [setUp(1), setUp(2), addAddress({ ip: there, prefix: 24, index: 2 })];
    await configure(inside, { netns: fd });
    await bindNetns(fd, netns);
  } finally {
    closeSync(fd);
  }
  return { netns, here, there, remove: () => removeNetns(netns) };
}
