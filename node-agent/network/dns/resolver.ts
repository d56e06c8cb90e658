/** One question from its bytes to the reply's: the cluster's names from what is known, others passed on. */
import {
  type Answer,
  codes,
  MalformedQuery,
  nameBytes,
  type Question,
  type Record,
  readAnswers,
  readQuestion,
  writeFailure,
  writeReply,
} from './message.ts';
import type { Upstream } from './upstream.ts';
import type { Alias, Zone } from './zone.ts';

export type Transport = 'udp' | 'tcp';

export class Resolver {
  readonly #zone: Zone;
  readonly #upstream: Pick<Upstream, 'ask'>;

  constructor(zone: Zone, upstream: Pick<Upstream, 'ask'>) {
    this.#zone = zone;
    this.#upstream = upstream;
  }

  /** `undefined`: no reply. */
  async reply(query: Buffer, transport: Transport): Promise<Buffer | undefined> {
    try {
      const question = readQuestion(query);
      if (question === undefined) return undefined;
      return await this.#answer(question, query, transport);
    } catch (error) {
      if (error instanceof MalformedQuery) return writeFailure(error.id, error.code);
      throw error;
    }
  }

  async #answer(question: Question, query: Buffer, transport: Transport): Promise<Buffer> {
    const found = this.#zone.find(question.name, question.type);
    const failed = { code: codes.serverFailure, answers: [] };
    if (found === undefined) {
      return this.#upstream
        .ask(query, transport)
        .catch(() => writeReply(question, failed, transport));
    }
    if (!('alias' in found)) return writeReply(question, found, transport);
    const answers = await this.#follow(found.alias, question);
    return writeReply(question, answers, transport);
  }

  /** The alias and what its target is: in the cluster, else asked for elsewhere. */
  async #follow({ record, target }: Alias, question: Question): Promise<Answer> {
    const records: Record[] = [record];
    const inside = this.#zone.find(target, question.type);
    // An alias of an alias is left to the client.
    if (inside !== undefined) {
      const more = 'alias' in inside ? [inside.alias.record] : inside.answers;
      return { code: codes.ok, answers: [...records, ...more] };
    }
    const asked = questionBytes(target, question.type);
    const more = await this.#upstream
      .ask(asked, 'tcp')
      .then(readAnswers, () => this.#upstream.ask(asked, 'udp').then(readAnswers, () => []));
    return { code: codes.ok, answers: [...records, ...more] };
  }
}

function questionBytes(name: string, type: number): Buffer {
  const id = Math.floor(Math.random() * 65_536);
  const header = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, nameBytes(name), Buffer.from([type >> 8, type & 255, 0, 1])]);
}
