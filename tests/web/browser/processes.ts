// lehrd, trainers and the feeder, as processes of a test.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const binaries = process.env.LEHR_BINARIES ?? 'build/bin';

export class Lehrd {
  private constructor(
    private readonly child: ChildProcess,
    readonly folder: string,
    // HOST:PORT for ranks.
    readonly address: string,
    // The page's address, without a slash at its end.
    readonly origin: string,
  ) {}

  // On the ports and the data of `before`, if given.
  static async start(options: string[] = [], before?: Lehrd): Promise<Lehrd> {
    const folder = before?.folder ?? mkdtempSync(join(tmpdir(), 'lehr-web-'));
    const child = spawn(
      join(binaries, 'lehrd'),
      [
        `--data_dir=${join(folder, 'data')}`,
        `--listen=${before?.address ?? '127.0.0.1:0'}`,
        `--http=${before ? new URL(before.origin).host : '127.0.0.1:0'}`,
        ...options,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const found = new Map<string, string>();
    const log: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      log.push(line);
      const serving = /msg="serving (\w+)" address=(\S+)/.exec(line);
      if (serving) {
        found.set(serving[1] ?? '', serving[2] ?? '');
      }
      if (found.has('gRPC') && found.has('HTTP')) {
        break;
      }
    }
    // The end of the loop has paused it, and what lehrd says later must not fill the pipe.
    child.stderr.resume();
    const [rpc, http] = [found.get('gRPC'), found.get('HTTP')];
    if (rpc !== undefined && http !== undefined) {
      return new Lehrd(child, folder, rpc, `http://${http}`);
    }
    throw new Error(`lehrd did not start:\n${log.join('\n')}`);
  }

  async kill(): Promise<void> {
    await end(this.child, 'SIGKILL');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async get<Body>(path: string): Promise<Body> {
    const response = await fetch(this.origin + path);
    if (!response.ok) {
      throw new Error(`${path}: ${response.status} ${await response.text()}`);
    }
    return (await response.json()) as Body;
  }
}

export class Trainer {
  private constructor(
    private readonly child: ChildProcess,
    // With its exit code.
    readonly ended: Promise<number | null>,
  ) {}

  static start(lehrd: Lehrd, run: string, options: string[]): Trainer {
    const child = spawn(
      join(binaries, 'lehr-train'),
      [`--supervisor=${lehrd.address}`, `--run=${run}`, ...options],
      { stdio: 'ignore' },
    );
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    return new Trainer(child, ended);
  }

  async kill(): Promise<void> {
    await end(this.child, 'SIGKILL');
  }
}

// A run that takes some milliseconds a step, and does not end by itself: error-driven noise makes it
// diverge.
export const endless = [
  '--task=spirals',
  '--hidden=192,192',
  '--batch=0',
  '--steps=100000000',
  '--policy=observe',
];

// Runs that make a step when they are told to; see feeder.cc.
export class Feeder {
  private readonly answers: AsyncIterator<string>;

  constructor(
    private readonly child: ChildProcess,
    readonly runs: string[],
  ) {
    if (child.stdout === null) {
      throw new Error('the feeder has no stdout');
    }
    this.answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static start(lehrd: Lehrd, runs: number, prefix: string): Feeder {
    const child = spawn(join(binaries, 'web_feeder'), [lehrd.address, String(runs), prefix], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    return new Feeder(
      child,
      Array.from({ length: runs }, (_, i) => `${prefix}-${i}`),
    );
  }

  // The newest step, once all runs have made `count` more.
  async steps(count: number): Promise<number> {
    this.child.stdin?.write(`${count}\n`);
    const answer = await this.answers.next();
    return Number(answer.value);
  }

  async kill(): Promise<void> {
    await end(this.child, 'SIGKILL');
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }
}
