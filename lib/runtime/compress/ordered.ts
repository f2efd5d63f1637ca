/** Does work on many items at the same time and gives the results in the items' order; at most `limit` are under way, and a slow taker slows it all. */
export async function* ordered<A, B>(items: AsyncIterable<A>, limit: number, work: (item: A) => Promise<B>): AsyncGenerator<B, void, undefined> {
  const under: Promise<B>[] = [], from = items[Symbol.asyncIterator]();
  // The next item is fetched while the results before it are waited for.
  const fetch = (): Promise<IteratorResult<A>> => { const coming = from.next(); coming.catch(() => {}); return coming; };
  let coming: Promise<IteratorResult<A>> | undefined = fetch();
  try {
    for (;;) {
      while (coming !== undefined && under.length < limit) {
        const next: IteratorResult<A> = await coming;
        coming = next.done ? undefined : fetch();
        if (next.done) break;
        const result = work(next.value);
        // Its error is thrown when its turn comes.
        result.catch(() => {});
        under.push(result);
      }
      if (under.length === 0) return;
      yield await under.shift()!;
    }
  } finally { await from.return?.(undefined); }
}
