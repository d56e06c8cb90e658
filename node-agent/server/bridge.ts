/** A client's end of exec or attach, whatever it speaks. */
import type { Session, TerminalSize } from '#node-agent/container/runtime.ts';
import type { ExecStatus } from './channels.ts';

export interface Wanted {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export interface Bridge {
  /** Resolves when the client's streams stand. Rejects if it never opens them. */
  open(): Promise<void>;
  /** The size of the client's terminal; `undefined` if it does not tell it soon. */
  firstSize(): Promise<TerminalSize | undefined>;
  /** Carries everything both ways until the process has ended and all it wrote is sent. Resolves with the exit code. */
  join(session: Session): Promise<number>;
  /** Something to read for whoever sits before the terminal. */
  complain(message: string): Promise<void>;
  /** The last message, then the end of the connection. */
  finish(status: ExecStatus): Promise<void>;
}
