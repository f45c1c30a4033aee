import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, symlinkSync } from 'node:fs';
import type { Readable } from 'node:stream';

/**
 * A scanner on a tty: a real pseudo-terminal, which `script` (util-linux, on every Debian) holds the other end of. `path` leads
 * to the tty wherever it is by now, as names under /dev/serial/by-id/ do.
 */
export class StandInTty {
  readonly path: string;
  #script: ChildProcess | null = null;
  #said = '';
  #waiting: (() => void)[] = [];

  constructor(path: string) {
    this.path = path;
  }

  async plugIn(): Promise<void> {
    // Whoever is asked for its tty says the name and then keeps the terminal open without reading from it.
    const script = spawn('script', ['-qfc', 'stty raw -echo; tty; exec sleep 3600', '/dev/null'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#script = script;
    this.#said = '';
    script.stdout?.on('data', (portion) => {
      this.#said += portion;
      for (const look of this.#waiting.splice(0)) look();
    });
    const line = await this.line();
    rmSync(this.path, { force: true });
    symlinkSync(line, this.path);
  }

  /** What a scan sends, with its line's end. */
  send(bytes: string | Uint8Array): void {
    this.#script?.stdin?.write(bytes);
  }

  /** The next line that was written to the tty. */
  async line(): Promise<string> {
    while (!this.#said.includes('\n')) await new Promise<void>((found) => this.#waiting.push(found));
    const end = this.#said.indexOf('\n');
    const line = this.#said.slice(0, end);
    this.#said = this.#said.slice(end + 1);
    return line.replace(/\r$/, '');
  }

  async pullOut(): Promise<void> {
    const script = this.#script;
    this.#script = null;
    rmSync(this.path, { force: true });
    if (script === null || script.exitCode !== null) return;
    const output: Readable | null = script.stdout;
    script.kill('SIGKILL');
    output?.destroy();
    await once(script, 'exit');
  }
}
