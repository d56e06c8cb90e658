/**
 * How far a watch of etcd is, asked for by hand. etcd before 3.4.25 and 3.5.8 answers with the store's newest revision,
 * whether the events up to it have been sent or not (etcd issue 15220): an answer may overtake them, and does so for
 * as long as a new watch catches up. There the first answer counts only if a second one, some time later, comes without
 * any event between the two: what etcd still had to send it would have sent.
 */

/** etcd looks every 100 ms for watches that have to catch up. */
const doubtMs = 300;

/** Whether an answer tells of nothing that is not sent yet. */
export function tellsInOrder(version: string): boolean {
  const numbers = version.split('.').map((part) => Number.parseInt(part, 10));
  const [major = 0, minor = 0, patch = 0] = numbers;
  if (major !== 3) return major > 3;
  if (minor === 4) return patch >= 25;
  return minor === 5 ? patch >= 8 : minor > 5;
}

export class ProgressQuestion {
  readonly #inOrder: boolean;
  readonly #send: () => void;
  #state: 'idle' | 'asked' | 'doubted' = 'idle';
  #first = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `send` asks etcd. */
  constructor(inOrder: boolean, send: () => void) {
    this.#inOrder = inOrder;
    this.#send = send;
  }

  ask(): void {
    if (this.#inOrder) {
      this.#send();
    } else if (this.#state === 'idle') {
      this.#state = 'asked';
      this.#send();
    }
  }

  /** etcd says that it is at `revision`; the revision up to which everything has been sent, if that is known now. */
  answered(revision: number): number | undefined {
    if (this.#inOrder) return revision;
    if (this.#state === 'doubted') {
      const sure = this.#first;
      this.forget();
      return sure;
    }
    if (this.#state === 'idle' || this.#timer !== undefined) return undefined;
    this.#first = revision;
    this.#timer = setTimeout(() => {
      this.#state = 'doubted';
      this.#send();
    }, doubtMs);
    return undefined;
  }

  /** An event has come, or the watch has ended: what was asked is to be asked again. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#state = 'idle';
  }
}
