/** Progress of pulls and pushes as docker shows it: a line a layer, redrawn on a terminal, one line a change elsewhere. */
import { humanSize, shortId, type TransferLine } from './images.ts';

const BAR = 50;

const words = {
  pull: {
    waiting: 'Waiting',
    downloading: 'Downloading',
    unpacking: 'Extracting',
    uploading: 'Pushing',
    present: 'Already exists',
    done: 'Pull complete',
  },
  push: {
    waiting: 'Preparing',
    downloading: 'Downloading',
    unpacking: 'Extracting',
    uploading: 'Pushing',
    present: 'Layer already exists',
    done: 'Pushed',
  },
} as const;

export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class Progress {
  readonly #screen: Screen;
  readonly #words: (typeof words)['pull' | 'push'];
  /** By layer, in the order of appearance. */
  readonly #lines = new Map<string, string>();

  constructor(screen: Screen, kind: 'pull' | 'push') {
    this.#screen = screen;
    this.#words = words[kind];
  }

  show(line: TransferLine): void {
    const { layer, status } = line;
    if (layer === undefined || status === undefined) return;
    const isDrawn = this.#screen.isTTY === true;
    const text = `${shortId(layer)}: ${this.#words[status]}${isDrawn ? bar(line) : ''}`;
    const before = this.#lines.get(layer);
    if (text === before) return;
    this.#lines.set(layer, text);
    if (!isDrawn) this.#screen.write(`${text}\n`);
    else if (before === undefined) this.#screen.write(`${this.#cut(text)}\n`);
    else this.#redraw(layer, text);
  }

  /** Up to the layer's line, the line anew, down again (ECMA-48 CUU, EL, CUD). */
  #redraw(layer: string, text: string): void {
    const up = this.#lines.size - [...this.#lines.keys()].indexOf(layer);
    this.#screen.write(`\x1b[${up}A\r${this.#cut(text)}\x1b[K\x1b[${up}B\r`);
  }

  /** A line that wraps would be two to the cursor. */
  #cut(text: string): string {
    return text.slice(0, (this.#screen.columns ?? 80) - 1);
  }
}

function bar({ status, bytes = 0, total = 0 }: TransferLine): string {
  const moves = status === 'downloading' || status === 'uploading';
  if (!moves || total === 0) return '';
  const full = Math.floor((BAR * bytes) / total);
  const drawn = full < BAR ? `${'='.repeat(full)}>`.padEnd(BAR) : '='.repeat(BAR);
  return ` [${drawn}]  ${humanSize(bytes)}/${humanSize(total)}`;
}
