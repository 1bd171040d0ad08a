// Work that is asked for often and done at most every so often, never twice at a time. The last
// request is always followed by a run.
export class Throttle {
  private timer: ReturnType<typeof setTimeout> | null = null;
  private running = false;
  private again = false;
  private readyAt = 0;
  private stopped = false;

  // `work` must not reject.
  constructor(
    private readonly work: () => Promise<void>,
    private readonly pauseMs: number,
  ) {}

  request(): void {
    this.again = true;
    if (!this.running && this.timer === null && !this.stopped) {
      this.timer = setTimeout(() => void this.run(), Math.max(0, this.readyAt - Date.now()));
    }
  }

  stop(): void {
    this.stopped = true;
    if (this.timer !== null) {
      clearTimeout(this.timer);
    }
  }

  private async run(): Promise<void> {
    this.timer = null;
    this.running = true;
    this.again = false;
    await this.work();
    this.running = false;
    this.readyAt = Date.now() + this.pauseMs;
    if (this.again) {
      this.request();
    }
  }
}
