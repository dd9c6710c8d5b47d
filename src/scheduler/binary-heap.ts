/** What a heap orders by, read from the item once when it is put in. */
export interface HeapOrder<Item> {
  /** The least comes first. */
  readonly keyOf: (item: Item) => number;
  /** Told whenever an item moves, so that it can be found again; -1 when it leaves. */
  readonly moved?: (item: Item, index: number) => void;
}

/** A binary heap whose items know their place, so that any of them may leave or change. */
export class BinaryHeap<Item> {
  private readonly items: Item[] = [];
  private readonly keys: number[] = [];
  private readonly order: HeapOrder<Item>;

  constructor(order: HeapOrder<Item>) {
    this.order = order;
  }

  get size(): number {
    return this.items.length;
  }

  peek(): Item | undefined {
    return this.items[0];
  }

  push(item: Item): void {
    this.items.push(item);
    this.keys.push(0);
    this.rise(this.items.length - 1, item, this.order.keyOf(item));
  }

  /** All items, in no order. */
  all(): readonly Item[] {
    return this.items;
  }

  pop(): Item | undefined {
    return this.items.length === 0 ? undefined : this.removeAt(0);
  }

  removeAt(index: number): Item | undefined {
    const removed = this.items[index];
    const last = this.items.pop();
    const key = this.keys.pop();
    if (removed === undefined || last === undefined || key === undefined) return undefined;
    this.order.moved?.(removed, -1);
    if (index < this.items.length) this.settle(index, last, key);
    return removed;
  }

  /** Puts the item at `index` where its present key belongs. */
  update(index: number): void {
    const item = this.items[index];
    if (item !== undefined) this.settle(index, item, this.order.keyOf(item));
  }

  /** The `count` least items in order, without taking them: O(count²) for small counts. */
  least(count: number): readonly Item[] {
    const found: Item[] = [];
    const frontier = this.items.length === 0 ? [] : [0];
    while (found.length < count && frontier.length > 0) {
      let best = 0;
      for (let at = 1; at < frontier.length; at++) {
        if (this.keyAt(frontier[at] ?? 0) < this.keyAt(frontier[best] ?? 0)) best = at;
      }
      const [index = 0] = frontier.splice(best, 1);
      const item = this.items[index];
      if (item !== undefined) found.push(item);
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.items.length) frontier.push(child);
      }
    }
    return found;
  }

  /** Up to `most` items whose keys are at most `key`, in no order: O(found). */
  upTo(key: number, most: number): readonly Item[] {
    const found: Item[] = [];
    const open = [0];
    for (let index = open.pop(); index !== undefined && found.length < most; index = open.pop()) {
      const item = this.items[index];
      if (item === undefined || this.keyAt(index) > key) continue;
      found.push(item);
      open.push(2 * index + 2, 2 * index + 1);
    }
    return found;
  }

  private settle(index: number, item: Item, key: number): void {
    const parent = (index - 1) >> 1;
    if (index > 0 && key < this.keyAt(parent)) this.rise(index, item, key);
    else this.sink(index, item, key);
  }

  private rise(start: number, item: Item, key: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.keyAt(parent) <= key) break;
      this.move(parent, index);
      index = parent;
    }
    this.place(index, item, key);
  }

  private sink(start: number, item: Item, key: number): void {
    let index = start;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= this.items.length) break;
      const right = left + 1;
      const child =
        right < this.items.length && this.keyAt(right) < this.keyAt(left) ? right : left;
      if (this.keyAt(child) >= key) break;
      this.move(child, index);
      index = child;
    }
    this.place(index, item, key);
  }

  private move(from: number, to: number): void {
    const item = this.items[from];
    if (item !== undefined) this.place(to, item, this.keyAt(from));
  }

  private place(index: number, item: Item, key: number): void {
    this.items[index] = item;
    this.keys[index] = key;
    this.order.moved?.(item, index);
  }

  private keyAt(index: number): number {
    return this.keys[index] ?? Infinity;
  }
}
