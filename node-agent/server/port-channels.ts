/** Port-forward over WebSocket channels: two channels a port of the query (`port-forward.ts` draws them). */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { type ChannelProtocol, decodeMessage, encodeMessage } from './channels.ts';
import { type Dial, reason } from './port-forward.ts';

/** Carries one connection a port; resolves when the client is gone or all are over. */
export async function forwardOverChannels(
  socket: WebSocket,
  { protocol, ports }: { readonly protocol: ChannelProtocol; readonly ports: readonly number[] },
  dial: Dial,
): Promise<void> {
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const inside: (Duplex | undefined)[] = [];
  const early: Buffer[][] = ports.map(() => []);
  const receive = (data: Buffer) => {
    const message = decodeMessage(protocol, data);
    if (message === undefined || message.number % 2 === 1) return;
    const index = message.number / 2;
    const target = inside[index];
    if (target === undefined) {
      early[index]?.push(message.bytes);
      return;
    }
    if (target.destroyed || target.write(message.bytes)) return;
    socket.pause();
    const go = () => socket.resume();
    target.once('drain', go);
    target.once('close', go);
  };
  const send = (number: number, bytes: Buffer) =>
    new Promise<void>((resolve) => {
      if (socket.readyState !== socket.OPEN) resolve();
      else socket.send(encodeMessage(protocol, number, bytes), () => resolve());
    });
  const carry = async (port: number, index: number) => {
    const [data, error] = [2 * index, 2 * index + 1];
    const named = Buffer.alloc(2);
    named.writeUInt16LE(port);
    await Promise.all([send(data, named), send(error, named)]);
    try {
      const target = await dial(port);
      inside[index] = target;
      void closed.then(() => target.destroy());
      for (const bytes of early[index]?.splice(0) ?? []) target.write(bytes);
      for await (const chunk of target) await send(data, chunk as Buffer);
    } catch (cause) {
      await send(error, Buffer.from(reason(port, cause)));
    }
  };
  const dialled = Promise.all(ports.map(carry));
  socket.on('message', receive);
  socket.resume();
  await dialled;
  socket.close(1000);
  await closed;
}
