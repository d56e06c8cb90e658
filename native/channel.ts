/** Quiet connections to supervisors: small messages both ways, watched by a thread of the addon. */

import { loadAddon } from './load.ts';

export interface ChannelEvents {
  readonly data: (bytes: Buffer) => void;
  /** The other end, or `close`, ended it; called once, last. */
  readonly closed: () => void;
}

export interface Reached {
  readonly descriptor: number;
  /** How many bytes went at once. */
  readonly sent: number;
}

interface Face {
  listenToChannels(callback: (id: number, bytes: Buffer | null) => void): void;
  openChannel(descriptor: number): number;
  connectChannel(directory: string): number;
  reachSupervisor(directory: string, first: Uint8Array): Reached;
  sendToChannel(id: number, bytes: Uint8Array): void;
  closeChannel(id: number): void;
}

const open = new Map<number, ChannelEvents>();
let listening: Face | undefined;

function face(): Face {
  if (listening === undefined) {
    listening = loadAddon<Face>();
    listening.listenToChannels((id, bytes) => {
      const events = open.get(id);
      if (bytes !== null) return events?.data(bytes);
      open.delete(id);
      events?.closed();
    });
  }
  return listening;
}

/**
 * A connection to the supervisor of a state directory, however long its path, as a descriptor that is the caller's.
 * `first` is sent on it as far as there is room.
 * @throws NativeError ENOENT or ECONNREFUSED when there is none
 */
export const reachSupervisor = (directory: string, first: Uint8Array): Reached =>
  loadAddon<Face>().reachSupervisor(directory, first);

export class Channel {
  readonly #id: number;

  private constructor(id: number, events: ChannelEvents) {
    this.#id = id;
    open.set(id, events);
  }

  /** Takes over the descriptor of a connection. */
  static adopt(descriptor: number, events: ChannelEvents): Channel {
    return new Channel(face().openChannel(descriptor), events);
  }

  /**
   * Connects to the supervisor of a state directory, however long its path.
   * @throws NativeError ENOENT or ECONNREFUSED when there is none
   */
  static connect(directory: string, events: ChannelEvents): Channel {
    return new Channel(face().connectChannel(directory), events);
  }

  /** For messages of at most a few hundred bytes; to a closed channel they go nowhere. */
  send(bytes: Uint8Array): void {
    face().sendToChannel(this.#id, bytes);
  }

  close(): void {
    face().closeChannel(this.#id);
  }
}
