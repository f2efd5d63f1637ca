/** So many at a time: who comes later waits for one to be given back, first come first served. */
export class Slots {
  private taken = 0;
  private readonly waiting: (() => void)[] = [];
  private released: (() => void)[] = [];
  constructor(private limit: number) {}

  /** Whether one can be had without waiting. */
  get free(): boolean { return this.taken < this.limit; }

  get inUse(): number { return this.taken; }

  /** Resolves with the function that gives the slot back. */
  async take(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.taken >= this.limit) {
      await new Promise<void>((resolve, reject) => {
        const enter = (): void => { signal?.removeEventListener('abort', leave); resolve(); };
        const leave = (): void => { this.waiting.splice(this.waiting.indexOf(enter), 1); reject(signal!.reason as Error); };
        signal?.addEventListener('abort', leave, { once: true });
        this.waiting.push(enter);
      });
    } else this.taken += 1;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      for (const tell of this.released.splice(0)) tell();
      if (this.waiting.length > 0 && this.taken <= this.limit) this.waiting.shift()!();
      else this.taken -= 1;
    };
  }

  /** One slot less from now on; resolves when another slot was given back, or a moment later: that may have happened just before. */
  async narrow(): Promise<void> {
    this.limit = Math.max(1, Math.min(this.limit, this.taken) - 1);
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, 250);
      this.released.push(() => { clearTimeout(timer); resolve(); });
    });
  }
}
