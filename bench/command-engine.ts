/** A runtime or engine that is used by its own command. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import {
  type Engine,
  type Held,
  nowNs,
  privateKib,
  sinceMs,
  stampedMs,
} from './container-engine.ts';

let count = 0;

/** Words of a runtime or engine for what the benchmark does. */
export interface Commands {
  readonly name: string;
  readonly rounds: number;
  readonly program: string;
  /** Before every subcommand. */
  readonly first: readonly string[];
  /** Words that run a program and remove the container. */
  readonly run: (name: string, program: readonly string[]) => readonly string[];
  /** The same in the background. */
  readonly detach: (name: string) => readonly string[];
  readonly remove: (name: string) => readonly string[];
  /** Words that tell the container's process as one number, or as `pid` of JSON. */
  readonly pid: (name: string) => readonly string[];
  readonly kill: (name: string) => readonly string[];
  readonly resume: string;
  readonly hasLog: boolean;
}

/** Output goes to a file: a process that stays in the background would keep a pipe open. */
export class CommandEngine implements Engine {
  readonly name: string;
  readonly rounds: number;
  readonly logs?: () => Promise<number>;
  readonly #commands: Commands;
  readonly #directory: string;

  constructor(commands: Commands, directory: string) {
    this.name = commands.name;
    this.rounds = commands.rounds;
    this.#commands = commands;
    this.#directory = directory;
    if (commands.hasLog) {
      this.logs = async () => {
        const before = nowNs();
        await this.#call(commands.run(this.#next(), ['/bin/lines']), '/dev/null');
        return sinceMs(before);
      };
    }
  }

  #next(): string {
    count += 1;
    return `bench-${process.pid}-${count}`;
  }

  /** @throws Error with what the command said */
  async #call(words: readonly string[], into?: string): Promise<string> {
    count += 1;
    const [output, errors] = [
      into ?? `${this.#directory}/out${count}`,
      `${this.#directory}/err${count}`,
    ];
    const [out, err] = [openSync(output, 'w'), openSync(errors, 'w')];
    const { program, first } = this.#commands;
    const child: ChildProcess = spawn(program, [...first, ...words], {
      stdio: ['ignore', out, err],
    });
    closeSync(out);
    closeSync(err);
    const [code] = await once(child, 'exit');
    if (code !== 0) {
      throw new Error(`${program} ${words.join(' ')}: ${readFileSync(errors, 'utf8')}`);
    }
    const text = into === undefined ? readFileSync(output, 'utf8') : '';
    for (const file of into === undefined ? [output, errors] : [errors]) rmSync(file);
    return text;
  }

  async run() {
    const before = nowNs();
    const text = await this.#call(this.#commands.run(this.#next(), ['/bin/stamp']));
    return { first: stampedMs(text, before), whole: sinceMs(before) };
  }

  async #timed(...words: string[]): Promise<number> {
    const before = nowNs();
    await this.#call(words);
    return sinceMs(before);
  }

  async hold(): Promise<Held> {
    const { detach, remove, pid, kill, resume } = this.#commands;
    const name = this.#next();
    await this.#call(detach(name), '/dev/null');
    const told = await this.#call(pid(name));
    const process = Number(/"pid": *(\d+)/.exec(told)?.[1] ?? told.trim());
    const beside = parentOf(process);
    return {
      exec: async () => {
        const before = nowNs();
        return stampedMs(await this.#call(['exec', name, '/bin/stamp']), before);
      },
      pause: () => this.#timed('pause', name),
      resume: () => this.#call([resume, name]),
      kill: async () => {
        const before = nowNs();
        await this.#call(kill(name));
        while (isAlive(process)) await new Promise(setImmediate);
        return sinceMs(before);
      },
      // Who stays: conmon, containerd's shim; nobody beside crun and runc.
      beside: () => (isSupervisor(beside) ? privateKib(beside) : 0),
      remove: () => this.#call(remove(name)),
    };
  }

  async close(): Promise<void> {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

const stat = (pid: number): string[] => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  } catch {
    return [];
  }
};
const isAlive = (pid: number): boolean => !['Z', undefined].includes(stat(pid)[0]);
const parentOf = (pid: number): number => Number(stat(pid)[1] ?? 0);
const isSupervisor = (pid: number): boolean =>
  pid > 1 && /conmon|shim/.test(readFileSync(`/proc/${pid}/comm`, 'utf8'));
