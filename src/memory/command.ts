/** What the worker has to do to the processes of a card, and why. */
export type MemoryCommand =
  | {
      readonly kind: "evict";
      readonly slot: string;
      /** The model keys that leave; "" stands for the cache of the process. */
      readonly names: readonly string[];
      /**
       * The process is about to use the rest of what it has. It is not told to free anything, since
       * that would be everything: it unloads these by itself when it needs their room.
       */
      readonly isPartial: boolean;
      readonly bytes: number;
      readonly reason: string;
    }
  | {
      readonly kind: "compact";
      readonly slot: string;
      readonly bytes: number;
      readonly reason: string;
    };
